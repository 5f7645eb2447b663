"""Of a compressed file nothing is read twice: neither by who reads all of it or a window, nor by who looks at it, on disk or on a server."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import sarcodec
import sarcodec.rasterio
from api.scenes import store
from range_server import serving
from sarcodec.doors.virtual_geotiff import VirtualGeotiff
from sarcodec.format import reader, remote
from sarcodec.format.reader import FileReader
from sarcodec.format.source import PathSource
from sarcodec.viewer.shown import Shown

ROWS, COLS = 1200, 1700  # three by four tiles
FIRST_BYTES = 2048
WINDOW = ((0, 600), (300, 900))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Two bands with a slanting border of nodata, so that tiles have masks."""
    rng = np.random.default_rng(3)
    pixels = rng.gamma(5, 40, (2, ROWS, COLS)).astype(np.float32) + 1
    pixels[:, np.add.outer(np.arange(ROWS), np.arange(COLS)) < 700] = 0
    folder = tmp_path_factory.mktemp("read")
    store(folder / "a.tif", pixels, nodata=(0.0, 0.0))
    sarcodec.compress(folder / "a.tif", folder / "a.sarc", quality=55, effort=0, domain="amplitude")
    return folder / "a.sarc"


@pytest.fixture
def packed(made, tmp_path, monkeypatch) -> Path:
    """A file that no other test has decoded, of which little is read with the head."""
    for module in (reader, remote):
        monkeypatch.setattr(module, "FIRST_BYTES", FIRST_BYTES)
    return Path(shutil.copy(made, tmp_path / "a.sarc"))


@pytest.fixture
def reads(monkeypatch) -> list[tuple[int, int]]:
    """(offset, length) of all that is read of files on the disk."""
    found, plain = [], PathSource.read

    def noted(source, offset, length):
        found.append((offset, length))
        return plain(source, offset, length)

    monkeypatch.setattr(PathSource, "read", noted)
    return found


def most_often(reads: list[tuple[int, int]]) -> int:
    """How often that byte was read which was read most often."""
    times = np.zeros(max(offset + length for offset, length in reads) + 1, int)
    for offset, length in reads:
        times[offset] += 1
        times[offset + length] -= 1
    return int(times.cumsum().max())


@pytest.mark.parametrize("how", [{}, {"reconstruct": "log"}, {"speckle": "restore"}], ids=["power", "log", "speckle"])
@pytest.mark.parametrize("window", [None, WINDOW], ids=["whole", "window"])
def test_no_payload_is_read_twice(packed, reads, how, window):
    with sarcodec.open(packed, **how) as scene:
        found = scene.read(1, window=window, masked=True)
    assert found.mask.any() and not found.mask.all()
    assert len(reads) > 5 and most_often(reads[1:]) == 1  # the first bytes end within a payload


def test_no_payload_is_read_twice_for_the_file_of_a_geotiff(packed, reads):
    with sarcodec.rasterio.open(packed) as dataset:
        dataset.read(1)
        assert len(reads) > 5 and most_often(reads[1:]) == 1  # the first bytes end within a payload
        for side in (16, 8):
            dataset.read(out_shape=(2, ROWS // side, COLS // side))
    assert most_often(reads[1:]) == 2  # the base, once for the whole and once for all overviews


def test_overviews_of_all_sizes_read_the_base_once(packed, reads):
    with VirtualGeotiff(packed) as tiff:
        assert len(tiff._levels) > 2
        for image, level in enumerate(tiff._levels[1:], 1):
            for number in range(2 * level.blocks):
                tiff._block(image, number)
    assert (
        len(reads) == 2 and most_often(reads) <= 2
    )  # the first bytes, of which the base may begin in some, and the base


def look(shown: Shown) -> None:
    """All tiles of reduced pictures, as when somebody zooms in from the whole scene."""
    tiles = [
        shown.pyramid.tile("decoded", band, side, x, y)
        for side in reversed(shown.pyramid.sides)
        if side >= 8
        for band in (0, 1)
        for x in range(-(-COLS // side // 256))
        for y in range(-(-ROWS // side // 256))
    ]
    assert len(tiles) >= 2 and all(np.isfinite(tile).any() for tile in tiles)


def test_the_first_pictures_of_the_viewer_read_the_base_once(packed, reads):
    with Shown(packed) as shown:
        look(shown)
    with FileReader(packed) as file:
        base = file.directory.base_bytes
    assert sum(length for _, length in reads[:-1]) <= FIRST_BYTES + base + 100


def test_the_first_pictures_of_the_viewer_come_in_two_requests_from_a_server(packed):
    pytest.importorskip("obstore", reason="the extra `remote` is not installed")
    with serving({"/a.sarc": packed.read_bytes()}) as served:
        with Shown(f"{served.address}/a.sarc") as shown:
            look(shown)
        wanted = [re.fullmatch(r"bytes=(\d+)-(\d+)", found) for _, found in served.asked]
    with FileReader(packed) as file:
        most = FIRST_BYTES + file.directory.base_bytes + 100
    assert len(wanted) == 2 and sum(int(one[2]) - int(one[1]) + 1 for one in wanted) <= most


def test_what_was_looked_at_is_what_a_scene_gives(packed):
    from sarcodec.api.looked import LookedAt

    with LookedAt(FileReader(packed)) as looked, sarcodec.open(packed) as scene:
        for side in (16, 8, 32, 8, None):
            for window in (None, WINDOW):
                found, expected = (one.read(window=window, reduce=side, masked=True) for one in (looked, scene))
                np.testing.assert_array_equal(found.filled(-1), expected.filled(-1))

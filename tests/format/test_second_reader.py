"""docs/format.md is complete: a reader written from it alone decodes every golden file to the codec's symbols and pixels."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from format.slow_file import read_file
from format.slow_pixels import planes_of
from format.slow_reader import SlowModel
from format.slow_sections import sections
from golden.scenes import PROMISED, SCENES
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.format.reader import FileReader
from sarcodec.models import published

FOLDER = Path(__file__).resolve().parents[1] / "golden"
LEVELS_DB = 2e-3  # between floats of 32 bits in one order and floats of 64 in another
ALIKE = 0.98  # of whole numbers: a level beside the middle between two of them may go either way


@pytest.fixture(scope="module")
def slow() -> SlowModel:
    """The shipped model, read by the slow reader."""
    homes = [folder / published.DEFAULT_MODEL for folder in published.folders()]
    return SlowModel(next(home for home in homes if home.exists()))


def test_the_model_is_the_one_that_files_name(slow):
    file = read_file((FOLDER / "v1-uint16-border.sarc").read_bytes())
    assert slow.digest.hex() == slow.card["digest"] and slow.digest.startswith(file.digest)
    assert file.model_id == slow.card["id"]


@pytest.mark.parametrize("name", SCENES | PROMISED)
def test_the_head_says_what_the_codec_says(name):
    data = (FOLDER / f"{name}.sarc").read_bytes()
    file, known = read_file(data), json.loads((FOLDER / f"{name}.json").read_text())
    assert (file.rows, file.cols, file.dtype, file.masks) == tuple(known[k] for k in ("rows", "cols", "dtype", "masks"))
    assert file.claims == known["claims"]
    assert [tag for tag in file.records if tag not in (1, 2, 4, 6)] == known["skipped"]
    attached = [[name, len(blob), f"{zlib.crc32(blob):08x}"] for name, blob in file.attachments.items()]
    assert attached == known["attachments"]
    assert [file.nodata(band) for band in range(len(file.bands))] == known["nodata"]
    assert file.why[0] == sarcodec.info(data).band_kinds[0].why


@pytest.mark.parametrize("power", [False, True], ids=["log", "power"])
@pytest.mark.parametrize("name", SCENES | PROMISED)
def test_pixels_are_the_codecs(name, power, slow):
    """Bit for bit but for learned bands, and there too where pixels are invalid."""
    if name in PROMISED:
        pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    path = FOLDER / f"{name}.sarc"
    file = read_file(path.read_bytes())
    mine = planes_of(file, slow, power)
    with FileReader(path) as opened:
        decoder = SceneDecoder(opened)
        masks = [plane_of(decoder, len(file.bands) + mask) for mask in range(file.masks)]
    with sarcodec.open(path, reconstruct="power" if power else "log", threads=1) as scene:
        theirs = [*scene.read(bands=range(len(file.bands))), *masks]
    for plane, (found, expected) in enumerate(zip(mine, theirs, strict=True)):
        learned = plane < len(file.bands) and file.bands[plane].kind == 0
        if learned:
            assert_alike(found, expected, file.bands[plane].domain == 2)
        else:
            assert found.tobytes() == expected.tobytes()


def plane_of(decoder: SceneDecoder, plane: int) -> np.ndarray:
    out = np.empty((decoder.header.rows, decoder.header.cols), np.uint8)
    for tile in range(decoder.grid.count):
        out[decoder.grid.window(tile).slices] = decoder.tile_plane(tile, plane)
    return out


def assert_alike(found: np.ndarray, expected: np.ndarray, db: bool) -> None:
    same = found.view(f"u{found.itemsize}") == expected.view(f"u{expected.itemsize}")
    if found.dtype.kind != "f":
        close = np.abs(found.astype(np.int64) - expected.astype(np.int64)) <= np.maximum(1, 3e-4 * np.abs(expected))
        assert (same | close).all() and same.mean() > (ALIKE if found.itemsize < 4 else 0)
        return
    a, b = found[~same].astype(np.float64), expected[~same].astype(np.float64)
    assert np.isfinite(a).all() and np.isfinite(b).all()
    assert (np.abs(a - b) if db else 10 * np.abs(np.log10(a / b))).max(initial=0) < LEVELS_DB


LEANING_TILES = {
    "v1-two-bands-two-tiles": 2,
    "v1-two-bands-effort-2": 1,
    "v1-uint16-border": 0,
    "v1-uint16-effort-0": 0,
    "v1-uint16-effort-3": 0,
}


@pytest.mark.parametrize("name", LEANING_TILES)
def test_symbols_and_latents_are_the_codecs_to_the_last_bit(name, slow):
    path = FOLDER / f"{name}.sarc"
    file = read_file(path.read_bytes())
    with FileReader(path) as opened:
        decoder = SceneDecoder(opened)
        latents, leaned = {}, 0
        for number in range(len(file.steps)):
            tile, band = divmod(number, file.planes)
            parts = sections(file.payloads[number])
            rows, cols = (-(-n // 32) for n in file.shape(tile))
            reference, kinds = None, (1, 8)
            if 2 in parts:
                first = tile * file.planes + file.bands[band].reference
                reference, kinds, leaned = (latents[first], file.steps[first]), (2, 9), leaned + 1
            read = slow.read_tile(tuple(parts[kind] for kind in kinds), file.steps[number], rows, cols, reference)
            latents[number] = read.latents
            np.testing.assert_array_equal(decoder.symbols(tile, band), read.symbols)
            values = decoder.learned.latents(tile, band).values.reshape(rows, cols, 1024)
            np.testing.assert_array_equal(values, [[read.latents[i, j] for j in range(cols)] for i in range(rows)])
        assert leaned == LEANING_TILES[name]


def test_a_product_is_composed_again(slow):
    """docs/format.md, 21."""
    pytest.importorskip("imagecodecs", reason="needs the extra `bounded`")
    file = read_file((FOLDER / "v1-product.sarc").read_bytes())
    known = json.loads((FOLDER / "v1-product.json").read_text())
    product = json.loads(file.attachments["safe.json"])
    assert product["kind"] == "sentinel-1 safe" and product["name"] == known["product"]
    files = {name.removeprefix("safe/"): data for name, data in file.attachments.items() if name.startswith("safe/")}
    for number, (about, pixels) in enumerate(
        zip(product["measurements"], planes_of(file, slow, False), strict=True), 1
    ):
        head, tail = (file.attachments[f"safe.tiff/{number}/{part}"] for part in ("head", "tail"))
        order = {b"II": "<", b"MM": ">"}[head[:2]]
        files[about["path"]] = head + pixels.astype(f"{order}u2").tobytes() + tail
    assert {path: f"{zlib.crc32(data):08x}" for path, data in files.items()} == known["files"]

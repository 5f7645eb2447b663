"""Memory that is bounded by what was asked for: shares that add up, caches within them, the same files and pixels whatever they are."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio

import sarcodec
from sarcodec.__main__ import build_parser
from sarcodec.api import memory as shared
from sarcodec.api.memory import DEFAULT_MEMORY, LEAST_MEMORY, MIB, PROCESS, THREAD, decoding_shares, encoding_shares
from sarcodec.cli.options import byte_count
from sarcodec.decoding.kept import Kept
from sarcodec.errors import InvalidArgument
from sarcodec.raster.blocks import Blocks
from sarcodec.raster.geotiff import read_array
from sarcodec.simulate.product import simulate

METER = Path(__file__).parents[2] / "benchmarks" / "meter.py"


def strips(cols, bands):
    return Blocks(1, cols, cols * bands * 2, (100_000, cols))


def tiles(cols, bands):
    return Blocks(512, 512, 512 * 512 * bands * 2, (100_000, cols))


@pytest.mark.parametrize("memory", [LEAST_MEMORY, 512 * MIB, DEFAULT_MEMORY, 16 << 30])
@pytest.mark.parametrize("threads", [1, 2, 64])
@pytest.mark.parametrize("blocks", [None, strips(9000, 2), tiles(100_000, 2), tiles(10**6, 30)])
def test_shares_add_up_to_what_was_asked_for(memory, threads, blocks):
    for several in (False, True):
        found = encoding_shares(memory, threads, blocks, several_passes=several)
        assert (
            min(found.threads, found.blocks) >= 1 and min(found.tiles, found.latents) >= 0 and found.threads <= threads
        )
        assert PROCESS + (found.threads - 1) * THREAD + found.blocks + found.tiles + found.latents <= memory
    found = decoding_shares(memory, threads, blocks)
    assert PROCESS + (found.threads - 1) * THREAD + found.blocks + found.tiles + found.latents <= memory
    assert found.tiles >= 16 * MIB and found.latents == 0


def test_two_rows_of_tiles_are_held_where_they_fit_and_strips_are_never_read_again_for_each_tile():
    wide = strips(100_000, 1)
    assert encoding_shares(DEFAULT_MEMORY, 2, wide, several_passes=False).blocks == 2 * (2 * 512 + 64) * 100_000
    tight = encoding_shares(DEFAULT_MEMORY, 8, strips(100_000, 7), several_passes=False)
    assert tight.blocks >= 576 * 100_000 * 14 and tight.threads == 1
    with pytest.raises(InvalidArgument, match=r"row of tiles of them takes 3516MiB.*--memory 3692MiB.*TILED"):
        encoding_shares(DEFAULT_MEMORY, 8, strips(100_000, 32), several_passes=True)
    assert encoding_shares(3692 * MIB, 8, strips(100_000, 32), several_passes=True).threads == 1


@pytest.mark.parametrize("bad", [0, LEAST_MEMORY - 1, -5, True, "1GiB", 1e9, None])
@pytest.mark.parametrize("verb", ["compress", "decompress", "verify", "open", "encode", "decode"])
def test_too_little_and_what_is_no_number_of_bytes_is_refused(bad, verb, tmp_path):
    calls = {
        "compress": lambda: sarcodec.compress("a.tif", tmp_path / "a", memory=bad),
        "decompress": lambda: sarcodec.decompress("a.sarc", tmp_path / "a", memory=bad),
        "verify": lambda: sarcodec.verify("a.sarc", memory=bad),
        "open": lambda: sarcodec.open("a.sarc", memory=bad),
        "encode": lambda: sarcodec.encode(np.ones((9, 9), np.uint16), memory=bad),
        "decode": lambda: sarcodec.decode(b"", memory=bad),
    }
    with pytest.raises(InvalidArgument, match="memory is"):
        calls[verb]()


def test_the_command_line_and_python_agree_on_the_default():
    for words in (["compress", "a", "b"], ["decompress", "a", "b"], ["verify", "a"]):
        assert build_parser().parse_args(words).memory == DEFAULT_MEMORY
        assert build_parser().parse_args([*words, "--memory", "512MiB"]).memory == 512 * MIB == byte_count("524288Ki")


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Two bands of 600 x 3600 pixels: two rows of eight tiles; and their file, whose second band leans on the first."""
    folder = tmp_path_factory.mktemp("memory")
    simulate(folder / "block.tif", 600, 500, seed=3)
    pixels, _ = read_array(folder / "block.tif")
    with rasterio.open(
        folder / "wide.tif", "w", driver="GTiff", width=3600, height=600, count=2, dtype="uint16", tiled=True
    ) as out:
        out.write(np.tile(pixels, 8)[:, :, :3600])
    sarcodec.compress(folder / "wide.tif", folder / "wide.sarc", quality=20)
    return folder


@pytest.fixture
def tight(monkeypatch):
    """Six MiB for tiles: stripes of one. What every cache of tiles held at most, in MiB, is in the list."""
    held, keep = [], Kept._keep

    def watched(self, *arguments):
        keep(self, *arguments)
        held.append(self.used / MIB)

    monkeypatch.setattr(Kept, "_keep", watched)
    monkeypatch.setattr(shared, "PROCESS", LEAST_MEMORY - 8 * MIB)
    monkeypatch.setattr(shared, "LEAST_BLOCKS", 2 * MIB)
    return held


@pytest.mark.parametrize("options", [{}, {"window": ((50, 590), (700, 3400)), "indexes": [2, 1]}])
def test_pixels_are_the_same_in_stripes_and_caches_stay_within_their_room(wide, tmp_path, tight, options):
    sarcodec.decompress(wide / "wide.sarc", tmp_path / "much.tif", threads=2, **options)
    most = max(tight)
    tight.clear()
    sarcodec.decompress(wide / "wide.sarc", tmp_path / "little.tif", threads=1, memory=LEAST_MEMORY, **options)
    much, little = (read_array(tmp_path / name)[0] for name in ("much.tif", "little.tif"))
    assert (much == little).all() and 3 < max(tight) <= 6 < most
    with sarcodec.open(wide / "wide.sarc", memory=LEAST_MEMORY, threads=1) as scene:
        found = scene.read(options.get("indexes"), window=options.get("window"))
    assert (found == much).all() and max(tight) <= 6


@pytest.mark.parametrize("target", [{"target_rmse_db": 0.9}, {"target_bpp": 0.4}])
def test_a_target_gives_the_same_file_with_little_memory(wide, tmp_path, tight, target):
    first = sarcodec.compress(wide / "wide.tif", tmp_path / "a.sarc", effort=0, **target)
    tight.clear()
    sarcodec.compress(wide / "wide.tif", tmp_path / "b.sarc", effort=0, threads=1, memory=LEAST_MEMORY, **target)
    assert (tmp_path / "a.sarc").read_bytes() == (tmp_path / "b.sarc").read_bytes() and first.passes > 1
    assert max(tight, default=0) <= 2 and sorted(p.name for p in tmp_path.iterdir()) == ["a.sarc", "b.sarc"]


def test_verify_compares_in_stripes(wide, tight):
    found = sarcodec.verify(wide / "wide.sarc", against=wide / "wide.tif", threads=1, memory=LEAST_MEMORY)
    assert found.passed and found.comparison.valid_pixels == 2 * 600 * 3600 and max(tight) <= 6


def test_a_wide_scene_stays_within_its_memory(tmp_path):
    """A process of its own, on a scene whose two rows of tiles take more than it may: 30,000 pixels wide, two bands, exact ones and a VRT."""
    simulate(tmp_path / "block.tif", 512, 512, seed=5, bands=("VV",))
    source = "<SimpleSource><SourceFilename relativeToVRT='1'>block.tif</SourceFilename><SourceBand>1</SourceBand><SrcRect xOff='0' yOff='0' xSize='512' ySize='512'/><DstRect xOff='{}' yOff='{}' xSize='512' ySize='512'/></SimpleSource>"
    sources = "".join(source.format(col, row) for row in (0, 512) for col in range(0, 30_208, 512))
    (tmp_path / "wide.vrt").write_text(
        f"<VRTDataset rasterXSize='30208' rasterYSize='1024'><VRTRasterBand dataType='UInt16' band='1'>{sources}</VRTRasterBand></VRTDataset>"
    )
    for words in (
        ["compress", "wide.vrt", "wide.sarc", "--effort", "0", "--quality", "30"],
        ["decompress", "wide.sarc", "back.tif"],
    ):
        command = [
            sys.executable,
            METER,
            sys.executable,
            "-m",
            "sarcodec",
            *words,
            "--memory",
            "256MiB",
            "--threads",
            "2",
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert 50 < json.loads(done.stdout)["peak_mib"] < 256

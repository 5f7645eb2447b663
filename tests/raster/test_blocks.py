"""Blocks that GDAL reads in: how many bytes a row of tiles takes, and GDAL held to a number of bytes."""

import threading

import numpy as np
import pytest
import rasterio

from sarcodec.raster.blocks import Blocks, _limit, block_cache
from sarcodec.raster.geotiff import open_scene


def stored(path, **layout):
    pixels = np.random.default_rng(1).integers(1, 900, (3, 700, 1300)).astype(np.uint16)
    with rasterio.open(path, "w", driver="GTiff", width=1300, height=700, count=3, dtype="uint16", **layout) as out:
        out.write(pixels)
    return path


def test_blocks_are_those_of_the_file(tmp_path):
    strips = stored(tmp_path / "strips.tif", blockysize=3, interleave="pixel")
    tiles = stored(tmp_path / "tiles.tif", tiled=True, blockxsize=256, blockysize=128)
    with open_scene(strips) as one, open_scene(tiles) as other:
        assert one.blocks == Blocks(3, 1300, 3 * 1300 * 3 * 2, (700, 1300))
        assert other.blocks == Blocks(128, 256, 128 * 256 * 3 * 2, (700, 1300))
        assert (one.blocks.sharers(512), other.blocks.sharers(512)) == (3, 1)


def test_bytes_are_those_of_the_blocks_that_a_window_can_touch():
    blocks = Blocks(100, 200, 10, (1000, 1000))
    assert blocks.touched(1, 1) == 10 and blocks.touched(2, 2) == 40 and blocks.touched(101, 200) == 40
    assert blocks.touched(102, 202) == 90 and blocks.touched(10**6, 10**6) == 10 * 10 * 5


def test_the_cache_is_held_and_put_back_also_by_threads_that_overlap(tmp_path):
    before, inside, go_on = _limit(), threading.Event(), threading.Event()

    def other():
        with block_cache(20 << 20):
            inside.set()
            go_on.wait(30)

    thread = threading.Thread(target=other)
    with block_cache(30 << 20):
        assert _limit() == 30 << 20
        thread.start()
        inside.wait(30)
        assert _limit() == 20 << 20
    assert _limit() == 20 << 20
    go_on.set()
    thread.join(30)
    assert _limit() == before
    with pytest.raises(ZeroDivisionError), block_cache(1 << 20):
        raise ZeroDivisionError
    assert _limit() == before

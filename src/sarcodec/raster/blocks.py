"""How GDAL reads a raster: in blocks, of which it keeps the latest ones. How many it may keep, and how many it should.

In: an open dataset, or a number of bytes. Out: bytes; and GDAL held to them. Reads no pixels.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import rasterio

_CACHE = "GDAL_CACHEMAX"


@dataclass(frozen=True)
class Blocks:
    """The blocks of a raster: their height and width, and the bytes that one takes in all bands and masks (a block is kept of each band,
    whichever of them is read)."""

    rows: int
    cols: int
    bytes: int
    of: tuple[int, int]

    @classmethod
    def of_dataset(cls, dataset: rasterio.DatasetReader, mask_planes: int) -> Blocks:
        """Of bands that differ the largest are taken for all."""
        rows, cols = (max(side) for side in zip(*dataset.block_shapes))
        pixel = sum(np.dtype(name).itemsize for name in dataset.dtypes) + mask_planes
        return cls(rows, cols, rows * cols * pixel, (dataset.height, dataset.width))

    def touched(self, rows: int, cols: int) -> int:
        """Bytes of the blocks that a window of rows x cols pixels touches, wherever it lies in the raster."""
        sides = zip((min(rows, self.of[0]), min(cols, self.of[1])), (self.rows, self.cols), self.of)
        down, across = (min(-(-(length - 1) // block) + 1, -(-whole // block)) for length, block, whole in sides)
        return down * across * self.bytes

    def sharers(self, tile_px: int) -> int:
        """How many tiles beside each other a block has a part in: it is decoded so often if it is not kept."""
        return -(-min(self.cols, self.of[1]) // tile_px)


class _Holders:
    """GDAL's cache is one for the process: it is held to the least that anybody asks for, and put back after the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: list[int] = []
        self._before = 0

    def enter(self, size: int) -> None:
        with self._lock:
            if not self._asked:
                self._before = _limit()
            self._asked.append(size)
            _set_limit(min(self._asked))

    def leave(self, size: int) -> None:
        with self._lock:
            self._asked.remove(size)
            _set_limit(min(self._asked, default=self._before))


_HOLDERS = _Holders()


def _limit() -> int:
    return int(rasterio._env.get_gdal_config(_CACHE))


def _set_limit(size: int) -> None:
    rasterio._env.set_gdal_config(_CACHE, size)


@contextmanager
def block_cache(size: int) -> Iterator[None]:
    """GDAL's cache of blocks held to `size` bytes, of all rasters that this process has open. Its own default, 5 % of the machine's
    memory, is no measure of what one job may take."""
    _HOLDERS.enter(size)
    try:
        yield
    finally:
        _HOLDERS.leave(size)

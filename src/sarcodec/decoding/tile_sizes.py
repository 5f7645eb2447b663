"""How many bytes each tile of a compressed file takes, from its index alone."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import TileGrid

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers


@dataclass(frozen=True, eq=False)
class TileSizes:
    """`bytes` and `pixels` of every tile, (bands, tile rows, tile cols) int64 and (tile rows, tile cols) int64.

    `rows`, `cols`: of the scene; `tile_px`: side of a tile that is not cut. `file_bytes`: of the whole file, head
    included.
    """

    rows: int
    cols: int
    tile_px: int
    file_bytes: int
    bytes: Integers
    pixels: Integers

    @property
    def bits_per_pixel(self) -> Floats:
        """Of every tile, (bands, tile rows, tile cols)."""
        return 8 * self.bytes / self.pixels


def tile_sizes(path: str | os.PathLike[str] | bytes | BinaryIO) -> TileSizes:
    """Read the index of a compressed file. Raises FormatError's kin."""
    with FileReader(path) as file:
        header, planes = file.header, file.header.planes
        grid = TileGrid(header.rows, header.cols, 1 << header.tile_log2)
        lengths = np.array([entry.length for entry in file.entries()], np.int64).reshape(*grid.shape, planes)
        pixels = np.array([np.prod(grid.window(n).shape) for n in range(grid.count)], np.int64).reshape(grid.shape)
        return TileSizes(
            header.rows, header.cols, grid.tile_px, file.size, np.moveaxis(lengths, -1, 0)[: len(header.bands)], pixels
        )

"""Which block borders of a tile lie inside the scene: those are lapped. Pure integers."""

import numpy as np

from sarcodec.decoding.tile import CELL_PX, TILE_CELLS
from sarcodec.format.tiling import TileGrid
from sarcodec.signal.lapped import Borders


def tile_borders(grid: TileGrid, tile: int) -> Borders:
    """The 17 borders of a tile's 16 cells along each axis; the scene's edges, in whole cells, and what is beyond are not lapped."""
    place, ends = divmod(tile, grid.shape[1]), (-(-grid.rows // CELL_PX), -(-grid.cols // CELL_PX))
    lines = [at * TILE_CELLS + np.arange(TILE_CELLS + 1) for at in place]
    return Borders(*((line > 0) & (line < end) for line, end in zip(lines, ends)))

"""Which block borders of a tile lie inside the scene: those are lapped; and which of its neighbours its pixels need. Pure integers."""

import numpy as np

from sarcodec.decoding.tile import CELL_PX, TILE_CELLS
from sarcodec.format.tiling import TileGrid, Window, overlap
from sarcodec.signal.lapped import NEIGHBOURS, Borders

REACH_PX = 2 * CELL_PX
"""From a border of a tile to the last pixel of least error that a neighbour's latents can change: half a cell by the transform, a block of 8 px and a
bump's 6 px more where that moves the brightest pixel of a block; and room."""


def tile_borders(grid: TileGrid, tile: int) -> Borders:
    """The 17 borders of a tile's 16 cells along each axis; the scene's edges, in whole cells, and what is beyond are not lapped."""
    place, ends = divmod(tile, grid.shape[1]), (-(-grid.rows // CELL_PX), -(-grid.cols // CELL_PX))
    lines = [at * TILE_CELLS + np.arange(TILE_CELLS + 1) for at in place]
    return Borders(*((line > 0) & (line < end) for line, end in zip(lines, ends)))


def neighbours(grid: TileGrid, tile: int, part: Window | None = None) -> list[int | None]:
    """A tile and the tiles around it, in the order of NEIGHBOURS; None where the scene ends, or where they have no say in the pixels of `part`
    (a window of the scene; None: all of the tile)."""
    (row, col), whole = divmod(tile, grid.shape[1]), grid.window(tile)
    wanted = whole if part is None else overlap(whole, part) or whole
    near = (
        {-1: wanted.row - whole.row < REACH_PX, 0: True, 1: whole.row_end - wanted.row_end < REACH_PX},
        {-1: wanted.col - whole.col < REACH_PX, 0: True, 1: whole.col_end - wanted.col_end < REACH_PX},
    )
    found: list[int | None] = []
    for down, across in NEIGHBOURS:
        inside = 0 <= row + down < grid.shape[0] and 0 <= col + across < grid.shape[1]
        needed = inside and near[0][down] and near[1][across]
        found.append((row + down) * grid.shape[1] + col + across if needed else None)
    return found

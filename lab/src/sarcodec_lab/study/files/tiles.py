"""Tiles of the study's networks: a band cut into equal overlapping tiles, and decoded tiles blended into a band again.

In and out: float32 arrays (rows, cols) and (tiles, tile rows, tile cols). numpy only; knows no network and no file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarcodec.errors import InvalidArgument

CELL_PX = 16  # pixels along one side of what a latent stands for
MAX_TILE_PX = 4096


@dataclass(frozen=True)
class Layout:
    """Square tiles of tile_px, each overlap_px into the one before; tile_px 0: one tile, the whole band in whole cells.

    The last tile along an axis is moved back to end with the band's last cell. What it then shares with the tile
    before, beyond the overlap, is `led`: it is seen by the network, but not kept in a file and not blended. Raises
    InvalidArgument on sizes that are not positive, tiles and overlaps that are not whole cells, overlaps beyond half
    a tile.
    """

    rows: int
    cols: int
    tile_px: int = 0
    overlap_px: int = 0

    def __post_init__(self) -> None:
        if min(self.rows, self.cols) < 1:
            raise InvalidArgument(f"a band of {self.rows} x {self.cols} pixels; expected at least 1 x 1")
        if not 0 <= self.tile_px <= MAX_TILE_PX or self.tile_px % CELL_PX:
            raise InvalidArgument(
                f"tiles of {self.tile_px} pixels; expected 0 (whole) or a multiple of {CELL_PX} up to {MAX_TILE_PX}"
            )
        if not 0 <= 2 * self.overlap_px <= self.tile_px or self.overlap_px % CELL_PX:
            raise InvalidArgument(
                f"tiles of {self.tile_px} pixels overlap by {self.overlap_px}; expected a multiple of {CELL_PX}, 0 to "
                "half a tile"
            )

    @property
    def tile_shape(self) -> tuple[int, int]:
        """Pixels of a tile, as a network sees it."""
        if self.tile_px:
            return self.tile_px, self.tile_px
        return -(-self.rows // CELL_PX) * CELL_PX, -(-self.cols // CELL_PX) * CELL_PX

    @property
    def grid(self) -> tuple[int, int]:
        """Tiles down and across."""
        stride = self.tile_px - self.overlap_px
        return tuple(max(1, -(-(size - self.overlap_px) // stride)) if stride else 1 for size in (self.rows, self.cols))

    @property
    def count(self) -> int:
        return self.grid[0] * self.grid[1]

    @property
    def cells(self) -> tuple[int, int]:
        """Latents of a tile down and across."""
        return self.tile_shape[0] // CELL_PX, self.tile_shape[1] // CELL_PX

    def begins(self, axis: int) -> list[int]:
        """First row (axis 0) or column (axis 1) of each tile."""
        begins, length = self._nominal(axis), self.tile_shape[axis]
        if len(begins) > 1:
            begins[-1] = -(-(self.rows, self.cols)[axis] // CELL_PX) * CELL_PX - length
        return begins

    def led(self, axis: int) -> list[int]:
        """Rows or columns at the beginning of each tile that are the tile before's."""
        return [nominal - begin for nominal, begin in zip(self._nominal(axis), self.begins(axis))]

    @property
    def kept(self) -> np.ndarray:
        """Which latents of each tile a file keeps: bool (tiles, rows, cols)."""
        down, across = (np.arange(self.cells[axis]) >= np.array(self.led(axis))[:, None] // CELL_PX for axis in (0, 1))
        return (down[:, None, :, None] & across[None, :, None, :]).reshape(self.count, *self.cells)

    def _nominal(self, axis: int) -> list[int]:
        stride = self.tile_shape[axis] - self.overlap_px
        return [number * stride for number in range(self.grid[axis])]


def split(band: np.ndarray, layout: Layout) -> np.ndarray:
    """(rows, cols) -> (tiles, tile rows, tile cols), row by row; past its end the band is continued by reflection."""
    _check(band.shape, (layout.rows, layout.cols))
    ends = [layout.begins(axis)[-1] + layout.tile_shape[axis] for axis in (0, 1)]
    padded = np.pad(band, [(0, end - size) for end, size in zip(ends, band.shape)], mode="reflect")
    tall, wide = layout.tile_shape
    return np.stack(
        [padded[row : row + tall, col : col + wide] for row in layout.begins(0) for col in layout.begins(1)]
    )


def axis_weights(layout: Layout, axis: int) -> np.ndarray:
    """(tiles along the axis, length of a tile): 1, raised cosines over the overlaps, 0 where a tile is led; their sum
    is 1.

    The scene's own edges have no ramp: a pixel that only one tile holds must have its whole weight there.
    """
    count, length, overlap = layout.grid[axis], layout.tile_shape[axis], layout.overlap_px
    weights = np.ones((count, length))
    rise = np.sin(np.pi * (np.arange(overlap) + 0.5) / (2 * max(overlap, 1))) ** 2
    for number, led in enumerate(layout.led(axis)):
        weights[number, :led] = 0
        weights[number, led : led + overlap] = rise if number else 1
    weights[:-1, length - overlap :] *= rise[::-1]
    return weights


def lead(latents: np.ndarray, layout: Layout) -> np.ndarray:
    """Latents (tiles, channels, rows, cols) with what a file does not keep of them taken from the tile before."""
    _check(latents.shape[:1] + latents.shape[2:], (layout.count, *layout.cells))
    down, across = layout.grid
    out = latents.reshape(down, across, *latents.shape[1:]).copy()
    rows, cols = (layout.led(axis)[-1] // CELL_PX for axis in (0, 1))
    shift_rows, shift_cols = ((layout.begins(axis)[-1] - layout.begins(axis)[-2:][0]) // CELL_PX for axis in (0, 1))
    if cols:
        out[:, -1, :, :, :cols] = out[:, -2, :, :, shift_cols : shift_cols + cols]
    if rows:
        out[-1, :, :, :rows] = out[-2, :, :, shift_rows : shift_rows + rows]
    return out.reshape(latents.shape)


def stitch(tiles: np.ndarray, layout: Layout) -> np.ndarray:
    """(tiles, tile rows, tile cols) -> (rows, cols) float32: overlaps blended, what is past the end of the band cut
    off.

    Sums are float64, so that float32 tiles that agree give exactly what they say.
    """
    _check(tiles.shape, (layout.count, *layout.tile_shape))
    down, across = axis_weights(layout, 0), axis_weights(layout, 1)
    total, weight = np.zeros((layout.rows, layout.cols)), np.zeros((layout.rows, layout.cols))
    places = ((i, j, row, col) for i, row in enumerate(layout.begins(0)) for j, col in enumerate(layout.begins(1)))
    for tile, (i, j, row, col) in zip(tiles, places):
        window = np.s_[row : row + tile.shape[0], col : col + tile.shape[1]]
        here = np.outer(down[i], across[j])[: layout.rows - row, : layout.cols - col]
        total[window] += here * tile[: here.shape[0], : here.shape[1]]
        weight[window] += here
    return (total / weight).astype(np.float32)


def _check(found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found != expected:
        raise InvalidArgument(f"an array of shape {found} for this layout; expected {expected}")

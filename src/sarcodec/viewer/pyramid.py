"""Tiles of what the page shows: levels of the file, of its original, their difference, and the ratio of their local means.

In: a kind, a band, a size of cells and a place; out: float32 arrays in dB of at most TILE_CELLS x TILE_CELLS cells, NaN where nothing is valid.
Costs are bounded: a tile needs at most 1,024 x 1,024 pixels, or overviews; of a source without overviews 2,048 x 2,048 pixels at once. Safe for threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from sarcodec.format.tiling import Window
from sarcodec.viewer.kept import Kept

if TYPE_CHECKING:
    from sarcodec.arrays import Floats
    from sarcodec.viewer.levels import Levels

TILE_CELLS = 256
KINDS = DECODED, ORIGINAL, ERROR, RATIO = "decoded", "original", "error", "ratio"
"""Levels of the file and of its original; decoded less original level; power of the original over that of the file, of LOCAL x LOCAL cells each."""
LOCAL = 7
_TILES_BYTES = 96 << 20

Kind = Literal["decoded", "original", "error", "ratio"]


class Pyramid:
    """Levels of bands of rows x cols pixels. original: None where there is none to compare with."""

    def __init__(self, decoded: Levels, original: Levels | None, bands: int, shape: tuple[int, int]) -> None:
        self._sources, self._shape, self._bands = {DECODED: decoded, ORIGINAL: original}, shape, bands
        self._kept = Kept(_TILES_BYTES)
        self.kinds = KINDS if original else (DECODED,)
        self.sides = [1]
        while max(shape) > TILE_CELLS * self.sides[-1]:
            self.sides.append(2 * self.sides[-1])

    def tile(self, kind: str, band: int, side: int, x: int, y: int) -> Floats | None:
        """Tile x from the left, y from the top, of cells of side x side pixels; band from 0. None for one that is not there."""
        if kind not in self.kinds or not 0 <= band < self._bands or side not in self.sides:
            return None
        rows, cols = (-(-size // side) for size in self._shape)
        row, col = y * TILE_CELLS, x * TILE_CELLS
        if not (0 <= row < rows and 0 <= col < cols):
            return None
        window = Window(row, col, min(TILE_CELLS, rows - row), min(TILE_CELLS, cols - col))
        if kind == ERROR:
            return self._levels(DECODED, band, side, window) - self._levels(ORIGINAL, band, side, window)
        if kind == RATIO:
            made = lambda: self._ratio(band, side, window, (rows, cols))
            return self._kept.get((RATIO, band, side, window), made)
        return self._levels(kind, band, side, window)

    def at(self, kind: str, band: int, side: int, row: int, col: int) -> float:
        """The level of one cell, by the tile that it lies in."""
        tile = self.tile(kind, band, side, col // TILE_CELLS, row // TILE_CELLS)
        assert tile is not None, "the place is one of the scene"
        return float(tile[row % TILE_CELLS, col % TILE_CELLS])

    def _levels(self, kind: str, band: int, side: int, window: Window) -> Floats:
        source = self._sources[kind]
        assert source is not None, "a kind without a source is not in kinds"
        found: Floats = self._kept.get((kind, band, side, window), lambda: source.read(band, window, side))
        return found

    def _ratio(self, band: int, side: int, window: Window, size: tuple[int, int]) -> Floats:
        """Of means over LOCAL x LOCAL cells, fewer at the edges of the scene; NaN where the cell itself is not valid in both."""
        edge = LOCAL // 2
        top, left = max(window.row - edge, 0), max(window.col - edge, 0)
        around = Window(
            top, left, min(window.row_end + edge, size[0]) - top, min(window.col_end + edge, size[1]) - left
        )
        before, after = (self._sources[kind] for kind in (ORIGINAL, DECODED))
        assert before is not None and after is not None, "a kind without a source is not in kinds"
        levels = [source.read(band, around, side) for source in (before, after)]
        valid = np.isfinite(levels[0]) & np.isfinite(levels[1])
        with np.errstate(divide="ignore", invalid="ignore"):
            sums = [box_sums(np.where(valid, 10 ** (np.where(valid, level, 0) / 10), 0.0)) for level in levels]
            ratio = np.where(valid, 10 * np.log10(sums[0] / sums[1]), np.nan).astype(np.float32)
        return np.ascontiguousarray(ratio[window.within(around)])


def box_sums(values: Floats) -> Floats:
    """Sums over LOCAL x LOCAL cells around each, of those that are there."""
    edge = LOCAL // 2
    for axis in (0, 1):
        ends = [(0, 0), (0, 0)]
        ends[axis] = (edge + 1, edge)
        running = np.cumsum(np.pad(values, ends), axis=axis, dtype=np.float64)
        size = running.shape[axis]
        values = np.take(running, range(LOCAL, size), axis) - np.take(running, range(size - LOCAL), axis)
    return values

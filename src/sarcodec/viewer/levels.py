"""Levels in dB of a compressed file, and of the raster that it was made of, at 1, 1/2, 1/4, ... of their resolution.

In: an open scene or raster; out: float32 arrays (rows, cols) of levels, NaN where nothing is valid. A cell of side x side pixels has the level of
the mean power of those that are valid. Bands that are no radar have no level: they show their pixels, of a cell the one in its middle. Safe for threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from sarcodec.format.measure import Measure
from sarcodec.format.tiling import Window
from sarcodec.signal.radiometry import normalise

if TYPE_CHECKING:
    from sarcodec.api.scene import Scene
    from sarcodec.arrays import Bools, Floats, Pixels
    from sarcodec.products.reading import Original
    from sarcodec.viewer.kept import Kept

BLOCK_CELLS = 256
"""Side, in cells of 8 x 8 pixels, of what is read at once of a source that has no overviews: 2,048 pixels."""
LEAST_REDUCED, MOST_REDUCED = 8, 32
"""What a file holds reduced pictures of: 8, 16 and 32."""


class Source(Protocol):
    """What has bands of pixels."""

    @property
    def measures(self) -> Sequence[Measure | None]:
        """What pixels of each band measure; None where it is no radar."""
        ...

    @property
    def reduced(self) -> Sequence[bool]:
        """Which bands have overviews."""
        ...

    def pixels(self, band: int, window: Window, side: Literal[8, 16, 32] | None = None) -> tuple[Pixels, Bools]:
        """Pixels and which are valid, of a band from 0. side: of an overview, where there is one; the window is of pixels all the same."""
        ...


class Decoded:
    """A compressed file."""

    def __init__(self, scene: Scene, measures: Sequence[Measure | None]) -> None:
        self._scene, self.measures = scene, measures
        self.reduced = [bool(scene.overviews(index)) for index in scene.indexes]

    def pixels(self, band: int, window: Window, side: Literal[8, 16, 32] | None = None) -> tuple[Pixels, Bools]:
        """As Source says."""
        found = self._scene.read(band + 1, window=window.slices, reduce=side, masked=True)
        return np.ma.getdata(found), ~np.ma.getmaskarray(found)


class Before:
    """The raster that the file was made of; its bands measure what the file says."""

    def __init__(self, original: Original, measures: Sequence[Measure | None]) -> None:
        self._original, self.measures = original, measures
        self.reduced = [False] * len(measures)

    def pixels(self, band: int, window: Window, side: Literal[8, 16, 32] | None = None) -> tuple[Pixels, Bools]:
        """As Source says; there are no overviews."""
        assert side is None, "a raster is read as it is"
        found, planes = self._original.read(band, window), self._original.info.mask_planes
        if not planes:
            return found, np.ones(found.shape, bool)
        return found, self._original.read_mask(band if planes > 1 else 0, window) > 0


class Levels:
    """Levels of a source of rows x cols pixels. kept: where cells of 8 x 8 pixels are kept of bands that have no overviews; name: of the source there."""

    def __init__(self, source: Source, shape: tuple[int, int], kept: Kept, name: str) -> None:
        self._source, self._shape, self._kept, self._name = source, shape, kept, name

    def read(self, band: int, window: Window, side: int = 1) -> Floats:
        """Of a band from 0; window: of cells of side x side pixels, a power of two."""
        if side < LEAST_REDUCED:
            return pooled(self._whole(band, self._in_pixels(window, side)), side, self._is_radar(band))
        if not self._source.reduced[band]:
            return self._from_blocks(band, window, side)
        own: Literal[8, 16, 32] = 8 if side == LEAST_REDUCED else 16 if side < MOST_REDUCED else 32
        found = self._levels(band, *self._source.pixels(band, self._in_pixels(window, side), own))
        return pooled(found, side // own, self._is_radar(band))

    def _is_radar(self, band: int) -> bool:
        return self._source.measures[band] is not None

    def _whole(self, band: int, window: Window) -> Floats:
        return self._levels(band, *self._source.pixels(band, window))

    def _levels(self, band: int, pixels: Pixels, valid: Bools) -> Floats:
        measure = self._source.measures[band]
        if measure is None:
            return np.where(valid, pixels.astype(np.float32), np.float32(np.nan))
        level, measured = normalise(np.ascontiguousarray(pixels), measure)
        return np.where(valid & measured, level, np.float32(np.nan))

    def _in_pixels(self, window: Window, side: int) -> Window:
        row, col = window.row * side, window.col * side
        return Window(
            row, col, min(window.rows * side, self._shape[0] - row), min(window.cols * side, self._shape[1] - col)
        )

    def _from_blocks(self, band: int, window: Window, side: int) -> Floats:
        """Put together from blocks of cells of 8 x 8 pixels, each of which is read once."""
        times = side // LEAST_REDUCED
        rows, cols = (-(-size // LEAST_REDUCED) for size in self._shape)
        first = Window(
            window.row * times,
            window.col * times,
            min(window.rows * times, rows - window.row * times),
            min(window.cols * times, cols - window.col * times),
        )
        cells = np.empty(first.shape, np.float32)
        for row in range(first.row // BLOCK_CELLS, -(-first.row_end // BLOCK_CELLS)):
            for col in range(first.col // BLOCK_CELLS, -(-first.col_end // BLOCK_CELLS)):
                block, top, left = self._block(band, row, col), row * BLOCK_CELLS, col * BLOCK_CELLS
                up, down = max(first.row, top), min(first.row_end, top + block.shape[0])
                west, east = max(first.col, left), min(first.col_end, left + block.shape[1])
                cells[up - first.row : down - first.row, west - first.col : east - first.col] = block[
                    up - top : down - top, west - left : east - left
                ]
        return pooled(cells, times, self._is_radar(band))

    def _block(self, band: int, row: int, col: int) -> Floats:
        def made() -> Floats:
            window = self._in_pixels(
                Window(row * BLOCK_CELLS, col * BLOCK_CELLS, BLOCK_CELLS, BLOCK_CELLS), LEAST_REDUCED
            )
            return pooled(self._whole(band, window), LEAST_REDUCED, self._is_radar(band))

        found: Floats = self._kept.get((self._name, band, row, col), made)
        return found


def pooled(levels: Floats, side: int, radar: bool) -> Floats:
    """Each side x side cells as one: the level of their mean power, or the one in the middle where they are no levels. At the right and the lower
    edge fewer may be left."""
    if side == 1:
        return levels
    if not radar:
        rows_kept, cols_kept = (_middles(size, side) for size in levels.shape)
        middles: Floats = levels[np.ix_(rows_kept, cols_kept)]
        return middles
    rows, cols = (-(-size // side) for size in levels.shape)
    valid = np.isfinite(levels)
    power = np.zeros((rows * side, cols * side), np.float32)
    power[: levels.shape[0], : levels.shape[1]] = np.where(valid, 10 ** (np.where(valid, levels, 0) / 10), 0)
    count = np.zeros(power.shape, np.int32)
    count[: levels.shape[0], : levels.shape[1]] = valid
    total, number = (part.reshape(rows, side, cols, side).sum(axis=(1, 3)) for part in (power, count))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(number > 0, 10 * np.log10(total / number), np.nan).astype(np.float32)
    return found


def _middles(size: int, side: int) -> np.ndarray:
    return np.minimum(np.arange(0, size, side) + side // 2, size - 1)

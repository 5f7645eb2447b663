"""What a page shows of one band, gathered window by window in bounded memory: the scene in cells, and a histogram.

In: windows of levels in dB with their place; out: small images in dB with NaN where nothing is valid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec.quality.histograms import Histogram, HistogramPair
from sarcodec.quality.speckle import power_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats

_Number = TypeVar("_Number", bound=np.generic)

MOST_CELLS = 640
"""Cells along the longer side of a scene."""

DETAIL_PX = 160
"""Side of the part that is shown pixel by pixel."""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """A band in cells of `cell_px` squared pixels, each the mean power of its valid pixels, as a level in dB."""

    cell_px: int
    original_db: Floats
    decoded_db: Floats
    histogram: Histogram | None

    @property
    def error_db(self) -> Floats:
        """Decoded less original level of each cell."""
        return self.decoded_db - self.original_db

    def busiest(self, side_px: int = DETAIL_PX) -> tuple[int, int]:
        """Row and column, in pixels, of the square of at most `side_px` with the largest spread of levels among those
        that are valid.

        The squares stand half a side apart; where none is valid, the one with most valid cells is taken.
        """
        side = max(1, side_px // self.cell_px)
        best, corner = (-1.0, -1.0), (0, 0)
        for row in _starts(self.original_db.shape[0], side):
            for col in _starts(self.original_db.shape[1], side):
                part = self.original_db[row : row + side, col : col + side]
                known = part[np.isfinite(part)]
                spread = float(known.std()) if known.size else 0.0
                best, corner = max((best, corner), ((known.size / part.size, spread), (row, col)))
        return corner[0] * self.cell_px, corner[1] * self.cell_px


class ThumbnailCollector:
    """Adds up a band of (rows, cols) pixels. Windows must begin at multiples of `cell_px`, a power of two of at most
    1024."""

    def __init__(self, rows: int, cols: int) -> None:
        self.cell_px = 1
        while max(rows, cols) > MOST_CELLS * self.cell_px and self.cell_px < 1024:
            self.cell_px *= 2
        shape = -(-rows // self.cell_px), -(-cols // self.cell_px)
        self._count = np.zeros(shape, np.int64)
        self._original, self._decoded = np.zeros(shape), np.zeros(shape)
        self._histogram = HistogramPair()

    def add(self, row: int, col: int, original_db: Floats, decoded_db: Floats, valid: Bools) -> None:
        """One window whose corner is at (row, col): levels in dB (rows, cols) and the mask."""
        place = tuple(
            slice(first // self.cell_px, -(-(first + size) // self.cell_px))
            for first, size in zip((row, col), valid.shape, strict=True)
        )
        self._count[place] += self._cells(valid.astype(np.int64))
        for sums, level in ((self._original, original_db), (self._decoded, decoded_db)):
            sums[place] += self._cells(np.where(valid, power_of(np.where(valid, level, 0.0)), 0.0))
        self._histogram.add(original_db, decoded_db, valid)

    def finish(self) -> Thumbnails:
        """The images of everything added so far."""
        with np.errstate(invalid="ignore", divide="ignore"):
            original, decoded = (10 * np.log10(sums / self._count) for sums in (self._original, self._decoded))
        return Thumbnails(self.cell_px, original, decoded, self._histogram.histogram())

    def _cells(self, values: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
        rows, cols = (-(-size // self.cell_px) for size in values.shape)
        padded = np.zeros((rows * self.cell_px, cols * self.cell_px), values.dtype)
        padded[: values.shape[0], : values.shape[1]] = values
        found: npt.NDArray[_Number] = padded.reshape(rows, self.cell_px, cols, self.cell_px).sum(axis=(1, 3))
        return found


def _starts(size: int, side: int) -> list[int]:
    """Every half side, and the last that fits."""
    last = max(0, size - side)
    return sorted({*range(0, last + 1, max(1, side // 2)), last})

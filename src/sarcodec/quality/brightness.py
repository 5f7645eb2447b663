"""Bias of the decoded power, of an image and by brightness, window by window in fixed memory.

Brightness is that of a guide: the other polarisation, or the simulator's true reflectivity; never the image that is
judged. In an image that chooses its own bins, bright bins hold the pixels that speckle made bright: anything that
smooths speckle, and even a perfect second look at the same ground, seems to darken them
(docs/decisions/0008-fidelity-figures.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.quality.speckle import power_of

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

GUIDE_STEP_DB = 0.25
"""Pixels are counted by the guide's level in cells of this; a bin is a run of cells."""

_LEAST_DB, _MOST_DB = -200.0, 200.0
_CELLS = int((_MOST_DB - _LEAST_DB) / GUIDE_STEP_DB)


@dataclass(frozen=True)
class BrightnessBin:
    """Pixels whose guide lies from `low_db` to `high_db`; bias = 10 log10(sum of decoded / sum of original power), in
    dB.

    `original_db`: level of the mean original power of these pixels.
    """

    low_db: float
    high_db: float
    pixels: int
    original_db: float
    bias_db: float


class BrightnessBias:
    """Adds up powers by the guide's brightness."""

    def __init__(self) -> None:
        self._pixels = np.zeros(_CELLS, np.int64)
        self._original, self._decoded = np.zeros(_CELLS), np.zeros(_CELLS)

    def add(self, original_db: Floats, decoded_db: Floats, valid: Bools, guide_db: Floats) -> None:
        """One window: levels in dB (rows, cols), bool mask; pixels where the guide is not finite are left out."""
        kept = valid & np.isfinite(guide_db)
        place = np.clip((guide_db[kept] - _LEAST_DB) / GUIDE_STEP_DB, 0, _CELLS - 1).astype(np.int64)
        self._pixels += np.bincount(place, minlength=_CELLS)
        self._original += np.bincount(place, power_of(original_db[kept]), _CELLS)
        self._decoded += np.bincount(place, power_of(decoded_db[kept]), _CELLS)

    def bins(self, count: int = 16) -> tuple[BrightnessBin, ...]:
        """At most `count` bins of about equal numbers of pixels, dark first; none if nothing was added."""
        if count < 1:
            raise InvalidArgument(f"found {count} brightness bins, expected at least 1")
        total = int(self._pixels.sum())
        if not total:
            return ()
        before = np.cumsum(self._pixels) - self._pixels
        number = np.minimum(before * count // total, count - 1)  # of the bin that a cell's first pixel falls into
        return tuple(
            self._bin(np.flatnonzero((number == n) & (self._pixels > 0))) for n in np.unique(number[self._pixels > 0])
        )

    def _bin(self, cells: Integers) -> BrightnessBin:
        original, decoded = float(self._original[cells].sum()), float(self._decoded[cells].sum())
        pixels = int(self._pixels[cells].sum())
        return BrightnessBin(
            _LEAST_DB + GUIDE_STEP_DB * float(cells[0]),
            _LEAST_DB + GUIDE_STEP_DB * float(cells[-1] + 1),
            pixels,
            float(10 * np.log10(original / pixels)),
            float(10 * np.log10(decoded / original)),
        )

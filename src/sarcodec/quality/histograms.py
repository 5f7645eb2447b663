"""Histograms of levels in dB and how far two of them are apart. In: levels and mask, window by window; out: frozen
figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

STEP_DB = 1 / 16
"""Width of a bin: the distances are exact to about this."""

_LEAST_DB, _MOST_DB = -200.0, 200.0
_BINS = int((_MOST_DB - _LEAST_DB) / STEP_DB)


@dataclass(frozen=True)
class HistogramDistances:
    """Between the distributions of the level over valid pixels.

    - `earth_mover_db`: area between the distribution functions, in dB: how far levels must move on average
      (Wasserstein-1).
    - `kolmogorov_smirnov`: largest difference of the distribution functions, 0 to 1.
    """

    earth_mover_db: float
    kolmogorov_smirnov: float


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts a bin; bin `n` begins at `low_db` + n STEP_DB. From the first that either image uses to the last."""

    low_db: float
    original: Integers
    decoded: Integers


class HistogramPair:
    """Adds up both images' levels."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, _BINS), np.int64)

    def add(self, original_db: Floats, decoded_db: Floats, valid: Bools) -> None:
        """One window: levels in dB (rows, cols), mask. Levels beyond 200 dB count at the ends."""
        for counts, level in zip(self._counts, (original_db, decoded_db), strict=True):
            # In float64: a level that lies on a border of bins must fall to one side in every window.
            place = np.clip((level[valid].astype(np.float64) - _LEAST_DB) / STEP_DB, 0, _BINS - 1).astype(np.int64)
            counts += np.bincount(place, minlength=_BINS)

    def distances(self) -> HistogramDistances | None:
        """The figures, None if no pixel was added."""
        total = int(self._counts[0].sum())
        if not total:
            return None
        gap = np.abs(np.diff(np.cumsum(self._counts, axis=1) / total, axis=0))[0]
        return HistogramDistances(float(gap.sum() * STEP_DB), float(gap.max()))

    def histogram(self) -> Histogram | None:
        """The counts, cut to what is used; None if no pixel was added."""
        used = np.flatnonzero(self._counts.any(axis=0))
        if not used.size:
            return None
        part = slice(used[0], used[-1] + 1)
        return Histogram(_LEAST_DB + STEP_DB * float(used[0]), self._counts[0, part], self._counts[1, part])

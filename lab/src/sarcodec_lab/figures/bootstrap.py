"""Figures that are functions of sums over units (blocks, ships), compared by resampling the units with replacement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
_AT_ONCE = 50  # resamples whose weights are in memory together


@dataclass(frozen=True)
class Figure:
    """`of` takes sums (..., k) to figures (...); `sign` is +1 where more is better, -1 where less is."""

    name: str
    of: Callable[[np.ndarray], np.ndarray]
    sign: int = 1


@dataclass(frozen=True)
class Comparison:
    """Difference first less second, its 95 % interval, and what that means: better, worse, or equal (0 lies within)."""

    difference: float
    low: float
    high: float
    verdict: str


def ratio(sums: np.ndarray) -> np.ndarray:
    """First sum over second; NaN where the second is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[..., 0] / sums[..., 1]


def compare(first: np.ndarray, second: np.ndarray, figure: Figure, seed: int = 0) -> Comparison:
    """Percentile bootstrap (Efron 1979) of the difference; the same units are drawn for both (units, k)."""
    rng, units, differences = np.random.default_rng(seed), len(first), []
    for _ in range(RESAMPLES // _AT_ONCE):
        weights = rng.multinomial(units, np.full(units, 1 / units), _AT_ONCE).astype(np.float64)
        differences.append(figure.of(weights @ first) - figure.of(weights @ second))
    low, high = (float(v) for v in np.nanpercentile(np.concatenate(differences), (2.5, 97.5)))
    difference = float(figure.of(first.sum(axis=0)) - figure.of(second.sum(axis=0)))
    better, worse = (low > 0, high < 0) if figure.sign > 0 else (high < 0, low > 0)
    return Comparison(difference, low, high, "better" if better else "worse" if worse else "equal")

"""The law of what is lost in dB: speckle of as many looks as have the variance that was lost.

A level of multilooked speckle is 10 log10 of a gamma variable G of mean 1 and L looks: its variance is (10 / ln 10)^2 psi'(L) dB^2,
its mean lies 10 / ln 10 * (ln L - psi(L)) dB below that of the power (Oliver and Quegan, Understanding SAR Images, 4.3). A Gaussian of
variance v would ask for (ln 10 / 20) v dB: the same where v is small, 1.1 dB more for single looks. Tables are counted here, their quantiles by
numerical integration; floats are allowed, as everywhere after the symbols.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.native import power as kernels

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

DB = 10 / math.log(10)
LEAST_OCTAVE, STEPS_A_OCTAVE, STEPS = -8, 8, 121  # variances from 2^-8 to 2^7 dB^2, evenly in their logarithm
_POINTS = 4001
_REACH = 5.0  # deviations to both sides
_QUANTILES = 161
_RAISED = 10  # looks are raised by so many, where the series of psi and psi' hold to ten digits


def _psi(looks: Floats) -> Floats:
    """The logarithmic derivative of the gamma function."""
    x = looks + _RAISED
    series = np.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4) - 1 / (252 * x**6)
    found: Floats = series - sum(1 / (looks + n) for n in range(_RAISED))
    return found


def _psi_slope(looks: Floats) -> Floats:
    """psi', the variance of ln G."""
    x = looks + _RAISED
    series = 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3) - 1 / (30 * x**5) + 1 / (42 * x**7)
    found: Floats = series + sum(1 / (looks + n) ** 2 for n in range(_RAISED))
    return found


@lru_cache(maxsize=1)
def looks_of_variances() -> Floats:
    """Looks whose levels have the tables' variances (121,)."""
    looks = np.geomspace(1e4, 0.1, 4000)
    octaves = np.log2(DB**2 * _psi_slope(looks))
    return np.exp(np.interp(LEAST_OCTAVE + np.arange(STEPS) / STEPS_A_OCTAVE, octaves, np.log(looks)))


@lru_cache(maxsize=1)
def shifts() -> Floats:
    """For each variance, how far the level of the mean power lies above the mean level (121,) float32, dB."""
    looks = looks_of_variances()
    return (DB * (np.log(looks) - _psi(looks))).astype(np.float32)


def _log_gamma(looks: float) -> tuple[Floats, Floats, float, float]:
    """ln G, its density (sum 1), its mean and its standard deviation."""
    low, high = -max(11 / math.sqrt(looks), 30 / looks), math.log1p(12 / math.sqrt(looks) + 40 / looks)
    u = np.linspace(low, high, _POINTS)
    log_density = looks * (u - np.exp(u))
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = float(density @ u)
    return u, density, mean, math.sqrt(float(density @ np.square(u - mean)))


@lru_cache(maxsize=1)
def quantiles() -> Floats:
    """For each variance, standardised quantiles of the level at normal scores -5..5 (121, 161) float32."""
    scores = np.linspace(-_REACH, _REACH, _QUANTILES)
    shares = np.array([NormalDist().cdf(s) for s in scores])
    rows = []
    for looks in looks_of_variances():
        u, density, mean, deviation = _log_gamma(looks)
        rows.append((np.interp(shares, np.cumsum(density) - density / 2, u) - mean) / deviation)
    return np.array(rows, np.float32)


def _place(variance: Floats) -> tuple[Floats, Floats]:
    """The number of the table's variance below, and the share of the next one."""
    octave = np.log2(np.maximum(variance, np.float32(2.0**LEAST_OCTAVE)))
    place = np.minimum((octave - np.float32(LEAST_OCTAVE)) * np.float32(STEPS_A_OCTAVE), np.float32(STEPS - 1))
    low = np.minimum(place.astype(np.int32), STEPS - 2)
    return low, (place - low).astype(np.float32)


def power_shift_db(variance_db2: Floats) -> Floats:
    """By how much the level of the mean power lies above the mean level, dB, for a variance in dB^2; float32, any shape."""
    variance, table = np.asarray(variance_db2, np.float32), shifts()
    low, part = _place(variance)
    share = np.clip(variance / np.float32(2.0**LEAST_OCTAVE), 0, 1)  # below the table it falls with the variance
    found: Floats = (table[low] * (1 - part) + table[low + 1] * part) * share
    return found


def speckled(scores: Floats, variance_db2: Floats) -> Floats:
    """Normal scores to levels in dB of mean 0, that variance, and the skewness that speckle of it has; float32, one shape."""
    if native.available():
        score, variance = (np.ascontiguousarray(a, np.float32) for a in (scores, variance_db2))
        return kernels.speckled(score, variance, quantiles())
    return speckled_plainly(scores, variance_db2)


def speckled_plainly(scores: Floats, variance_db2: Floats) -> Floats:
    """What the compiled function does: bilinear between the quantiles of the two nearest variances and scores."""
    table, (row, part) = quantiles(), _place(variance_db2)
    at = (np.clip(scores, -_REACH, _REACH) + np.float32(_REACH)) * np.float32((_QUANTILES - 1) / (2 * _REACH))
    column = np.minimum(at.astype(np.int32), _QUANTILES - 2)
    across = at - column
    low, high = (table[row + n, column] * (1 - across) + table[row + n, column + 1] * across for n in (0, 1))
    found: Floats = (low * (1 - part) + high * part) * np.sqrt(np.maximum(variance_db2, np.float32(0)))
    return found

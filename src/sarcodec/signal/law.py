"""The law of what is lost in dB: speckle of as many looks as have the variance that was lost.

A level of multilooked speckle is 10 log10 of a gamma variable G of mean 1 and L looks: its variance is (10 / ln 10)^2 psi'(L) dB^2,
its mean lies 10 / ln 10 * (ln L - psi(L)) dB below that of the power (Oliver and Quegan, Understanding SAR Images, 4.3). A Gaussian of
variance v would ask for (ln 10 / 20) v dB: the same where v is small, 1.1 dB more for single looks. Tables are counted here by
numerical integration; floats are allowed, as everywhere after the symbols.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.compiled import kernel

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

DB = 10 / math.log(10)
LEAST_OCTAVE, STEPS_A_OCTAVE, STEPS = -8, 8, 121  # variances from 2^-8 to 2^7 dB^2, evenly in their logarithm
_POINTS = 4001
_REACH = 5.0  # deviations to both sides
_QUANTILES = 161


def _log_gamma(looks: float) -> tuple[Floats, Floats, float, float]:
    """ln G, its density (sum 1), its mean and its standard deviation."""
    low, high = -max(11 / math.sqrt(looks), 30 / looks), math.log1p(12 / math.sqrt(looks) + 40 / looks)
    u = np.linspace(low, high, _POINTS)
    log_density = looks * (u - np.exp(u))
    density = np.exp(log_density - log_density.max())
    density /= density.sum()
    mean = float(density @ u)
    return u, density, mean, math.sqrt(float(density @ np.square(u - mean)))


def _looks_of_variances() -> Floats:
    """Looks whose levels have the tables' variances (121,)."""
    looks = np.geomspace(1e4, 0.1, 300)
    octaves = [2 * math.log2(DB * _log_gamma(n)[3]) for n in looks]
    return np.exp(np.interp(LEAST_OCTAVE + np.arange(STEPS) / STEPS_A_OCTAVE, octaves, np.log(looks)))


@lru_cache(maxsize=1)
def _tables() -> tuple[Floats, Floats, Floats]:
    """For each variance: shift in dB (121,), 1 / looks (121,), standardised quantiles at normal scores -5..5 (121, 161); float32."""
    scores = np.linspace(-_REACH, _REACH, _QUANTILES)
    shares = np.array([NormalDist().cdf(s) for s in scores])
    shift, quantiles, every = [], [], _looks_of_variances()
    for looks in every:
        u, density, mean, deviation = _log_gamma(looks)
        shift.append(-DB * mean)
        quantiles.append((np.interp(shares, np.cumsum(density) - density / 2, u) - mean) / deviation)
    return np.array(shift, np.float32), (1 / every).astype(np.float32), np.array(quantiles, np.float32)


def _looked_up(table: Floats, variance_db2: Floats) -> Floats:
    """A value that is proportional to the variance where that is below the tables', float32."""
    variance = np.asarray(variance_db2, np.float32)
    least = np.float32(2.0**LEAST_OCTAVE)
    place = (np.log2(np.maximum(variance, least)) - np.float32(LEAST_OCTAVE)) * np.float32(STEPS_A_OCTAVE)
    place = np.minimum(place, np.float32(STEPS - 1.001))
    low = place.astype(np.int32)
    value = table[low] * (1 - (place - low)) + table[low + 1] * (place - low)
    found: Floats = value * np.minimum(variance / least, np.float32(1))
    return found


def power_shift_db(variance_db2: Floats) -> Floats:
    """By how much the level of the mean power lies above the mean level, dB, for a variance in dB^2; float32, any shape."""
    return _looked_up(_tables()[0], variance_db2)


def speckled(scores: Floats, variance_db2: Floats) -> Floats:
    """Normal scores to levels in dB of mean 0, that variance, and the skewness that speckle of it has; float32, one shape."""
    out = np.empty(scores.shape, np.float32)
    flat, variance = (np.ascontiguousarray(a, np.float32).reshape(-1) for a in (scores, variance_db2))
    _speckle(flat, variance, _tables()[2], out.reshape(-1))
    return out


@kernel()
def _speckle(scores: Floats, variance: Floats, quantiles: Floats, out: Floats) -> None:
    """Bilinear between the quantiles of the two nearest variances and scores."""
    rows, columns = quantiles.shape
    for i in range(scores.size):
        v = max(variance[i], np.float32(0))
        place = (np.log2(max(v, np.float32(2.0**LEAST_OCTAVE))) - np.float32(LEAST_OCTAVE)) * np.float32(STEPS_A_OCTAVE)
        row = min(int(place), rows - 2)
        part = min(place - row, np.float32(1))
        at = (min(max(scores[i], np.float32(-_REACH)), np.float32(_REACH)) + np.float32(_REACH)) * np.float32(
            (columns - 1) / (2 * _REACH)
        )
        column = min(int(at), columns - 2)
        across = at - column
        low = quantiles[row, column] * (1 - across) + quantiles[row, column + 1] * across
        high = quantiles[row + 1, column] * (1 - across) + quantiles[row + 1, column + 1] * across
        out[i] = (low * (1 - part) + high * part) * np.sqrt(v)

"""Normal scores for latents from an integer hash of where they stand: the same on every machine, whatever window is asked for."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

_BITS = 12


def hashed(numbers: Integers) -> Integers:
    """A well-mixed permutation of the 32-bit numbers (Wellons, Prospecting for Hash Functions, 2018: lowbias32), uint32."""
    x = numbers.astype(np.uint32)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    x ^= x >> np.uint32(16)
    return x


@lru_cache(maxsize=1)
def _quantiles() -> Floats:
    """Normal quantiles in the middle of 4,096 equal shares, scaled to variance 1, float32."""
    count = 1 << _BITS
    values = np.array([NormalDist().inv_cdf((n + 0.5) / count) for n in range(count)])
    found: Floats = (values / values.std()).astype(np.float32)
    return found


def normal_scores(tile: int, band: int, count: int) -> Floats:
    """Scores of the latents 0..count - 1 of a tile and band (count,) float32."""
    seed = hashed(hashed(np.array([band])) + np.array([tile], np.uint32))
    found: Floats = _quantiles()[hashed(hashed(np.arange(count)) + seed) >> np.uint32(32 - _BITS)]
    return found

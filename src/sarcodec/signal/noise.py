"""Normal scores for latents from an integer hash of where they stand: the same on every machine, whatever window is asked for."""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.native import power as kernels

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


def _seed(tile: int, band: int) -> Integers:
    return hashed(hashed(np.array([band])) + np.array([tile], np.uint32))


def normal_scores(tile: int, band: int, count: int) -> Floats:
    """Scores of the latents 0..count - 1 of a tile and band (count,) float32."""
    seed = _seed(tile, band)
    found: Floats = _quantiles()[hashed(hashed(np.arange(count)) + seed) >> np.uint32(32 - _BITS)]
    return found


def noise_latents(lost: Floats, tile: int, band: int) -> Floats:
    """Lost variances in dB^2 (cells, 1024) float32 -> noise of those variances in dB, always the same for a tile and band."""
    if native.available():
        return kernels.noise_latents(np.ascontiguousarray(lost), int(_seed(tile, band)[0]), _quantiles())
    return normal_scores(tile, band, lost.size).reshape(lost.shape) * np.sqrt(np.maximum(lost, np.float32(0)))

"""Power and texture of tiles (native/planes.c, power.c, texture.c). In: float32 arrays, contiguous, planes of at most 1,024 px a side; out: the same.

blocks: values of 8 x 8 px (ceil(rows / 8), ceil(cols / 8)); cells: of 32 x 32 px.
"""

from __future__ import annotations

from ctypes import c_double, c_float, c_int32, c_int64, c_uint32, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.native.library import function

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

BLOCK_PX = 8
MOST_PX = 1024  # a side of a plane
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "block_means": (c_int32, c_void_p, c_int64, c_int64, c_void_p),
    "add_blocks": (c_int32, c_void_p, c_int64, c_int64, c_void_p, c_float, c_void_p),
    "quantiles": (None, c_void_p, c_int64, c_void_p, c_int64, c_void_p, c_void_p),
    "power_blocks": (c_int32, c_void_p, c_int64, c_int64, *[c_void_p] * 4, c_float, c_void_p),
    "noise_latents": (None, c_void_p, c_int64, c_uint32, c_void_p, c_void_p),
    "speckled": (None, c_void_p, c_void_p, c_int64, c_void_p, c_void_p),
    "detail_energy": (c_double, c_void_p, c_int64, c_int64, c_void_p),
    "with_texture": (c_int32, c_void_p, c_void_p, c_int64, c_int64, *[c_void_p] * 5, c_float, c_void_p, c_void_p),
}


@cache
def _call(name: str) -> Any:
    return function(name, *_SIGNATURES[name])


def block_means(pixels: Floats) -> Floats:
    """(rows, cols) -> blocks, the last row and column repeated in cut ones."""
    rows, cols = pixels.shape
    out = np.empty((-(-rows // BLOCK_PX), -(-cols // BLOCK_PX)), np.float32)
    _call("block_means")(pixels.ctypes.data, rows, cols, out.ctypes.data)
    return out


def add_blocks(pixels: Floats, blocks: Floats, scale: float) -> Floats:
    """pixels + scale * blocks, these bilinear between their middles."""
    out = np.empty_like(pixels)
    _call("add_blocks")(pixels.ctypes.data, *pixels.shape, blocks.ctypes.data, scale, out.ctypes.data)
    return out


def quantiles(values: Floats, shares: Floats) -> Floats:
    """Values below which the shares (n,) float64 of finite values lie, linear between order statistics, float64."""
    scratch, out = np.empty(2 * values.size, np.uint32), np.empty(shares.size)
    arrays = (shares.ctypes.data, shares.size, scratch.ctypes.data, out.ctypes.data)
    _call("quantiles")(values.ctypes.data, values.size, *arrays)
    return out


def power_blocks(
    blocks: Floats, shape: tuple[int, int], shifts: tuple[Floats, Floats] | None, law: tuple[Floats, Floats], add: float
) -> Floats:
    """What is added at the blocks of a plane of `shape`, dB. shifts: lost variances of the cells with one around and the law's table of shifts, None: no shift;
    law: five rising levels and the factors there, float64; add: dB."""
    out = np.empty_like(blocks)
    lost = (None, None) if shifts is None else tuple(a.ctypes.data for a in shifts)
    _call("power_blocks")(blocks.ctypes.data, *shape, *lost, *(a.ctypes.data for a in law), add, out.ctypes.data)
    return out


def noise_latents(lost: Floats, seed: int, scores: Floats) -> Floats:
    """Noise of variances `lost`, any shape; scores: the 4,096 that the hash chooses from."""
    out = np.empty_like(lost)
    _call("noise_latents")(lost.ctypes.data, lost.size, seed, scores.ctypes.data, out.ctypes.data)
    return out


def speckled(scores: Floats, variances: Floats, table: Floats) -> Floats:
    """Normal scores to levels of speckle in dB, any shape. table: quantiles (121, 161)."""
    out = np.empty_like(scores)
    arrays = (scores.ctypes.data, variances.ctypes.data, scores.size, table.ctypes.data, out.ctypes.data)
    _call("speckled")(*arrays)
    return out


def detail_energy(levels: Floats, blocks: Floats) -> float:
    """The sum of squares of levels less the blocks' local means."""
    return float(_call("detail_energy")(levels.ctypes.data, *levels.shape, blocks.ctypes.data))


def with_texture(
    levels: Floats,
    noise: Floats,
    planes: tuple[Floats, Floats, Floats],
    law: tuple[Floats, Floats, float],
    table: Floats,
) -> Floats:
    """Levels (rows, cols) with their texture from noise in dB.

    planes: blocks' means, what is added at blocks, lost variances of cells; law: three means in dB, three factors of the variance, one over the root mean
    square of the detail; table: quantiles (121, 161).
    """
    out = np.empty_like(levels)
    means, spreads, scale = law
    arrays = [a.ctypes.data for a in (*planes, means, spreads)]
    _call("with_texture")(
        levels.ctypes.data, noise.ctypes.data, *levels.shape, *arrays, scale, table.ctypes.data, out.ctypes.data
    )
    return out

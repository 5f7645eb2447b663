"""Sums that say what to store of a tile's power and texture (native/texture_fit.c). In and out as in `native.power`; valid: bool (rows, cols), contiguous."""

from __future__ import annotations

from ctypes import c_double, c_float, c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.native.library import function

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

WINDOW_PX, PITCH_PX = 15, 16
_PLANE = (c_int64, c_int64)
_LAW = (c_void_p, c_void_p, c_float)  # means, spreads, one over the root mean square of the detail
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "fit_sums": (c_int32, *[c_void_p] * 3, *_PLANE, c_float, *[c_void_p] * 3),
    "fit_total": (c_double, c_void_p, c_void_p, *_PLANE, c_void_p, c_float),
    "fit_shared_total": (c_double, *[c_void_p] * 3, c_int64, c_float, c_float),
    "fit_texture_total": (c_double, *[c_void_p] * 3, *_PLANE, *[c_void_p] * 3, *_LAW, c_void_p, c_float),
    "fit_moments": (
        c_int32,
        *[c_void_p] * 3,
        *_PLANE,
        c_void_p,
        c_void_p,
        c_float,
        c_float,
        c_int64,
        c_void_p,
        c_void_p,
    ),
    "window_variations": (None, c_void_p, c_void_p, *_PLANE, c_void_p),
    "textured_windows": (
        c_int32,
        c_void_p,
        c_void_p,
        *_PLANE,
        *[c_void_p] * 3,
        *_LAW,
        c_void_p,
        c_int64,
        *[c_void_p] * 3,
    ),
    "textured_variations": (None, *[c_void_p] * 3, c_int64, c_float, c_void_p, c_void_p),
}


@cache
def _call(name: str) -> Any:
    return function(name, *_SIGNATURES[name])


def _at(*arrays: Floats | Integers | Bools) -> list[int]:
    return [a.ctypes.data for a in arrays]


def sums(
    levels: Floats, original: Floats, valid: Bools, blocks: tuple[int, int], scale_db: float
) -> tuple[Floats, Floats, Floats]:
    """By block: powers of decoded levels and of the original's, relative to `scale_db`, and numbers, of the valid pixels."""
    found = tuple(np.empty(blocks, np.float32) for _ in range(3))
    _call("fit_sums")(*_at(levels, original, valid), *levels.shape, scale_db, *_at(*found))
    return found[0], found[1], found[2]


def total(levels: Floats, valid: Bools, added: Floats, scale_db: float) -> float:
    """The power of the valid pixels of levels + added, bilinear."""
    return float(_call("fit_total")(*_at(levels, valid), *levels.shape, *_at(added), scale_db))


def shared_total(levels: Floats, shares: Floats, valid: Bools, rest_db: float, scale_db: float) -> float:
    """The power of the valid pixels of levels + shares * rest_db, all (rows, cols)."""
    return float(_call("fit_shared_total")(*_at(levels, shares, valid), levels.size, rest_db, scale_db))


def texture_total(
    tile: tuple[Floats, Floats, Bools],
    planes: tuple[Floats, Floats, Floats],
    law: tuple[Floats, Floats, float],
    table: Floats,
    scale_db: float,
) -> float:
    """The power of the valid pixels with their texture. tile: levels, noise, valid; planes, law and table: as in `power.with_texture`."""
    means, spreads, detail_scale = law
    arguments = (*_at(*planes, means, spreads), detail_scale, *_at(table), scale_db)
    return float(_call("fit_texture_total")(*_at(*tile), *tile[0].shape, *arguments))


def moments(
    tile: tuple[Floats, Floats, Bools],
    planes: tuple[Floats, Floats],
    detail_scale: float,
    reach: float,
    every: int,
    means: Floats | None,
) -> Floats:
    """Ten sums (native/texture_fit.c says of what), float64. tile: levels, original, valid; planes: blocks' means, lost variances of cells."""
    found = np.empty(10)
    known = None if means is None else means.ctypes.data
    arguments = (*_at(*planes), detail_scale, reach, every, known, found.ctypes.data)
    _call("fit_moments")(*_at(*tile), *tile[0].shape, *arguments)
    return found


def variations(levels: Floats, valid: Bools) -> Floats:
    """Of each window of 15 x 15 px on a grid of 16 the variance over the squared mean of the power, -1 where not all of it is valid (n,)."""
    count = [max(0, (n - WINDOW_PX) // PITCH_PX + 1) for n in levels.shape]
    found = np.empty(count[0] * count[1], np.float32)
    _call("window_variations")(*_at(levels, valid), *levels.shape, found.ctypes.data)
    return found


def windows(
    tile: tuple[Floats, Floats],
    planes: tuple[Floats, Floats, Floats],
    law: tuple[Floats, Floats, float],
    numbers: Integers,
) -> tuple[Floats, Floats, Floats]:
    """Of chosen windows (n,) int64: levels before texture, normal scores, variances, each (n, 15, 15). tile: levels, noise; planes, law: as in `power.with_texture`."""
    found = tuple(np.empty((numbers.size, WINDOW_PX, WINDOW_PX), np.float32) for _ in range(3))
    means, spreads, detail_scale = law
    arguments = (*_at(*planes, means, spreads), detail_scale, *_at(numbers), numbers.size, *_at(*found))
    _call("textured_windows")(*_at(*tile), *tile[0].shape, *arguments)
    return found[0], found[1], found[2]


def textured_variations(windows: tuple[Floats, Floats, Floats], factor: float, table: Floats) -> Floats:
    """Variations (n,) of what `windows` gives, with speckle of `factor` times the variances."""
    found = np.empty(len(windows[0]), np.float32)
    _call("textured_variations")(*_at(*windows), found.size, factor, *_at(table), found.ctypes.data)
    return found

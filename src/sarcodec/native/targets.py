"""Targets of the original and the bumps that give them their energy back (native/targets.c, bumps.c). Arrays in and out are contiguous; places are (n, 2), row and column."""

from __future__ import annotations

from ctypes import c_float, c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.native.library import function

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

MOST_PX = 2048  # a side of the levels
WINDOW, FILLED = 169, 176  # numbers of a window of 13 x 13, and of a template filled up to whole vectors
FIRST_GUESS = 4096  # peaks that there is room for at once
_TILE = (c_void_p, c_void_p, c_void_p, c_int64, c_int64)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "target_peaks": (
        c_int64,
        *(c_void_p, c_void_p, c_int64, c_int64, c_float, c_float, c_float),
        *(c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p),
    ),
    "target_matches": (c_int32, c_void_p, c_int64, c_void_p, c_void_p, c_int64, c_void_p, c_void_p),
    "fit_bumps": (
        c_int32,
        *_TILE,
        *(c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_int64),
        *(c_void_p, c_void_p, c_int64, c_int64, c_int32),
    ),
    "target_blocks": (
        c_int32,
        c_void_p,
        c_void_p,
        c_int64,
        c_int64,
        c_void_p,
        c_int64,
        c_float,
        c_int32,
        c_void_p,
        c_void_p,
    ),
    "target_errors": (c_int32, *_TILE, c_void_p, c_void_p, c_int64, c_void_p),
}


@cache
def _call(name: str) -> Any:
    return function(name, *_SIGNATURES[name])


def _at(*arrays: Floats | Integers | Bools) -> list[int]:
    return [a.ctypes.data for a in arrays]


def peaks(
    levels: Floats, valid: Bools, relative_to: tuple[float, float], times: float, area: tuple[Integers, Integers]
) -> tuple[Integers, Floats, Floats]:
    """Pixels that are the brightest of 5 x 5 and stand above `times` the mean power of the ring around: places, their powers, and those of the rings.

    levels, valid (rows, cols), at most `MOST_PX` a side; relative_to: the band's level in dB, and how far from it levels count; area: int64 (2,), the first row and
    column and those behind the last.
    """
    most = FIRST_GUESS
    while True:
        places, powers, grounds = np.empty((most, 2), np.int64), np.empty(most, np.float32), np.empty(most, np.float32)
        arguments = (*levels.shape, *relative_to, times, *_at(*area), most, *_at(places, powers, grounds))
        count = _call("target_peaks")(*_at(levels, valid), *arguments)
        if count < 0:
            raise MemoryError("no memory for the sums around targets")
        if count <= most:
            return places[:count], powers[:count], grounds[:count]
        most = count


def matches(windows: Floats, templates: Floats, squares: Floats) -> tuple[Integers, Floats]:
    """Of windows (n, 169) float32 the template (m, 176) that resembles each most, and 2 <window, template> - square (n,)."""
    best, gains = np.empty(len(windows), np.int64), np.empty(len(windows), np.float32)
    arguments = (len(windows), *_at(templates, squares), len(templates), *_at(best, gains))
    _call("target_matches")(*_at(windows), *arguments)
    return best, gains


def fit_bumps(
    tile: tuple[Floats, Floats, Bools],
    tables: tuple[Floats, Floats, Floats, Floats],
    grounds: Floats,
    bumps: tuple[Integers, Floats],
    new: int,
    sweeps: int,
) -> bool:
    """Puts the last `new` bumps on the image, and fits all in turns; whether the last turn changed any.

    tile: image in dB, float64, changed; original, float32; own. tables: heights of gain bumps (4, 13, 13) and of added ones (5, 4, 4, 13, 13) float32; factors of
    the power by width, amplitude and pixel (4, 333, 9, 9), powers of amplitudes from half a dB (166,) float64. grounds: of targets, float64. bumps: int32 (n, 10) and
    float64 (n,), both changed.
    """
    numbers, excesses = bumps
    arguments = (*tile[0].shape, *_at(*tables, grounds), len(grounds), *_at(numbers, excesses), len(numbers))
    changed: int = _call("fit_bumps")(*_at(*tile), *arguments, len(numbers) - new, sweeps)
    if changed < 0:
        raise ValueError("a bump lies outside its tile, or there is no memory")
    return changed > 0


def errors(tile: tuple[Floats, Floats, Bools], places: Integers, grounds: Floats) -> Floats:
    """How far each target (n, 2) int32 is off in dB (n,); tile and grounds as above."""
    found = np.empty(len(places))
    if _call("target_errors")(*_at(*tile), *tile[0].shape, *_at(places, grounds), len(places), found.ctypes.data):
        raise ValueError("a target lies outside its tile")
    return found


def blocks(levels: Floats, own: Bools, places: Integers, lead_db: float, side: int) -> tuple[Integers, Integers]:
    """Of targets (n, 2) int32 the block in which a reader finds each as the brightest pixel, -1 where in none, and the pixel to address (n, 2). side: blocks a row."""
    found, pixels = np.empty(len(places), np.int32), np.empty((len(places), 2), np.int32)
    arguments = (*levels.shape, places.ctypes.data, len(places), lead_db, side, *_at(found, pixels))
    _call("target_blocks")(*_at(levels, own), *arguments)
    return found, pixels

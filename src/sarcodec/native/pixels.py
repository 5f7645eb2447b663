"""Pixels to levels in dB and back (native/pixels.c). In: contiguous arrays of the types named, of any shape; out: arrays of that shape."""

from __future__ import annotations

from ctypes import c_double, c_float, c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.native.library import function, level

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Pixels

RESTORED = ("int8", "uint8", "int16", "uint16", "float32")
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "pixels_look_up_8": (None, c_void_p, c_void_p, c_int64, c_void_p, c_void_p),
    "pixels_look_up_16": (None, c_void_p, c_void_p, c_int64, c_void_p, c_void_p),
    "pixels_normalise": (None, c_void_p, c_int64, c_float, c_void_p, c_int64, c_void_p, c_void_p),
    "pixels_restore": (c_int32, c_void_p, c_int64, c_int32, c_double, c_void_p, c_void_p, c_int64, c_void_p),
}


@cache
def _call(name: str, level: str | None) -> Any:
    return function(name, *_SIGNATURES[name])


def look_up(table: Floats, pixels: Pixels) -> tuple[Floats, Bools]:
    """Levels (0 where the table holds no number) and where they are valid. table float32 by the bits of pixels of 8 or 16 bits."""
    levels, valid = np.empty(pixels.shape, np.float32), np.empty(pixels.shape, bool)
    call = _call(f"pixels_look_up_{8 * pixels.itemsize}", level())
    call(table.ctypes.data, pixels.ctypes.data, pixels.size, levels.ctypes.data, valid.ctypes.data)
    return levels, valid


def normalise(pixels: Pixels, db_an_octave: float, avoided: Floats) -> tuple[Floats, Bools]:
    """Levels (0 where invalid) of float32 pixels, and where they are valid: positive, finite and none of `avoided` (n,) float32."""
    levels, valid = np.empty(pixels.shape, np.float32), np.empty(pixels.shape, bool)
    _call("pixels_normalise", level())(
        pixels.ctypes.data,
        pixels.size,
        db_an_octave,
        avoided.ctypes.data,
        avoided.size,
        levels.ctypes.data,
        valid.ctypes.data,
    )
    return levels, valid


def restore(levels_db: Floats, db_an_octave: float, avoided: Pixels, instead: Pixels) -> Pixels | None:
    """Pixels of the type of `avoided` (n,), one of RESTORED, where those become `instead` (n,); None where a level is not a number."""
    pixels = np.empty(levels_db.shape, avoided.dtype)
    answer = _call("pixels_restore", level())(
        levels_db.ctypes.data,
        levels_db.size,
        RESTORED.index(avoided.dtype.name),
        db_an_octave,
        avoided.ctypes.data,
        instead.ctypes.data,
        avoided.size,
        pixels.ctypes.data,
    )
    return pixels if answer == 0 else None

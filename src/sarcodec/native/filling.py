"""Fills of invalid pixels (native/filling.c). In and out: planes (rows, cols) whose columns lie beside each other; rows may be apart."""

from __future__ import annotations

from ctypes import c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

from sarcodec.native.library import function, level

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats


@cache
def _fill(level: str | None) -> Any:
    return function("fill_invalid", c_int32, c_void_p, c_void_p, *[c_int64] * 3, c_void_p, c_int64)


def fill(levels: Floats, valid: Bools, out: Floats) -> None:
    """levels and out float32, valid bool; levels and valid have rows as many columns apart. out may be levels."""
    row, out_row = levels.strides[0] // levels.itemsize, out.strides[0] // out.itemsize
    if _fill(level())(levels.ctypes.data, valid.ctypes.data, row, *levels.shape, out.ctypes.data, out_row):
        raise MemoryError("libsarcodec found no memory to fill invalid pixels")

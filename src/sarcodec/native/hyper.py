"""The hyper analysis (native/hyper.c). In: packed weights and latents, float32, contiguous; out: what hyper symbols are rounded from."""

from __future__ import annotations

from ctypes import c_float, c_int32, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.native.library import function

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

PANEL = 24  # outputs whose weights lie together


@cache
def _hyper() -> Any:
    return function("hyper", c_int32, c_void_p, c_void_p, c_int32, c_int32, c_float, c_void_p)


def analyse(arrays: tuple[Floats, ...], latents: Floats, plane: float) -> Floats:
    """arrays: weights and biases of four layers, deviations (1024,); latents (rows, cols, 1024) -> (rows / 2, cols / 2, 24), halves rounded up."""
    rows, cols, _ = latents.shape
    out = np.empty((-(-rows // 2), -(-cols // 2), PANEL), np.float32)
    pointers = (c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
    if _hyper()(pointers, latents.ctypes.data, rows, cols, plane, out.ctypes.data):
        raise MemoryError(f"no memory for the hyper analysis of {rows} x {cols} cells")
    return out

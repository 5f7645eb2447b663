"""The inner loops of the rANS coder (native/rans.c). In: arrays of whole numbers, contiguous and of the types named; out: the same."""

from __future__ import annotations

from ctypes import byref, c_int32, c_int64, c_uint64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

from sarcodec.native.library import function

if TYPE_CHECKING:
    from sarcodec.arrays import Integers


@cache
def _encode() -> Any:
    return function("rans_encode", c_int32, *[c_void_p] * 4, c_int64, c_void_p, c_int64, c_void_p, c_void_p)


def encode(
    cumulative: Integers, layout: Integers, rows: Integers, values: Integers, words: Integers
) -> tuple[int, int, int]:
    """rows uint16 and values int32 (n,), words uint16 (6 n + 8,), filled from its end -> state, first word, index of a refused value or -1."""
    first, state = c_int64(words.size), c_uint64(1)
    arrays = (cumulative, layout, rows, values)
    answer = _encode()(
        *(a.ctypes.data for a in arrays), rows.size, words.ctypes.data, words.size, byref(first), byref(state)
    )
    return (state.value, first.value, -1) if answer == 0 else (1, words.size, first.value)

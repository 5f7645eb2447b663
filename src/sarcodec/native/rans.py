"""The inner loops of the rANS coder (native/rans.c). In: arrays of whole numbers, contiguous and of the types named; out: the same."""

from __future__ import annotations

from ctypes import byref, c_int32, c_int64, c_uint64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

from sarcodec.native.library import function, level

if TYPE_CHECKING:
    from sarcodec.arrays import Integers


@cache
def _functions(_: str | None) -> tuple[Any, Any]:
    """Those of a level."""
    encode = function("rans_encode", c_int32, *[c_void_p] * 4, c_int64, c_void_p, c_int64, c_void_p, c_void_p)
    return encode, function("rans_decode", c_int32, *[c_void_p] * 4, c_int64, *[c_void_p] * 3, c_int64, *[c_void_p] * 5)


def encode(
    cumulative: Integers, layout: Integers, rows: Integers, values: Integers, words: Integers
) -> tuple[int, int, int]:
    """rows uint16 and values int32 (n,), words uint16 (6 n + 8,), filled from its end -> state, first word, index of a refused value or -1."""
    state, first = c_uint64(1), c_int64(words.size)
    arrays = (cumulative, layout, rows, values)
    answer = _functions(level())[0](
        *(a.ctypes.data for a in arrays), rows.size, words.ctypes.data, words.size, byref(first), byref(state)
    )
    return (state.value, first.value, -1) if answer == 0 else (1, words.size, first.value)


def decode(
    tables: tuple[Integers, Integers, Integers],
    words: Integers,
    at: tuple[int, int, int],
    rows: Integers,
    automaton: tuple[Integers, Integers],
    values: Integers,
    modes: Integers,
) -> tuple[tuple[int, int, int], bool]:
    """Fills values int32 and modes uint16 (n,) under the tables rows uint16 -> where the reader stands, and whether an encoder writes such bytes.

    tables: cumulative, layout and lookup of FrozenTables; words uint16; at: state, next word and mode. automaton: next_mode uint16
    (modes, 2) and jump int64 (modes,): in mode m a value's table is row + jump[m], the next mode next_mode[m, value & 1]; a skipped value leaves
    the mode as it is.
    """
    state, place, mode = c_uint64(at[0]), c_int64(at[1]), c_int64(at[2])
    next_mode, jump = automaton
    answer = _functions(level())[1](
        *(a.ctypes.data for a in (*tables, words)),
        words.size,
        byref(place),
        byref(state),
        rows.ctypes.data,
        rows.size,
        next_mode.ctypes.data,
        jump.ctypes.data,
        byref(mode),
        values.ctypes.data,
        modes.ctypes.data,
    )
    return (state.value, place.value, mode.value), answer == 0

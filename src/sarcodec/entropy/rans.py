"""The inner loops of the rANS coder, compiled by numba: integer arrays in, integer arrays out, no checks of arguments.

Follows docs/format.md step by step; `entropy_reference` says the same in plain Python. 64-bit unsigned arithmetic holds
the 32-bit state. Knows no error, no byte order and no file; `entropy` is its only caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.compiled import kernel
from sarcodec.entropy.tables import MAX_MAGNITUDE, PRECISION_BITS

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

LOOKUP_BITS = 6  # a lookup entry a 64 slots: 256 bytes a table, measured fastest of 4 to 10

_MASK = np.uint64((1 << PRECISION_BITS) - 1)
_PRECISION = np.uint64(PRECISION_BITS)
_EMIT = np.uint64(32 - PRECISION_BITS)
_WORD = np.uint64(16)
_LOW16 = np.uint64(0xFFFF)
_LOWER = np.uint64(1 << 16)
_FULL = np.uint64(32)
_CHUNK = np.uint64(12)  # raw bits coded in one step at most
_MAX_GAMMA = np.uint64(24)  # excess + 1 of any value below 2^24 is below 2^25
_LOOKUP = np.uint64(LOOKUP_BITS)
# How FrozenTables.layout packs a table into 32 bits.
_START_MASK = np.uint32((1 << 20) - 1)
_SHIFT_BIT = np.uint32(20)
_RADIUS_BIT = np.uint32(24)
_SKIP_BIT = np.uint32(31)


@kernel(inline="always")
def _push_bits(
    state: np.uint64, words: Integers, place: int, value: np.uint64, width: np.uint64
) -> tuple[np.uint64, int]:
    if state >> (_FULL - width):
        place -= 1
        words[place] = state & _LOW16
        state >>= _WORD
    return state << width | value, place


@kernel()
def _push_escape(state: np.uint64, words: Integers, place: int, excess: np.uint64) -> tuple[np.uint64, int]:
    """Elias gamma of excess + 1: n zeros, a one, then the n bits below the top one, high ones first (see format.md)."""
    number = excess + np.uint64(1)
    width = np.uint64(0)
    while number >> (width + np.uint64(1)):
        width += np.uint64(1)
    rest = number ^ (np.uint64(1) << width)
    low = min(width, _CHUNK)
    state, place = _push_bits(state, words, place, rest & ((np.uint64(1) << low) - np.uint64(1)), low)
    state, place = _push_bits(state, words, place, rest >> low, width - low)
    state, place = _push_bits(state, words, place, np.uint64(1), np.uint64(1))
    for _ in range(width):
        state, place = _push_bits(state, words, place, np.uint64(0), np.uint64(1))
    return state, place


@kernel()
def encode(
    cumulative: Integers, layout: Integers, rows: Integers, values: Integers, words: Integers
) -> tuple[np.uint64, int, int]:
    """Walks backwards, fills `words` from its end. Gives state, first word, index of a refused value or -1."""
    state, place = np.uint64(1), words.size
    for index in range(rows.size - 1, -1, -1):
        table, value = layout[rows[index]], np.int64(values[index])
        if table >> _SKIP_BIT:
            if value != 0:
                return state, place, index
            continue
        shift = (table >> _SHIFT_BIT) & np.uint32(15)
        quotient = value >> np.int64(shift)
        if shift:
            low = np.uint64(value) & ((np.uint64(1) << np.uint64(shift)) - np.uint64(1))
            state, place = _push_bits(state, words, place, low, np.uint64(shift))
        symbol = 2 * quotient if quotient >= 0 else -2 * quotient - 1
        escape = 2 * np.int64((table >> _RADIUS_BIT) & np.uint32(127)) + 1
        if symbol >= escape:
            state, place = _push_escape(state, words, place, np.uint64(symbol - escape))
            symbol = escape
        at = np.int64(table & _START_MASK) + symbol
        begin = np.uint32(cumulative[at])
        frequency = np.uint32(cumulative[at + 1]) - begin
        if state >> _EMIT >= frequency:
            place -= 1
            words[place] = state & _LOW16
            state >>= _WORD
        narrow = np.uint32(state)  # 32-bit division is several times faster than 64-bit
        share = narrow // frequency
        state = (np.uint64(share) << _PRECISION) + np.uint64(narrow - share * frequency + begin)
    return state, place, -1


@kernel(inline="always")
def _pull_bits(state: np.uint64, words: Integers, place: int, width: np.uint64) -> tuple[np.uint64, np.uint64, int]:
    value = state & ((np.uint64(1) << width) - np.uint64(1))
    state >>= width
    if state < _LOWER and place < words.size:
        state = state << _WORD | np.uint64(words[place])
        place += 1
    return value, state, place


@kernel()
def _pull_escape(state: np.uint64, words: Integers, place: int) -> tuple[np.int64, np.uint64, int]:
    """Gives excess, or -1 where the length is beyond what any value needs."""
    width = np.uint64(0)
    bit, state, place = _pull_bits(state, words, place, np.uint64(1))
    while bit == 0:
        width += np.uint64(1)
        if width > _MAX_GAMMA:
            return np.int64(-1), state, place
        bit, state, place = _pull_bits(state, words, place, np.uint64(1))
    low = min(width, _CHUNK)
    high, state, place = _pull_bits(state, words, place, width - low)
    rest, state, place = _pull_bits(state, words, place, low)
    return np.int64((np.uint64(1) << width | high << low | rest) - np.uint64(1)), state, place


@kernel()
def decode(
    cumulative: Integers,
    layout: Integers,
    lookup: Integers,
    rows: Integers,
    words: Integers,
    state: np.uint64,
    place: int,
    values: Integers,
    next_mode: Integers,
    jump: Integers,
    mode: int | np.int64,
    modes: Integers,
) -> tuple[np.uint64, int, int | np.int64, bool]:
    """Fills `values` and `modes`: the mode that each value was read in. Gives state, next word, mode, and whether every
    value was one that an encoder writes. In mode m a value's table is row + jump[m], the next mode next_mode[m, value & 1];
    a skipped value leaves the mode as it is."""
    for index in range(rows.size):
        row = rows[index] + jump[mode]
        table = layout[row]
        modes[index] = mode
        if table >> _SKIP_BIT:
            values[index] = 0
            continue
        start = np.int64(table & _START_MASK)
        slot = state & _MASK
        at = start + np.int64(lookup[row, slot >> _LOOKUP])
        while np.uint64(cumulative[at + 1]) <= slot:
            at += 1
        low = np.uint64(cumulative[at])
        state = (np.uint64(cumulative[at + 1]) - low) * (state >> _PRECISION) + slot - low
        if state < _LOWER and place < words.size:
            state = state << _WORD | np.uint64(words[place])
            place += 1
        symbol = at - start
        escape = 2 * np.int64((table >> _RADIUS_BIT) & np.uint32(127)) + 1
        if symbol == escape:
            excess, state, place = _pull_escape(state, words, place)
            if excess < 0:
                return state, place, mode, False
            symbol += excess
        value = (symbol >> 1) ^ -(symbol & 1)
        shift = np.uint64((table >> _SHIFT_BIT) & np.uint32(15))
        if shift:
            bits, state, place = _pull_bits(state, words, place, shift)
            value = value << np.int64(shift) | np.int64(bits)
        if not -MAX_MAGNITUDE < value < MAX_MAGNITUDE:
            return state, place, mode, False
        values[index] = value
        mode = np.int64(next_mode[mode, value & 1])
    return state, place, mode, True

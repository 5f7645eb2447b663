"""The encoder's choice of symbols: the path through the trellis of least bits + weight * squared error.

In: residuals in steps, table numbers, the model's tables and centroids; out: symbols and the quantiser of each. Decoders know
nothing of the search: any path decodes, and so does one that is taken symbol by symbol (`greedy`). Floats are allowed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.compiled import kernel
from sarcodec.entropy.prior import CENTROIDS, FRACTION_BITS, LATENT_TABLES
from sarcodec.entropy.tables import MAX_MAGNITUDE, FrozenTables, bits
from sarcodec.entropy.trellis import HALF_STEP, NEXT_STATE, QUANTISER

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers, Real, Whole

# Bits that one squared step of error is worth, where a channel's step is the step of its index. A uniform quantiser at high
# rate has 8.66 (see train.loss); 6 to 7.5 gave the smallest files at equal error on development places (docs/log.md).
ERROR_WEIGHT = 7.0
_HALF = np.float32(HALF_STEP / (1 << FRACTION_BITS))
_STATES = len(QUANTISER)
_SMALL = 16
_LARGEST = np.float32(2e7)  # residuals in steps: beyond, no symbol below MAX_MAGNITUDE is near
_FAR = np.float32(1e30)
_OFTEN = 8
_BLOCK = 1 << 13  # the path is decided in blocks of so many symbols, to bound memory
_HALF_STATES = _STATES // 2
# Which state leads to state t by a symbol of parity p: (2, states). Even states (quantiser 0) lead to the lower half of the
# states, odd ones to the upper half, so that the search keeps the two kinds apart: state 2 u + q is place u of kind q.
_BEFORE = np.argsort(NEXT_STATE.astype(np.int64).T, axis=1, kind="stable")
assert (np.arange(_STATES) // _HALF_STATES == _BEFORE % 2).all()
_PLACE = (_BEFORE // 2).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Quantiser:
    """Chooses symbols under a model's tables; centroids (256, 8) uint8 in 1/32 step; greedy: no search, twenty times as fast."""

    tables: FrozenTables
    centroids: Integers
    greedy: bool = False

    @cached_property
    def _bits(self) -> Floats:
        return bits(self.tables).astype(np.float32)

    @cached_property
    def _small(self) -> Floats:
        """Bits of symbols of size 0..15, by table, sign and size (512, 2, 16) float32: nearly all that is ever asked."""
        t, small = self.tables, np.zeros((2 * LATENT_TABLES, 2, _SMALL), np.float32)
        _fill_small(self._bits, t.start, t.radius, t.shift, t.skip, small)
        return small

    @cached_property
    def _inwards(self) -> Floats:
        return self.centroids.astype(np.float32) / (1 << FRACTION_BITS)

    def choose(self, residual: Floats, rows: Integers, weight: Floats, state: int) -> tuple[Integers, Integers, int]:
        """residual, rows (cells, channels), weight (channels,): (channel step / step)^2, the trellis state at the start
        -> symbols and quantisers of that shape, int64, the state at the end."""
        shape, t = residual.shape, self.tables
        residual = np.clip(residual, -_LARGEST, _LARGEST).astype(np.float32).reshape(-1)
        weights = np.broadcast_to(np.float32(ERROR_WEIGHT) * weight.astype(np.float32), shape).reshape(-1)
        rows = np.ascontiguousarray(rows, np.int32).reshape(-1)
        symbols, which = np.zeros(residual.size, np.int64), np.zeros(residual.size, np.int64)
        path = _follow if self.greedy else _search
        for begin in range(0, residual.size, _BLOCK):
            part = slice(begin, begin + _BLOCK)
            last = path(
                residual[part],
                rows[part],
                weights[part],
                self._small,
                self._bits,
                t.start,
                t.radius,
                t.shift,
                t.skip,
                self._inwards,
                state,
                symbols[part],
                which[part],
            )
            state = int(last)
        return symbols.reshape(shape), which.reshape(shape), state


@kernel()
def _symbol_bits(
    size: Whole, negative: bool, row: Whole, table_bits: Floats, start: Integers, radius: Integers, shift: Integers
) -> Real:
    """Bits of a symbol; raw low bits, the same for all choices of a value, are left out."""
    symbol = -size if negative else size
    coded = symbol >> shift[row]
    place = 2 * abs(coded) - (1 if coded < 0 else 0)
    escape = 2 * np.int64(radius[row]) + 1
    if place < escape:
        plain: Real = table_bits[start[row] + place]
        return plain
    escaped: Real = table_bits[start[row] + escape] + np.float32(
        2 * np.floor(np.log2(np.float32(place - escape + 1))) + 1
    )
    return escaped


@kernel()
def _fill_small(
    table_bits: Floats, start: Integers, radius: Integers, shift: Integers, skip: Bools, small: Floats
) -> None:
    for row in range(small.shape[0]):
        if skip[row]:
            continue
        for negative in range(2):
            for size in range(_SMALL):
                small[row, negative, size] = _symbol_bits(size, negative == 1, row, table_bits, start, radius, shift)


@kernel(inline="always")
def _error(value: Real, size: Whole, q: Whole, row: Whole, weight: Real, inwards: Floats) -> Real:
    at = 2 * size - q if size else 0
    error = value - (np.float32(at) * _HALF - inwards[row, min(at, CENTROIDS - 1)])
    cost: Real = weight * error * error
    return cost


@kernel(inline="always")
def _offer(
    q: Whole,
    value: Real,
    negative: Whole,
    row: Whole,
    weight: Real,
    small: Floats,
    table_bits: Floats,
    start: Integers,
    radius: Integers,
    shift: Integers,
    inwards: Floats,
    sizes: Integers,
    costs: Floats,
) -> None:
    """For quantiser q the best even and the best odd symbol around a value; 0 is even. Fills two of four sizes and costs."""
    table = row + q * LATENT_TABLES
    below = min(np.int64((value / _HALF + q) / np.float32(2)), np.int64(MAX_MAGNITUDE - 2))
    for size in (below, below + 1):
        bits = (
            small[table, negative, size]
            if size < _SMALL
            else _symbol_bits(size, negative == 1, table, table_bits, start, radius, shift)
        )
        sizes[2 * q + (size & 1)] = size
        costs[2 * q + (size & 1)] = bits + _error(value, size, q, row, weight, inwards)
    if below > 0:
        zero = small[table, 0, 0] + _error(value, 0, q, row, weight, inwards)
        if zero < costs[2 * q]:
            sizes[2 * q], costs[2 * q] = 0, zero


@kernel()
def _follow(
    residual: Floats,
    rows: Integers,
    weight: Floats,
    small: Floats,
    table_bits: Floats,
    start: Integers,
    radius: Integers,
    shift: Integers,
    skip: Bools,
    inwards: Floats,
    state: Whole,
    symbols: Integers,
    which: Integers,
) -> Whole:
    """The cheapest symbol where one stands, without a look ahead. Fills symbols and which; gives the last state."""
    sizes, costs = np.zeros(4, np.int32), np.zeros(4, np.float32)
    for i in range(residual.size):
        if skip[rows[i]]:
            continue
        q, negative = np.int64(QUANTISER[state]), np.int64(residual[i] < 0)
        value = abs(residual[i])
        _offer(q, value, negative, rows[i], weight[i], small, table_bits, start, radius, shift, inwards, sizes, costs)
        size = np.int64(sizes[2 * q] if costs[2 * q] <= costs[2 * q + 1] else sizes[2 * q + 1])
        symbols[i] = -size if negative else size
        which[i] = q
        state = np.int64(NEXT_STATE[state, size & 1])
    return state


@kernel(fastmath=True)
def _step(even: Floats, odd: Floats, costs: Floats, new: Floats, place: Integers, off: Real, second: Bools) -> None:
    """One step of Viterbi: costs of even and odd states -> the cheaper way into each state, less `off`.

    Costs of branches are taken out of their array first, or the compiler would not make vectors of the loops.
    """
    a, b, c, d = costs[0], costs[1], costs[2], costs[3]
    for t in range(_HALF_STATES):
        one, two = even[place[0, t]] + a, even[place[1, t]] + b
        new[t] = min(one, two)
        second[t] = two < one
    for t in range(_HALF_STATES, _STATES):
        one, two = odd[place[0, t]] + c, odd[place[1, t]] + d
        new[t] = min(one, two)
        second[t] = two < one
    for u in range(_HALF_STATES):
        even[u], odd[u] = new[2 * u] - off, new[2 * u + 1] - off


@kernel(fastmath=True)
def _least(even: Floats, odd: Floats) -> Real:
    least: Real = even[0]
    for u in range(_HALF_STATES):
        least = min(least, min(even[u], odd[u]))
    return least


@kernel()
def _search(
    residual: Floats,
    rows: Integers,
    weight: Floats,
    small: Floats,
    table_bits: Floats,
    start: Integers,
    radius: Integers,
    shift: Integers,
    skip: Bools,
    inwards: Floats,
    state: Whole,
    symbols: Integers,
    which: Integers,
) -> Whole:
    """Viterbi over one block. Fills symbols and which; gives the last state."""
    n = residual.size
    even, odd = np.full(_HALF_STATES, _FAR, np.float32), np.full(_HALF_STATES, _FAR, np.float32)
    (odd if state & 1 else even)[state >> 1] = 0
    new = np.empty(_STATES, np.float32)
    off: Real = np.float32(0)
    second, sizes = np.empty((n, _STATES), np.bool_), np.zeros((n, 4), np.int32)
    costs = np.zeros(4, np.float32)
    for i in range(n):
        if skip[rows[i]]:
            continue
        value, negative = abs(residual[i]), np.int64(residual[i] < 0)
        for q in range(2):
            _offer(
                q,
                value,
                negative,
                rows[i],
                weight[i],
                small,
                table_bits,
                start,
                radius,
                shift,
                inwards,
                sizes[i],
                costs,
            )
        _step(even, odd, costs, new, _PLACE, off, second[i])
        # Costs stay small, so that float32 keeps their differences.
        off = _least(even, odd) if i % _OFTEN == 0 else np.float32(0)
    last = 2 * np.int64(np.argmin(even)) if even.min() <= odd.min() else 2 * np.int64(np.argmin(odd)) + 1
    s = last
    for i in range(n - 1, -1, -1):
        if not skip[rows[i]]:
            parity = np.int64(second[i, s])
            s = np.int64(_BEFORE[parity, s])
            branch = 2 * (s & 1) + parity
            which[i] = s & 1
            symbols[i] = -sizes[i, branch] if residual[i] < 0 else sizes[i, branch]
    return last

"""The encoder's choice of symbols: the path through the trellis of least bits + weight * squared error.

In: residuals in steps, table numbers, the model's tables and centroids; out: symbols and the quantiser of each. Decoders know
nothing of the search: any path decodes. Floats are allowed here.
"""

from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from sarcodec.bitstream.prior import CENTROIDS, FRACTION_BITS, LATENT_TABLES
from sarcodec.bitstream.tables import MAX_MAGNITUDE, FrozenTables, bits
from sarcodec.bitstream.trellis import HALF_STEP, NEXT_STATE, QUANTISER

# Bits that one squared step of error is worth, where a channel's step is the step of its index. A uniform quantiser at high
# rate has 8.66 (see train.loss); 6 to 7.5 gave the smallest files at equal error on development places (docs/log.md).
ERROR_WEIGHT = 7.0
_HALF = np.float32(HALF_STEP / (1 << FRACTION_BITS))
_STATES = len(QUANTISER)
_SMALL = 16
_LARGEST = np.float32(2e7)  # residuals in steps: beyond, no symbol below MAX_MAGNITUDE is near
_FAR = np.float32(1e30)
_BLOCK = 1 << 15  # the path is decided in blocks of so many symbols, to bound memory
# The two ways into each state: (states, 2) of the state before, and of the branch 2 * quantiser + parity.
_BEFORE = np.array([[s for s in range(_STATES) for p in (0, 1) if NEXT_STATE[s, p] == t] for t in range(_STATES)])
_BRANCH = np.array(
    [[2 * QUANTISER[s] + p for s in range(_STATES) for p in (0, 1) if NEXT_STATE[s, p] == t] for t in range(_STATES)]
)


@dataclass(frozen=True, eq=False)
class Quantiser:
    """Chooses symbols under a model's tables; centroids (256, 8) uint8 in 1/32 step."""

    tables: FrozenTables
    centroids: np.ndarray

    @cached_property
    def _bits(self) -> np.ndarray:
        return bits(self.tables).astype(np.float32)

    @cached_property
    def _small(self) -> np.ndarray:
        """Bits of symbols of size 0..15, by table, sign and size (512, 2, 16) float32: nearly all that is ever asked."""
        t, small = self.tables, np.zeros((2 * LATENT_TABLES, 2, _SMALL), np.float32)
        _fill_small(self._bits, t.start, t.radius, t.shift, t.skip, small)
        return small

    @cached_property
    def _inwards(self) -> np.ndarray:
        return self.centroids.astype(np.float32) / (1 << FRACTION_BITS)

    def choose(self, residual: np.ndarray, rows: np.ndarray, weight: np.ndarray, state: int):
        """residual, rows (cells, channels), weight (channels,): (channel step / step)^2, the trellis state at the start
        -> symbols and quantisers of that shape, int64, the state at the end."""
        shape, t = residual.shape, self.tables
        residual = np.clip(residual, -_LARGEST, _LARGEST).astype(np.float32).reshape(-1)
        weights = np.broadcast_to(np.float32(ERROR_WEIGHT) * weight.astype(np.float32), shape).reshape(-1)
        rows = np.ascontiguousarray(rows, np.int32).reshape(-1)
        symbols, which = np.zeros(residual.size, np.int64), np.zeros(residual.size, np.int64)
        for begin in range(0, residual.size, _BLOCK):
            part = slice(begin, begin + _BLOCK)
            state = _search(
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
                int(state),
                symbols[part],
                which[part],
            )
        return symbols.reshape(shape), which.reshape(shape), int(state)


@numba.njit(cache=True, nogil=True)
def _symbol_bits(size, negative, row, table_bits, start, radius, shift):
    """Bits of a symbol; raw low bits, the same for all choices of a value, are left out."""
    symbol = -size if negative else size
    coded = symbol >> shift[row]
    place = 2 * abs(coded) - (1 if coded < 0 else 0)
    escape = 2 * np.int64(radius[row]) + 1
    if place < escape:
        return table_bits[start[row] + place]
    return table_bits[start[row] + escape] + np.float32(2 * np.floor(np.log2(np.float32(place - escape + 1))) + 1)


@numba.njit(cache=True, nogil=True)
def _fill_small(table_bits, start, radius, shift, skip, small):
    for row in range(small.shape[0]):
        for negative in range(2):
            for size in range(_SMALL):
                if not skip[row]:
                    small[row, negative, size] = _symbol_bits(
                        size, negative == 1, row, table_bits, start, radius, shift
                    )


@numba.njit(cache=True, nogil=True, inline="always")
def _error(value, size, q, row, weight, inwards):
    at = 2 * size - q if size else 0
    error = value - (np.float32(at) * _HALF - inwards[row, min(at, CENTROIDS - 1)])
    return weight * error * error


@numba.njit(cache=True, nogil=True, fastmath=True)
def _step(cost, new, costs, before, branch, second):
    """One step of Viterbi: the cheaper of the two ways into each state. Gives the least cost."""
    least = _FAR
    for t in range(_STATES):
        one = cost[before[t, 0]] + costs[branch[t, 0]]
        two = cost[before[t, 1]] + costs[branch[t, 1]]
        second[t] = two < one
        new[t] = min(one, two)
        least = min(least, new[t])
    return least


@numba.njit(cache=True, nogil=True)
def _search(residual, rows, weight, small, table_bits, start, radius, shift, skip, inwards, state, symbols, which):
    """Viterbi over one block. Fills symbols and which; gives the last state."""
    n = residual.size
    cost, new = np.full(_STATES, _FAR, np.float32), np.empty(_STATES, np.float32)
    cost[state] = 0
    second, sizes = np.zeros((n, _STATES), np.bool_), np.zeros((n, 4), np.int32)
    costs = np.zeros(4, np.float32)
    for i in range(n):
        if skip[rows[i]]:
            continue
        value, row, negative = abs(residual[i]), rows[i], residual[i] < 0
        for q in range(2):  # for each quantiser the best even and the best odd symbol around the value; 0 is even
            table = row + q * LATENT_TABLES
            below = min(np.int64((value / _HALF + q) / np.float32(2)), MAX_MAGNITUDE - 2)
            for size in (below, below + 1):
                bits = (
                    small[table, np.int64(negative), size]
                    if size < _SMALL
                    else _symbol_bits(size, negative, table, table_bits, start, radius, shift)
                )
                sizes[i, 2 * q + (size & 1)] = size
                costs[2 * q + (size & 1)] = bits + _error(value, size, q, row, weight[i], inwards)
            if below > 0:
                zero = small[table, 0, 0] + _error(value, 0, q, row, weight[i], inwards)
                if zero < costs[2 * q]:
                    sizes[i, 2 * q], costs[2 * q] = 0, zero
        least = _step(cost, new, costs, _BEFORE, _BRANCH, second[i])
        for t in range(_STATES):  # costs stay small, so that float32 keeps their differences
            cost[t] = new[t] - least
    last = np.int64(np.argmin(cost))
    s = last
    for i in range(n - 1, -1, -1):
        if not skip[rows[i]]:
            way = np.int64(second[i, s])
            branch, s = _BRANCH[s, way], _BEFORE[s, way]
            which[i] = branch >> 1
            symbols[i] = -sizes[i, branch] if residual[i] < 0 else sizes[i, branch]
    return last

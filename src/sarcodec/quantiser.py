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
_CHOICES = 3  # candidates a quantiser: the two places around the value, and 0
_FAR = np.float32(1e30)
_BLOCK = 1 << 16  # the path is decided in blocks of so many symbols, to bound memory


@dataclass(frozen=True, eq=False)
class Quantiser:
    """Chooses symbols under a model's tables; centroids (256, 8) uint8 in 1/32 step."""

    tables: FrozenTables
    centroids: np.ndarray

    @cached_property
    def _bits(self) -> np.ndarray:
        return bits(self.tables).astype(np.float32)

    @cached_property
    def _inwards(self) -> np.ndarray:
        return self.centroids.astype(np.float32) / (1 << FRACTION_BITS)

    def choose(self, residual: np.ndarray, rows: np.ndarray, weight: np.ndarray, state: int):
        """residual, rows (cells, channels), weight (channels,): (channel step / step)^2, the trellis state at the start
        -> symbols and quantisers of that shape, int64, the state at the end."""
        shape, t = residual.shape, self.tables
        residual = np.ascontiguousarray(residual, np.float32).reshape(-1)
        weights = np.broadcast_to(np.float32(ERROR_WEIGHT) * weight.astype(np.float32), shape).reshape(-1)
        rows = np.ascontiguousarray(rows, np.int32).reshape(-1)
        symbols, which = np.zeros(residual.size, np.int64), np.zeros(residual.size, np.int64)
        for begin in range(0, residual.size, _BLOCK):
            part = slice(begin, begin + _BLOCK)
            state = _search(residual[part], rows[part], weights[part], self._bits, t.start, t.radius, t.shift, t.skip, self._inwards,
                            int(state), symbols[part], which[part])
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
def _candidates(value, negative, row, weight, table_bits, start, radius, shift, inwards, sizes, costs):
    """Fills sizes and costs (2, 3): for each quantiser the places below and above the value, and 0."""
    for q in range(2):
        below = np.int64(np.floor((value / _HALF + q) / np.float32(2)))
        below = min(below, MAX_MAGNITUDE - 2)
        for j in range(_CHOICES):
            size = 0 if j == 2 else below + j
            sizes[q, j] = size
            if (j == 2 and below == 0) or size < 0:
                costs[q, j] = _FAR  # 0 is there already
                continue
            at = 2 * size - q if size else 0
            error = value - (at * _HALF - inwards[row, min(at, CENTROIDS - 1)] if at else np.float32(0))
            costs[q, j] = weight * error * error + _symbol_bits(size, negative, row + q * LATENT_TABLES, table_bits, start, radius,
                                                                shift)


@numba.njit(cache=True, nogil=True)
def _search(residual, rows, weight, table_bits, start, radius, shift, skip, inwards, state, symbols, which):
    """Viterbi over one block. Fills symbols and which; gives the last state."""
    n = residual.size
    cost, new = np.full(_STATES, _FAR, np.float64), np.empty(_STATES, np.float64)
    cost[state] = 0
    came, chose = np.zeros((n, _STATES), np.int8), np.zeros((n, _STATES), np.int32)
    sizes, costs = np.zeros((2, _CHOICES), np.int64), np.zeros((2, _CHOICES), np.float32)
    for i in range(n):
        if skip[rows[i]]:
            for s in range(_STATES):
                came[i, s] = s
            continue
        value = abs(residual[i])
        _candidates(value, residual[i] < 0, rows[i], weight[i], table_bits, start, radius, shift, inwards, sizes, costs)
        new[:] = _FAR
        for s in range(_STATES):
            if cost[s] < _FAR:
                q = QUANTISER[s]
                for j in range(_CHOICES):
                    total, to = cost[s] + costs[q, j], NEXT_STATE[s, sizes[q, j] & 1]
                    if total < new[to]:
                        new[to], came[i, to], chose[i, to] = total, s, sizes[q, j]
        least = new.min()
        for s in range(_STATES):
            cost[s] = new[s] - least if new[s] < _FAR else _FAR
    last = np.argmin(cost)
    s = last
    for i in range(n - 1, -1, -1):
        size, s = chose[i, s], came[i, s]
        if not skip[rows[i]]:
            which[i] = QUANTISER[s]
            symbols[i] = -size if residual[i] < 0 else size
    return last

"""The encoder's choice of symbols: of the nearest and the next nearer to 0, the one of least bits + weight * squared error.

In: residuals in steps, table numbers, the model's tables and centroids; out: symbols. Decoders know nothing of it: any
choice decodes, this one is about 4 % smaller than rounding at the same error. Floats are allowed here.
"""
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np

from sarcodec.bitstream.prior import CENTROIDS, FRACTION_BITS
from sarcodec.bitstream.tables import MAX_MAGNITUDE, FrozenTables, bits

# Bits that one squared step of error is worth, where a channel's step is the step of its index. A uniform quantiser at high
# rate has 8.66 (see train.loss); 6 to 7.5 gave the smallest files at equal error on development places (docs/log.md).
ERROR_WEIGHT = 7.0


@dataclass(frozen=True, eq=False)
class Quantiser:
    """Chooses symbols under a model's tables; centroids (tables, 4) uint8 in 1/32 step."""

    tables: FrozenTables
    centroids: np.ndarray

    @cached_property
    def _bits(self) -> np.ndarray:
        return bits(self.tables).astype(np.float32)

    def choose(self, residual: np.ndarray, rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """residual, rows (cells, channels), weight (channels,): (channel step / step)^2 -> symbols, int64."""
        t, symbols = self.tables, np.empty(residual.shape, np.int64)
        inwards = self.centroids.astype(np.float32) / (1 << FRACTION_BITS)
        _choose(residual.astype(np.float32), rows, (ERROR_WEIGHT * weight).astype(np.float32), self._bits, t.start, t.radius, t.shift,
                t.skip, inwards, symbols)
        return symbols


@numba.njit(cache=True, nogil=True)
def _cost(size, negative, residual, weight, row, table_bits, start, radius, shift, inwards):
    symbol = -size if negative else size
    coded = symbol >> shift[row]
    place = 2 * abs(coded) - (1 if coded < 0 else 0)
    escape = 2 * np.int64(radius[row]) + 1
    error = residual - (size - inwards[row, min(size, CENTROIDS - 1)] if size else np.float32(0))
    return table_bits[start[row] + min(place, escape)] + weight * error * error


@numba.njit(cache=True, nogil=True)
def _choose(residual, rows, weight, table_bits, start, radius, shift, skip, inwards, symbols):
    for i in range(residual.shape[0]):
        for j in range(residual.shape[1]):
            row, value = rows[i, j], abs(residual[i, j])
            negative = residual[i, j] < 0
            size = np.int64(min(np.floor(value + np.float32(0.5)), np.float32(MAX_MAGNITUDE - 1)))
            if skip[row] or size == 0:
                symbols[i, j] = 0
                continue
            best, least = size, _cost(size, negative, value, weight[j], row, table_bits, start, radius, shift, inwards)
            for other in (size - 1, 0):
                cost = _cost(other, negative, value, weight[j], row, table_bits, start, radius, shift, inwards)
                if cost < least and size - other <= 2:
                    best, least = other, cost
            symbols[i, j] = -best if negative else best

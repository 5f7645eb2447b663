"""What the trellis is offered for each residual: four branches, one a class, and what each of them costs, in whole numbers.

In: residuals in steps, table numbers, weights of errors; out: costs, and the symbols that they stand for. Knows nothing of paths.

A place p >= 0 on the grid of half steps is of class p mod 4: that of quantiser p mod 2, and of even symbols in classes 0 and 3. Any four
places in a row are of all four classes; the place -1 stands for the symbol 0 of quantiser 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sarcodec.entropy.prior import CENTROIDS, FRACTION_BITS, LATENT_TABLES
from sarcodec.entropy.tables import FrozenTables, bits, symbol_index
from sarcodec.entropy.trellis import HALF_STEP

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

UNITS: Final = 64  # a bit
FRACTION: Final = 256  # of a step, in which residuals and places are measured
HALF: Final = HALF_STEP * FRACTION >> FRACTION_BITS
LIMIT: Final = 4095  # a branch costs at most so much more than the cheapest of its four
LARGEST: Final = np.float32(2e7)  # residuals in steps: beyond, no symbol that may be coded is near
HEAVIEST: Final = np.float32(128)  # weights, in 1/64 bit for the square of 1/256 step
DEAR: Final = np.float32(1 << 29)
NEAR: Final = 32  # half steps of |residual| that `PriceList.near` reaches to
_OUT_OF_REACH = 1 << 30


@dataclass(frozen=True, eq=False)
class Offers:
    """Of n residuals. costs (n, 4) by class, above the cheapest, int64. below (n,): half steps below |residual|; zero (n, 4): where a class offers 0."""

    costs: Integers
    below: Integers
    zero: Bools
    negative: Bools

    def symbols(self, part: slice, classes: Integers) -> Integers:
        """The symbols of chosen classes (n,) in a part of the residuals."""
        place = _of_class(self.below[part], classes.astype(np.int64))
        size = np.where(self.zero[part][np.arange(len(place)), classes], 0, (place + (classes & 1)) >> 1)
        return np.where(self.negative[part], -size, size)


@dataclass(frozen=True, eq=False)
class PriceList:
    """A model's tables as costs. price int16 (entries of `cumulative`): 1/64 bits of a symbol, raw and escape bits not counted."""

    tables: FrozenTables
    centroids: Integers
    price: Integers
    arrays: tuple[Integers, ...]

    @classmethod
    def of(cls, tables: FrozenTables, centroids: Integers) -> PriceList:
        """centroids (256, 8) uint8 in 1/32 step."""
        price = np.rint(bits(tables) * UNITS).astype(np.int16)
        plain = cls(tables, np.ascontiguousarray(centroids, np.uint8), price, ())
        return cls(tables, plain.centroids, price, (*plain._near(), price, tables.layout, plain.centroids))

    def offers(self, residual: Floats, rows: Integers, weights: Floats) -> Offers:
        """residual in steps and weights float32, rows of tables that code, all (n,); weights: bits of a squared step."""
        size = np.abs(residual)
        size = np.where(size < LARGEST, size, LARGEST) * np.float32(FRACTION) + np.float32(0.5)
        value, negative = size.astype(np.int64), residual < 0
        weights = np.minimum(scaled_weights(weights), HEAVIEST)
        rows, below = rows.astype(np.int64), value // HALF
        classes = np.arange(4)
        place = _of_class(below[:, None], classes)
        cost = self.bits(rows[:, None] + LATENT_TABLES * (classes & 1), (place + (classes & 1)) >> 1, negative[:, None])
        cost = cost + _squared(
            (value[:, None] - self.stands(rows[:, None], place)).astype(np.float32), weights[:, None]
        )
        zero = self.zero[rows] + _squared(value.astype(np.float32), weights)[:, None]
        cheaper = zero < cost
        cost = np.where(cheaper, zero, cost)
        cost = (cost - cost.min(1, keepdims=True)) >> _coarse(weights)
        return Offers(np.minimum(cost, LIMIT), below, cheaper, negative)

    def bits(self, rows: Integers, size: Integers, negative: Bools) -> Integers:
        """1/64 bits of symbols under tables; raw low bits, the same for all choices of a value, are left out."""
        index = symbol_index(np.where(negative, -size, size) >> self.tables.shift[rows].astype(np.int64))
        escape = 2 * self.tables.radius[rows].astype(np.int64) + 1
        excess = np.maximum(index - escape + 1, 1)
        gamma = np.where(index < escape, 0, 2 * np.floor(np.log2(excess)).astype(np.int64) + 1)
        found: Integers = self.price[self.tables.start[rows] + np.minimum(index, escape)] + UNITS * gamma
        return found

    def stands(self, rows: Integers, place: Integers) -> Integers:
        """Where the values of places lie, in 1/256 step."""
        inwards = self.centroids[rows, np.clip(place, 0, CENTROIDS - 1)].astype(np.int64)
        return np.where(place > 0, HALF * place - (inwards * FRACTION >> FRACTION_BITS), 0)

    @property
    def zero(self) -> Integers:
        """Bits of 0 by table of quantiser 0 and class, int32 (256, 4); where a class has no 0, out of reach."""
        found: Integers = self.arrays[1]
        return found

    def _near(self) -> tuple[Integers, Integers]:
        """Bits and values of what small residuals are offered, (256, sign, NEAR, 2, 4) int16, and `zero`."""
        coded = np.flatnonzero(~self.tables.skip[:LATENT_TABLES])
        rows, negative = coded[:, None, None, None], np.array([False, True])[:, None, None]
        classes = np.arange(4)
        kind, place = classes & 1, _of_class(np.arange(NEAR)[:, None], classes)
        near = np.zeros((LATENT_TABLES, 2, NEAR, 2, 4), np.int16)
        near[coded, :, :, 0] = self.bits(rows + LATENT_TABLES * kind, (place + kind) >> 1, negative)
        near[coded, :, :, 1] = self.stands(rows, place)
        zero = np.full((LATENT_TABLES, 4), _OUT_OF_REACH, np.int32)
        for quantiser, column in enumerate((0, 3)):
            zero[coded, column] = self.price[self.tables.start[coded + LATENT_TABLES * quantiser]]
        return near, zero


def scaled_weights(weights: Floats) -> Floats:
    """Bits of a squared step -> 1/64 bits of the square of 1/256 step, float32; exact, by a power of two."""
    return weights.astype(np.float32) * np.float32(UNITS / FRACTION**2)


def _of_class(below: Integers, classes: Integers) -> Integers:
    """The place of a class among below - 1 to below + 2."""
    first = below - 1
    place: Integers = first + ((classes - first) & 3)
    return place


def _squared(error: Floats, weights: Floats) -> Integers:
    found: Integers = np.minimum(error * error * weights, DEAR).astype(np.int64)
    return found


def _coarse(weights: Floats) -> int:
    """By how many bits costs are made coarser, so that the heaviest errors keep their differences below the limit."""
    worst, coarse = np.float32(weights.max(initial=0)) * np.float32(4 * HALF * HALF), 0
    while worst > np.float32(3072 << coarse):
        coarse += 1
    return coarse

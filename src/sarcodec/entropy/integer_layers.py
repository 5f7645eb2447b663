"""Integer networks in numpy float32: matrix products whose every partial sum is a whole number below 2^24, hence exact.

In: activations 0..255 or features -127..127 as float32 whole numbers; out: the same, or int64 means and scales. A float32
product of whole numbers below 2^24 is exact in any order, with any number of threads and with or without fused
multiply-add; `check_bound` proves the bound when a layer is made. native/products.c computes the same in int16 and int32.
Knows no file, no tile and no entropy coder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import ModelError

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers, Wholes

EXACT_LIMIT = 1 << 24
WEIGHT_MAX = (1 << 15) - 1
ACTIVATION_MAX = 255
KNOT_SPACING = 64


@dataclass(frozen=True)
class Requantiser:
    """Turns a sum into an activation: floor((sum + 2^(k-1)) / 2^k) between 0 and 255, k by output channel."""

    exponent: Integers  # int (out,), k >= 1
    half: Floats = field(init=False, repr=False, compare=False)
    scale: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "half", np.exp2(self.exponent - 1.0).astype(np.float32))
        object.__setattr__(self, "scale", np.exp2(-self.exponent.astype(np.float64)).astype(np.float32))

    def __call__(self, total: Floats) -> Floats:
        """Whole numbers (n, out) float32 below 2^24 in size -> activations (n, out) float32; overwrites `total`."""
        total += self.half
        total *= self.scale
        np.floor(total, out=total)
        return np.clip(total, 0, ACTIVATION_MAX, out=total)


def check_bound(
    name: str, weights: Sequence[Wholes], input_max: Sequence[int], bias: Wholes, exponent: Integers
) -> None:
    """ModelError unless |bias| + sum |w| * max |x| + rounding stays below 2^24 for every output channel, |w| < 2^15 and k >= 1.

    weights: whole numbers (inputs, out); input_max: the largest size of the inputs of each; bias (out,) or (out, n).
    """
    if int(exponent.min()) < 1:
        raise ModelError(
            f"layer {name} has an exponent of {exponent.min()}, expected 1 or more; install the model again"
        )
    worst = np.abs(bias.reshape(len(exponent), -1).astype(np.int64)).max(1) + (
        1 << np.maximum(exponent - 1, 0).astype(np.int64)
    )
    for w, limit in zip(weights, input_max, strict=True):
        size = np.abs(w.astype(np.int32))
        if int(size.max(initial=0)) > WEIGHT_MAX:
            raise ModelError(
                f"layer {name} has a weight of {size.max()}, expected at most {WEIGHT_MAX} in size; the model is damaged or was frozen wrongly"
            )
        worst = worst + size.sum(0, dtype=np.int64) * limit
    if int(worst.max()) >= EXACT_LIMIT:
        raise ModelError(
            f"layer {name} can reach {int(worst.max())}, exact arithmetic needs less than 2^24 = {EXACT_LIMIT}; "
            "the model is damaged or was frozen wrongly"
        )


@dataclass(frozen=True)
class Layer:
    """A dense layer over cells (a 1x1 or, on gathered neighbours, a 3x3 convolution). weight (inputs, out), bias (out,)."""

    name: str
    weight: Integers  # int16
    bias: Integers  # int32
    exponent: Integers  # int32
    input_max: int

    def __post_init__(self) -> None:
        check_bound(self.name, [self.weight], [self.input_max], self.bias, self.exponent)
        for name, dtype in (("weight", np.int16), ("bias", np.int32), ("exponent", np.int32)):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype))

    @cached_property
    def requantise(self) -> Requantiser:
        """What makes activations of sums."""
        return Requantiser(self.exponent)

    @cached_property
    def _floats(self) -> tuple[Floats, Floats]:
        return self.weight.astype(np.float32), self.bias.astype(np.float32)

    def total(self, x: Floats) -> Floats:
        """x (n, inputs) whole numbers -> exact sums (n, out), float32."""
        weight, bias = self._floats
        return x @ weight + bias

    def activate(self, x: Floats) -> Floats:
        """x (n, inputs) -> activations 0..255 (n, out), float32."""
        return self.requantise(self.total(x))

    def rounded(self, x: Floats) -> Integers:
        """x (n, inputs) -> floor(sum / 2^k + 1/2) (n, out), int64, not clipped."""
        return np.floor((self.total(x) + self.requantise.half) * self.requantise.scale).astype(np.int64)


def at_step(knots: Integers, step: int) -> Integers:
    """A table (..., 11) of whole numbers, linear between knots 64 steps apart, at step index 0..639: floor, int64."""
    knot, part = divmod(int(step), KNOT_SPACING)
    low, high = knots[..., knot].astype(np.int64), knots[..., knot + 1].astype(np.int64)
    return (low * (KNOT_SPACING - part) + high * part) >> 6


def neighbours(rows: int, cols: int) -> Integers:
    """Places of each cell's 3x3 neighbourhood in a map padded by one: int (rows * cols, 9), row by row."""
    width = cols + 2
    centre = (np.arange(rows)[:, None] + 1) * width + np.arange(cols)[None] + 1
    offsets = (np.arange(3)[:, None] - 1) * width + np.arange(3)[None] - 1
    return centre.reshape(-1, 1) + offsets.reshape(1, 9)


def padded(x: Floats, rows: int, cols: int) -> Floats:
    """(rows * cols, c) -> ((rows + 2) * (cols + 2), c) with zeros around."""
    out = np.zeros((rows + 2, cols + 2, x.shape[1]), np.float32)
    out[1:-1, 1:-1] = x.reshape(rows, cols, -1)
    return out.reshape(-1, x.shape[1])


def gather(x_padded: Floats, places: Integers) -> Floats:
    """Rows of a padded map at places (n, 9) -> (n, 9 * c), tap by tap."""
    return x_padded[places].reshape(len(places), places.shape[1] * x_padded.shape[1])


def shuffle_up(x: Floats, rows: int, cols: int) -> Floats:
    """Depth to space by two: (rows * cols, 4 c) with channel order c * 4 + (row, col) -> (4 * rows * cols, c)."""
    c = x.shape[1] // 4
    return x.reshape(rows, cols, c, 2, 2).transpose(0, 3, 1, 4, 2).reshape(4 * rows * cols, c)

"""The hyper analysis: the one float network of the codec, which only the encoder runs. Matrix products of numpy.

In: features of a tile's cells; out: what the hyper symbols are rounded from. Nothing that decides which bits are read comes through here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import ModelError

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

INPUTS, WIDTH, OUTPUTS = 1041, 192, 24
_SHAPES = {
    "first.weight": (WIDTH, INPUTS),
    "first.bias": (WIDTH,),
    "inner.weight": (WIDTH, WIDTH, 3, 3),
    "inner.bias": (WIDTH,),
    "outer.weight": (WIDTH, WIDTH, 3, 3),
    "outer.bias": (WIDTH,),
    "last.weight": (OUTPUTS, WIDTH, 2, 2),
    "last.bias": (OUTPUTS,),
}


@dataclass(frozen=True, eq=False)
class HyperAnalysis:
    """Weights float32, inputs before outputs, each 3 x 3 or 2 x 2 neighbourhood in one row: place by place, channels within."""

    first: tuple[Floats, Floats]
    inner: tuple[Floats, Floats]
    outer: tuple[Floats, Floats]
    last: tuple[Floats, Floats]

    @classmethod
    def of(cls, arrays: dict[str, Floats]) -> HyperAnalysis:
        """From the arrays of a published model. Raises ModelError where one is missing, has another shape, or is not finite."""
        for name, shape in _SHAPES.items():
            found = arrays.get(name)
            if found is None or found.shape != shape or not np.isfinite(found).all():
                told = "missing" if found is None else f"{found.dtype} of shape {found.shape}"
                raise ModelError(
                    f"the hyper analysis has {name} {told}, expected finite {shape}; install the model again"
                )
        return cls(*(_layer(arrays, name) for name in ("first", "inner", "outer", "last")))

    def __call__(self, features: Floats) -> Floats:
        """Features (rows, cols, 1041) float32, both even -> (rows / 2, cols / 2, 24) float32."""
        x = np.maximum(_times(features, self.first), 0)
        x = x + _times(_around(np.maximum(_times(_around(x), self.inner), 0)), self.outer)
        rows, cols, _ = x.shape
        squares = x.reshape(rows // 2, 2, cols // 2, 2, WIDTH).transpose(0, 2, 1, 3, 4)
        return _times(squares.reshape(rows // 2, cols // 2, 4 * WIDTH), self.last)


def _layer(arrays: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    weight, bias = (arrays[f"{name}.{part}"].astype(np.float32) for part in ("weight", "bias"))
    if weight.ndim == 4:
        weight = weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)
    return np.ascontiguousarray(weight.T), bias


def _times(x: Floats, layer: tuple[Floats, Floats]) -> Floats:
    weight, bias = layer
    rows, cols, inputs = x.shape
    return (x.reshape(rows * cols, inputs) @ weight + bias).reshape(rows, cols, len(bias))


def _around(x: Floats) -> Floats:
    """(rows, cols, c) -> (rows, cols, 9 c): the 3 x 3 neighbourhood of each place, 0 beyond the edge."""
    rows, cols, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    return np.concatenate([padded[i : i + rows, j : j + cols] for i in range(3) for j in range(3)], axis=2)

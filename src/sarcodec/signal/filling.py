"""Smooth values where pixels are invalid, so that they cost few bits. In: levels and a mask; out: levels. Knows no tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.native import filling as kernel

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats


def fill_invalid(level_db: Floats, valid: Bools) -> Floats:
    """Levels (rows, cols) with smooth values where invalid, so that they cost few bits; valid ones are untouched.

    Push and pull: masked means of 2x2 until no cell is empty, then up again by linear interpolation (Gortler et al.,
    The Lumigraph, 1996). 0 dB everywhere if nothing is valid. Returns a new array unless all is valid.
    """
    if valid.all():
        return level_db
    if not native.available() or level_db.dtype != np.float32:
        return filled(level_db, valid)
    out = np.empty(level_db.shape, np.float32)
    kernel.fill(np.ascontiguousarray(level_db), np.ascontiguousarray(valid), out)
    return out


def filled(level_db: Floats, valid: Bools) -> Floats:
    """The same in NumPy."""
    if valid.all():
        return level_db
    if not valid.any():
        return np.zeros_like(level_db)
    coarse = filled(*_halve(level_db, valid))
    return np.where(valid, level_db, _double(coarse, level_db.shape))


def _halve(level_db: Floats, valid: Bools) -> tuple[Floats, Bools]:
    """Mean of the valid levels of each 2x2, and where there is one. An odd edge counts as followed by invalid."""
    # A quarter before the sum: four of the largest floats must not overflow.
    levels = np.where(valid, level_db * np.float32(0.25), np.float32(0))
    weights = valid.astype(np.float32) * np.float32(0.25)
    for axis in (0, 1):
        levels, weights = _sum_pairs(levels, axis), _sum_pairs(weights, axis)
    present = weights > 0
    return np.divide(levels, weights, out=np.zeros_like(levels), where=present), present


def _sum_pairs(values: Floats, axis: int) -> Floats:
    if values.shape[axis] % 2:
        values = np.pad(values, [(0, int(which == axis)) for which in (0, 1)])
    return values[::2] + values[1::2] if axis == 0 else values[:, ::2] + values[:, 1::2]


def _double(coarse: Floats, shape: tuple[int, int]) -> Floats:
    """Twice the size by linear interpolation (weights 3/4 and 1/4, edges held), cut to `shape`."""
    for axis in (0, 1):
        coarse = _double_axis(coarse, axis)
    return coarse[: shape[0], : shape[1]]


def _double_axis(values: Floats, axis: int) -> Floats:
    padded = np.pad(values, [(int(which == axis),) * 2 for which in (0, 1)], mode="edge") * np.float32(0.25)
    before, after = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
    centre = values * np.float32(0.75)
    return np.stack([centre + before, centre + after], axis + 1).reshape(
        [size * (2 if which == axis else 1) for which, size in enumerate(values.shape)]
    )

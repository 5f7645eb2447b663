"""Least squares for values at a few knots, between which a law is linear. NumPy; knows no picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Floats


def hats(places: Floats, knots: Floats) -> Floats:
    """How much each knot has of each place (n, knots): linear between them, all of it beyond the outermost ones."""
    at = np.interp(places, knots, np.arange(len(knots)))
    found: Floats = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(len(knots))))
    return found


def held(matrix: Floats, right: Floats, weight: float, target: float, hold: float) -> Floats:
    """Values at knots, where the sums of weights and targets have these normal equations, held a little to the ratio of all."""
    each = hold * max(weight, 1e-12) / len(right)
    return np.linalg.solve(matrix + each * np.eye(len(right)), right + each * target / max(weight, 1e-12))

"""The invalid pixels of a reduced picture (docs/format.md, 17.4): which they are, and the bit pattern that each of them takes.

In: pixels and a map of the valid ones, out: the same at a fraction of the resolution. Knows no reason why a pixel is invalid, and no section.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Integers, Pixels


def reduced_invalid(pixels: Pixels, valid: Bools, side: int) -> tuple[Bools, Pixels]:
    """Which squares of side x side hold a valid pixel, and pixels: where they hold none the pattern that most of theirs have, the smallest of
    equally many; 0 elsewhere."""
    rows, cols = (np.arange(0, length, side) for length in valid.shape)
    if valid.all():
        shape = rows.size, cols.size
        return np.ones(shape, bool), np.zeros(shape, pixels.dtype)
    found: Bools = np.logical_or.reduceat(np.logical_or.reduceat(valid, rows, axis=0), cols, axis=1)
    reduced = np.zeros(found.shape, pixels.dtype)
    if not found.all():
        bits = np.dtype(f"u{pixels.itemsize}")
        reduced.view(bits)[~found] = _commonest(pixels.view(bits), ~found, side)
    return found, reduced


def _commonest(patterns: Integers, chosen: Bools, side: int) -> Integers:
    """The most frequent number of each chosen square (n,)."""
    squares = np.argwhere(chosen) * side
    firsts: Integers = patterns[squares[:, 0], squares[:, 1]]
    whole = np.repeat(np.repeat(chosen, side, 0), side, 1)[: patterns.shape[0], : patterns.shape[1]]
    if (patterns[whole] == firsts[0]).all():  # nearly always
        return firsts
    cut = [patterns[row : row + side, col : col + side].reshape(-1) for row, col in squares]
    return np.array([_mode(square) for square in cut], patterns.dtype)


def _mode(numbers: NDArray[Any]) -> Any:
    values, counts = np.unique(numbers, return_counts=True)
    return values[np.argmax(counts)]


def middle_pixels(pixels: Pixels, side: int) -> Pixels:
    """The pixel at the middle of each square of side x side, cut at the ends: row and column (length // 2) of it."""
    rows, cols = (_middles(length, side) for length in pixels.shape)
    found: Pixels = pixels[np.ix_(rows, cols)]
    return found


def _middles(length: int, side: int) -> Integers:
    begins = np.arange(0, length, side)
    found: Integers = begins + np.minimum(side, length - begins) // 2
    return found


def largest_values(values: Pixels, side: int) -> Pixels:
    """The largest value of each square: of a mask, 0 where all of it is masked."""
    rows, cols = (np.arange(0, length, side) for length in values.shape)
    found: Pixels = np.maximum.reduceat(np.maximum.reduceat(values, rows, axis=0), cols, axis=1)
    return found

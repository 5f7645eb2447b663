"""Randomness in absolute coordinates: integer hashes, smooth noise and nearest seeds on one `Cell` of CELL x CELL
pixels.

Everything is a function of (key, absolute row, absolute column) alone, so that a cell can be computed without any other
and every window agrees with the whole. Knows nothing of radar or land.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers, Wholes

CELL = 128


@dataclass(frozen=True)
class Cell:
    """Square of CELL x CELL pixels whose first pixel is (`row`, `col`), both multiples of CELL (negative ones too)."""

    row: int
    col: int

    @property
    def rows(self) -> Floats:
        """Absolute rows, (CELL, 1) float32."""
        return np.arange(self.row, self.row + CELL, dtype=np.float32)[:, None]

    @property
    def cols(self) -> Floats:
        """Absolute columns, (1, CELL) float32."""
        return np.arange(self.col, self.col + CELL, dtype=np.float32)[None, :]


@dataclass(frozen=True)
class Seeds:
    """Nearest seed of every pixel: `index` (CELL, CELL) into the seeds' `ids` (uint32) and places `rows`, `cols`
    (float32)."""

    index: Integers
    ids: Integers
    rows: Floats
    cols: Floats


def hashed(key: int, first: Wholes, second: Wholes) -> Integers:
    """uint32 hash of two integer arrays (broadcast; any sign) under `key`: multiply, mix with the finaliser of
    MurmurHash3."""
    mixed = np.atleast_1d(first).astype(np.int64).astype(np.uint32) * np.uint32(0x9E3779B1)
    mixed = (mixed ^ np.uint32(key & 0xFFFFFFFF)) * np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(15)
    mixed = mixed + np.atleast_1d(second).astype(np.int64).astype(np.uint32) * np.uint32(0xC2B2AE3D)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def uniform(hashes: Integers, draw: int = 0) -> Floats:
    """Hashes (uint32) -> float32 in [0, 1); `draw` 0, 1, 2, ... gives as many independent numbers from one hash as
    wanted."""
    if draw:
        hashes = (hashes ^ np.uint32((draw * 0x27D4EB2F) & 0xFFFFFFFF)) * np.uint32(0x165667B1)
        hashes = hashes ^ (hashes >> np.uint32(15))
        hashes = hashes * np.uint32(0x85EBCA77)
    return (hashes >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def normal(hashes: Integers, draw: int = 0) -> Floats:
    """About normal (sum of four uniforms), float32, mean 0, variance 1, never beyond 3.5."""
    first, *others = (uniform(hashes, 4 * draw + step + 1) for step in range(4))
    return (sum(others, first) - np.float32(2)) * np.float32(np.sqrt(3))


def noise(cell: Cell, scale: int, key: int) -> Floats:
    """Smooth noise (CELL, CELL) float32 of mean 0 and variance about 1; details of `scale` pixels (a power of two)."""
    across = _spline(scale, cell.col % scale)[0]
    return _spline(scale, cell.row % scale)[0] @ _lattice(cell, scale, key) @ across.T


def noise_gradient(cell: Cell, scale: int, key: int) -> tuple[Floats, Floats, Floats]:
    """As `noise`, with its derivatives per pixel down the rows and along the columns."""
    down, down_slope = _spline(scale, cell.row % scale)
    across, across_slope = _spline(scale, cell.col % scale)
    lattice = _lattice(cell, scale, key)
    held = lattice @ across.T
    return down @ held, down_slope @ held, down @ (lattice @ across_slope.T)


def fractal(cell: Cell, scale: int, octaves: int, key: int, gain: float = 0.5) -> Floats:
    """Octaves of `noise` from `scale` downwards, each `gain` times the one before; variance about 1."""
    total = np.zeros((CELL, CELL), np.float32)
    for octave in range(octaves):
        total += np.float32(gain**octave) * noise(cell, max(scale >> octave, 1), key + 7919 * octave)
    return total / np.float32(np.sqrt(sum(gain ** (2 * octave) for octave in range(octaves))))


def level_line_px(cell: Cell, scale: int, key: int) -> Floats:
    """Signed distance in pixels (to first order) to the zero lines of `noise`: long winding lines, as rivers and roads
    are."""
    value, down, across = noise_gradient(cell, scale, key)
    return value / np.sqrt(down * down + across * across + np.float32(0.04 / scale**2))


def nearest_seeds(cell: Cell, spacing: int, key: int, wander_px: float = 0.0) -> Seeds:
    """Voronoi parcels of jittered seeds, one a `spacing` x `spacing` square; `wander_px` bends their borders."""
    margin = 4 * wander_px
    (first_row, last_row), (first_col, last_col) = (
        (int((start - margin) // spacing) - 2, int((start + CELL + margin) // spacing) + 2)
        for start in (cell.row, cell.col)
    )
    down, across = (axis.ravel() for axis in np.mgrid[first_row : last_row + 1, first_col : last_col + 1])
    ids = hashed(key, down, across)
    seed_rows = ((down + 0.1 + 0.8 * uniform(ids, 1)) * spacing).astype(np.float32)
    seed_cols = ((across + 0.1 + 0.8 * uniform(ids, 2)) * spacing).astype(np.float32)
    # A pixel's own square holds a seed at most 0.9 sqrt(2) spacings away, so farther ones never win; noise stays below
    # 3.7.
    aside = [
        np.maximum(np.abs(seeds - start - CELL / 2) - CELL / 2 - margin, 0)
        for seeds, start in ((seed_rows, cell.row), (seed_cols, cell.col))
    ]
    near = np.hypot(*aside) <= 1.28 * spacing
    ids, seed_rows, seed_cols = ids[near], seed_rows[near], seed_cols[near]
    rows, cols = cell.rows, cell.cols
    if wander_px:
        rows = rows + np.float32(wander_px) * noise(cell, 32, key + 11)
        cols = cols + np.float32(wander_px) * noise(cell, 32, key + 12)
    best = np.full((CELL, CELL), np.float32(1e12))
    index = np.zeros((CELL, CELL), np.intp)
    for number in range(ids.size):
        distance = np.square(rows - seed_rows[number]) + np.square(cols - seed_cols[number])
        closer = distance < best
        np.minimum(best, distance, out=best)
        index[closer] = number
    return Seeds(index, ids, seed_rows, seed_cols)


def _lattice(cell: Cell, scale: int, key: int) -> Floats:
    """Values at the nodes that the splines of this cell touch, scaled so that `noise` has variance 1."""
    count = _spline(scale, cell.row % scale)[0].shape[1], _spline(scale, cell.col % scale)[0].shape[1]
    nodes = [start // scale - 1 + np.arange(size) for start, size in zip((cell.row, cell.col), count, strict=True)]
    values = uniform(hashed(key * 31 + scale, nodes[0][:, None], nodes[1][None, :]))
    # A uniform number in -1..1 has variance 1/3; the mean square weight of cubic B-splines is 0.479 an axis.
    return (values * 2 - 1) * np.float32(np.sqrt(3) / 0.479)


@lru_cache(maxsize=256)
def _spline(scale: int, phase: int) -> tuple[Floats, Floats]:
    """Weights of the cubic B-spline and of its derivative, (CELL, nodes) float32; the first node is one before the
    first pixel's."""
    position = (phase + np.arange(CELL)) / scale
    base = np.floor(position).astype(int)
    t = position - base
    values = ((1 - t) ** 3 / 6, (3 * t**3 - 6 * t**2 + 4) / 6, (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6, t**3 / 6)
    slopes = (-((1 - t) ** 2) / 2, (3 * t**2 - 4 * t) / 2, (-3 * t**2 + 2 * t + 1) / 2, t**2 / 2)
    weights = np.zeros((2, CELL, base[-1] + 4), np.float32)
    pixel = np.arange(CELL)
    for offset in range(4):
        weights[0, pixel, base + offset] = values[offset]
        weights[1, pixel, base + offset] = slopes[offset] / scale
    return weights[0], weights[1]

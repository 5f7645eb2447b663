"""Bumps in dB that are put on decoded levels where a target stands: their shapes, and the image of a list of them.

In: positions, widths, amplitudes; out: dB at pixels, float32. Both sides need it; floating point, after the symbols (docs/format.md, 17.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.format.targets import BLOCK_PX, SIDE_BLOCKS, TargetLayer

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

REACH = 6  # px from the bump's pixel to the last one that it touches
SIDE = 2 * REACH + 1
UNIT_DB = 0.5
GAIN_WIDTHS_PX = (0.0, 1.1, 1.8, 2.8)  # full width at half height; 0 is a single pixel
ADDED_WIDTHS_PX = (0.0, 1.1, 1.5, 2.0, 2.6)  # of the power
QUARTERS_PX = (-0.375, -0.125, 0.125, 0.375)
FALL = np.float32(4 * np.log(2))


@lru_cache(maxsize=1)
def gain_shapes() -> Floats:
    """Heights of 1 of the gain bumps (4, 13, 13) float32."""
    return np.stack([_bell(width, 0.0, 0.0) for width in GAIN_WIDTHS_PX])


@lru_cache(maxsize=1)
def added_shapes() -> Floats:
    """Power of the bumps that are added, relative to the highest point (5, 4, 4, 13, 13) float32: width, quarter down, quarter right."""
    found = [[[_bell(w, down, right) for right in QUARTERS_PX] for down in QUARTERS_PX] for w in ADDED_WIDTHS_PX]
    return np.array(found, np.float32)


def _bell(width: float, down: float, right: float) -> Floats:
    """A Gaussian of that full width at half height around a place in the middle pixel; a single pixel for width 0."""
    place = np.arange(-REACH, REACH + 1)
    if not width:
        one: Floats = ((place[:, None] == 0) & (place == 0)).astype(np.float32)
        return one
    rows, cols = (np.exp(-FALL * np.square((place - shift) / width)) for shift in (down, right))
    bell: Floats = (rows[:, None] * cols).astype(np.float32)
    return bell


def added_db(amplitude_db: Floats, shape: Floats) -> Floats:
    """What a target of relative power `shape` adds to a ground that it stands above by `amplitude_db`; the shapes of both broadcast."""
    tenth = np.float32(np.log(10) / 10)
    found: Floats = np.log1p(np.expm1(np.asarray(amplitude_db, np.float32) * tenth) * shape) / tenth
    return found


@dataclass(frozen=True, eq=False)
class Bumps:
    """Bumps by pixel (n, 2), row and column, and their images (n, 13, 13) in dB, the pixel in the middle."""

    places: Integers
    images: Floats

    @classmethod
    def of(cls, places: Integers, added: Integers, widths: Integers, quarters: Integers, amplitudes: Integers) -> Bumps:
        """places, quarters (n, 2); added, widths, amplitudes (n,): as they are stored, amplitudes in half dB."""
        height = (amplitudes * np.float32(UNIT_DB)).astype(np.float32)[:, None, None]
        images = height * gain_shapes()[np.minimum(widths, len(GAIN_WIDTHS_PX) - 1)]
        some = added.astype(bool)
        images[some] = added_db(height[some], added_shapes()[widths[some], quarters[some, 0], quarters[some, 1]])
        return cls(places, images)

    def add_to(self, levels: Floats, corner: tuple[int, int] = (0, 0)) -> None:
        """Adds them to levels (rows, cols) whose first pixel lies at `corner` of what the places are counted in."""
        for (row, col), image in zip(self.places - corner, self.images):
            rows, inner_rows = _overlap(row, levels.shape[0])
            cols, inner_cols = _overlap(col, levels.shape[1])
            levels[rows, cols] += image[inner_rows, inner_cols]


def image_of(bumps: Sequence[Bumps], shape: tuple[int, int]) -> Floats | None:
    """All of them (rows, cols) in dB; None where there are none."""
    if not bumps:
        return None
    out = np.zeros(shape, np.float32)
    for some in bumps:
        some.add_to(out)
    return out


def bumps_of(layer: TargetLayer, levels: Floats) -> Bumps:
    """The bumps of a tile's layer. levels: the tile's least-error levels (rows, cols), in which blocks have their brightest pixel."""
    gains = [(*_brightest(levels, gain.block), False, gain.width, 0, 0, gain.amplitude) for gain in layer.gains]
    placed = [(*bump[:4], *bump.quarters, bump.amplitude) for bump in layer.placed]
    numbers = np.array(gains + placed, np.int64).reshape(-1, 7)
    return Bumps.of(numbers[:, :2], numbers[:, 2], numbers[:, 3], numbers[:, 4:6], numbers[:, 6])


def reaching(layer: TargetLayer, shift: tuple[int, int], shape: tuple[int, int]) -> TargetLayer:
    """A neighbour's bumps that reach into a tile of that shape, by the tile's pixels; shift: of the neighbour's corner. Those of blocks
    never do."""
    moved = (bump._replace(row=bump.row + shift[0], col=bump.col + shift[1]) for bump in layer.placed)
    near = (b for b in moved if all(-REACH <= n < side + REACH for n, side in zip((b.row, b.col), shape)))
    return TargetLayer((), tuple(near))


def _brightest(levels: Floats, block: int) -> tuple[int, int]:
    """Row and column of the first of a block's brightest pixels."""
    top, left = (BLOCK_PX * n for n in divmod(block, SIDE_BLOCKS))
    inside = levels[top : top + BLOCK_PX, left : left + BLOCK_PX]
    row, col = divmod(int(inside.argmax()), inside.shape[1])
    return top + row, left + col


def _overlap(place: int, size: int) -> tuple[slice, slice]:
    """Where a bump at `place` lies on an axis of `size` pixels, and which part of it; empty where nothing does."""
    first, last = max(0, place - REACH), min(size, place + REACH + 1)
    last = max(first, last)
    return slice(first, last), slice(first - place + REACH, last - place + REACH)

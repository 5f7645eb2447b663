"""Bumps that give a decoded tile's targets their energy back: which of the targets get one, and how it is addressed.

In: what was found in the original, what the tile decodes to, what was taken out before analysis; out: a `TargetLayer`. Floats; a reader
never runs this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.encoding.bump_fitting import Bump, BumpTile
from sarcodec.encoding.target_finding import Found
from sarcodec.format.targets import BLOCK_PX, MOST_BUMPS, SIDE_BLOCKS, BlockGain, Placed, TargetLayer
from sarcodec.native import targets as kernels

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

# Errors of a target's energy in dB, and the share of the tile's bits up to which bumps are spent on all that are off by more.
TOLERANCES_DB = ((0.2, 0.0075), (0.5, 0.0095), (1.0, 0.045), (1.5, 1.0))
BITS_A_GAIN = 13
LEAD_DB = 0.02  # by which a block's brightest pixel leads where a reader is to find it
SWEEPS, GAINS_A_TARGET = 3, 3
PLACED = -1  # a bump that is addressed by its pixel, in the place of a block's number


@dataclass(frozen=True, eq=False)
class Decoded:
    """What a tile decodes to, all (rows, cols) in dB relative to the band's level: found, in which a reader looks for the brightest pixels;
    levels, that the bumps are added to; own, where both are what a reader has."""

    found: Floats
    levels: Floats
    own: Bools


@dataclass(eq=False)
class TargetFit:
    """One tile's bumps. original (rows, cols) in dB relative to the band's level, -inf where it does not count; found: targets that lie in the tile, of which
    `taken` were taken out before analysis; used: blocks that have a bump."""

    original: Floats
    found: Found
    taken: Bools
    decoded: Decoded
    used: frozenset[int] = frozenset()
    bumps: Integers = field(default_factory=lambda: np.empty((0, len(Bump._fields)), np.int32))
    excesses: Floats = field(default_factory=lambda: np.empty(0))
    blocks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._at_rest = True
        self._tile = BumpTile.of(self.original, self.decoded.levels, self.decoded.own, self.found.ground)

    def run(self, bits: float) -> TargetLayer:
        """The layer of a tile whose latents take so many bits."""
        self._fit(self._given_back(), [PLACED] * int(np.count_nonzero(self.taken)))
        for _ in range(GAINS_A_TARGET):
            self._fit(*self._gains(bits))
        stored = [(Bump(*row), block) for row, block in zip(self.bumps.tolist(), self.blocks) if row[-1]]
        gains = [BlockGain(block, bump.width, bump.amplitude) for bump, block in stored if block != PLACED]
        placed = [_placed(bump) for bump, block in stored if block == PLACED]
        placed = sorted(placed, key=lambda bump: -abs(bump.amplitude))[:MOST_BUMPS]
        return TargetLayer(tuple(sorted(gains)), tuple(sorted(placed)))

    def _given_back(self) -> list[Bump]:
        """What was taken out, as it was."""
        found = self.found.chosen(self.taken)
        numbers = (found.widths[:, None], found.quarters, found.amplitudes[:, None])
        indexes, ones = np.flatnonzero(self.taken)[:, None], np.ones((len(found), 1), np.int64)
        return [Bump(*row) for row in np.hstack([found.places, found.places, indexes, ones, *numbers]).tolist()]

    def _fit(self, new: list[Bump], blocks: list[int]) -> None:
        """Adds bumps, and fits all; without new ones only where the last fit had not come to rest."""
        if not new and self._at_rest:
            return
        added = np.array(new, np.int32).reshape(-1, len(Bump._fields))
        self.bumps, self.blocks = np.vstack([self.bumps, added]), self.blocks + blocks
        self.excesses = np.concatenate([self.excesses, np.zeros(len(new))])
        self._at_rest = not self._tile.fit(self.bumps, self.excesses, len(new), SWEEPS)

    def _gains(self, bits: float) -> tuple[list[Bump], list[int]]:
        """Bumps, of amplitude 0 yet, for the targets that are off most, a second one where the first did not do; and their blocks."""
        size = self._tile.errors(self.found.places)
        spent = int(np.count_nonzero(self.bumps[:, Bump._fields.index("added")] == 0))
        order = np.argsort(-size, kind="stable")[: max(0, max(_allowed(size, bits, spent)))]
        bumps, blocks = [], []
        used = {*self.blocks, *self.used}
        pixels = {(row, col) for (row, col), block in zip(self.bumps[:, :2].tolist(), self.blocks) if block == PLACED}
        for index in order.tolist():
            row, col = self.found.places[index].tolist()
            block, pixel = self._addresses[index]
            if block in used:
                block, pixel = PLACED, (row, col)
            if block != PLACED:
                used.add(block)
            elif pixel in pixels:
                continue
            else:
                pixels.add(pixel)
            bumps.append(Bump(pixel[0], pixel[1], row, col, index, 0))
            blocks.append(block)
        return bumps, blocks

    @cached_property
    def _addresses(self) -> list[tuple[int, tuple[int, int]]]:
        """Of each target the number and brightest pixel of its block, where that pixel is the target, safely found and the tile's own; else `PLACED` and its own."""
        places, own = np.ascontiguousarray(self.found.places, np.int32), np.ascontiguousarray(self.decoded.own)
        if native.available():
            levels = np.ascontiguousarray(self.decoded.found, np.float32)
            numbers, pixels = kernels.blocks(levels, own, places, LEAD_DB, SIDE_BLOCKS)
            return [(block, (row, col)) for block, (row, col) in zip(numbers.tolist(), pixels.tolist())]
        return [self._block(row, col) or (PLACED, (row, col)) for row, col in places.tolist()]

    def _block(self, row: int, col: int) -> tuple[int, tuple[int, int]] | None:
        """The twin in NumPy, of one target; None where no block will do."""
        top, left = row // BLOCK_PX, col // BLOCK_PX
        place = np.s_[top * BLOCK_PX : (top + 1) * BLOCK_PX, left * BLOCK_PX : (left + 1) * BLOCK_PX]
        inner = 0 < top < SIDE_BLOCKS - 1 and 0 < left < SIDE_BLOCKS - 1
        if not inner or not self.decoded.own[place].all():
            return None
        levels = self.decoded.found[place]
        down, right = divmod(int(levels.argmax()), levels.shape[1])
        pixel = (top * BLOCK_PX + down, left * BLOCK_PX + right)
        first, second = np.partition(levels.reshape(-1), -2)[:-3:-1] if levels.size > 1 else (np.inf, 0)
        if first - second < LEAD_DB or max(abs(pixel[0] - row), abs(pixel[1] - col)) > 1:
            return None
        return top * SIDE_BLOCKS + left, pixel


def _placed(bump: Bump) -> Placed:
    return Placed(bump.row, bump.col, bool(bump.added), bump.width, (bump.down, bump.right), bump.amplitude)


def _allowed(off_db: Floats, bits: float, spent: int) -> list[int]:
    """How many targets each tolerance allows another bump, `spent` of them so far."""
    return [min(int((off_db > t).sum()), int(share * bits / BITS_A_GAIN) - spent) for t, share in TOLERANCES_DB]

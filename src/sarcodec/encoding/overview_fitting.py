"""The encoder's side of reduced pictures: what of the original has to be kept for them, and what to store so that their power is right.

In: levels of a tile and where they are valid, then its decoded latents; out: an `Overview`. Floats; a reader never runs this.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.encoding.knots import hats, held
from sarcodec.format.mask import pack_invalid
from sarcodec.format.reduced_mask import reduced_invalid
from sarcodec.signal.correction import LIMIT, POWER_UNIT_DB, decibels, factors
from sarcodec.signal.overview import NOTHING, SPOT_UNIT_DB, Overview, knots_of, power_db
from sarcodec.signal.planes import BLOCK_PX, block_sums
from sarcodec.signal.reduced import own_samples

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Pixels

SPOT_DB = 6.0  # a reduced pixel whose power is more above what its level says is stored on its own
MOST_SPOTS = 64  # a tile and band
HOLD = 0.02  # share of a tile's power by which each correction is held to the tile's mean
NOWHERE = np.float32(-1e4)  # dB, of a reduced pixel without a valid pixel


@dataclass(frozen=True, eq=False)
class ReducedOriginal:
    """Of a tile's original: power, as `reduced_power` gives it; mask, its packed invalid reduced pixels (b'' if all are valid)."""

    power: Floats
    mask: bytes

    @classmethod
    def of(cls, pixels: Pixels, levels: Floats, valid: Bools) -> ReducedOriginal:
        """From pixels (rows, cols) as they stand, and their levels in dB."""
        if valid.all():
            return cls(reduced_power(levels, valid), b"")
        some, patterns = reduced_invalid(pixels, valid, BLOCK_PX)
        return cls(reduced_power(levels, valid), pack_invalid(patterns, some))


def reduced_power(levels: Floats, valid: Bools) -> Floats:
    """Levels in dB of pixels -> those of the mean power of the valid ones of each 8 x 8 px, float32; NOWHERE where none is."""
    if not valid.any():
        return np.full([-(-n // BLOCK_PX) for n in levels.shape], NOWHERE)
    middle = np.float32(levels.mean(where=valid))
    power = np.where(valid, np.exp(np.clip(levels - middle, -150, 150) * np.float32(np.log(10) / 10)), np.float32(0))
    counts = block_sums(valid.astype(np.float32), "constant")
    found = decibels(np.maximum(block_sums(power, "constant"), np.float32(1e-30)) / np.maximum(counts, 1)) + middle
    return np.where(counts > 0, found, NOWHERE).astype(np.float32)


def fitted_overview(levels: Floats, wanted: Floats, lapped: tuple[Bools, Bools], offset_db: float) -> Overview:
    """levels: a decoder's reduced levels in dB, from the tile's own latents alone; wanted: as `reduced_power` gives them; lapped: the tile's borders
    of cells, as a decoder has them; offset_db: the band's. Of a tile with no reduced pixel of its own that is valid nothing is known."""
    own = own_samples(levels.shape, lapped)
    if own is None or not (wanted[own] > NOWHERE).any():
        return NOTHING
    fit = _Fit(levels, wanted, own)
    power = fit.power(fit.valid)
    spots = fit.bright(power)
    if spots.any():
        power = fit.power(fit.valid & ~spots[own])
    numbers = np.flatnonzero(spots)[:MOST_SPOTS]
    stored = np.clip(np.rint((wanted.reshape(-1)[numbers] - offset_db) / SPOT_UNIT_DB), 1 - LIMIT, LIMIT - 1)
    return Overview(power, tuple(numbers.tolist()), tuple(int(n) for n in stored))


@dataclass(frozen=True, eq=False)
class _Fit:
    """own: the reduced pixels that the tile's own latents decide."""

    levels: Floats
    wanted: Floats
    own: tuple[slice, slice]

    @cached_property
    def valid(self) -> Bools:
        """Of its own those that count."""
        found: Bools = self.wanted[self.own] > NOWHERE
        return found

    @cached_property
    def knots(self) -> Floats:
        return knots_of(self.levels, self.own)

    def power(self, some: Bools) -> tuple[int, ...]:
        """Five corrections by brightness, from some of its own reduced pixels, then all moved so that their sum is right."""
        if not some.any():
            return NOTHING.power
        level, target = (x[self.own][some].astype(np.float64) for x in (self.levels, self.wanted))
        weight, target = (np.power(10, np.clip(x - level.mean(), -150, 150) / 10) for x in (level, target))
        shares = hats(level, self.knots)
        solved = held(shares.T @ (shares * weight[:, None]), shares.T @ target, weight.sum(), target.sum(), HOLD)
        found = np.rint(decibels(np.clip(solved, 1e-3, 1e3)) / POWER_UNIT_DB)
        given = (weight * (shares @ factors(tuple(found)))).sum()
        moved = found + np.rint(decibels(np.clip(target.sum() / given, 1e-3, 1e3)) / POWER_UNIT_DB)
        return tuple(int(n) for n in np.clip(moved, 1 - LIMIT, LIMIT - 1))

    def bright(self, power: tuple[int, ...]) -> Bools:
        """Whose power is much above what a decoder makes of the level; beside borders, where that is not known here, above that of the nearest."""
        rows, cols = (
            np.clip(np.arange(n), part.start, part.stop - 1)
            for n, part in zip(self.levels.shape, self.own, strict=True)
        )
        made = self.levels + power_db(self.levels, self.knots, power)
        above = np.where(self.wanted > NOWHERE, self.wanted - made[np.ix_(rows, cols)], np.float32(0))
        found: Bools = above > SPOT_DB
        if np.count_nonzero(found) > MOST_SPOTS:
            found &= above >= np.partition(above, -MOST_SPOTS, None)[-MOST_SPOTS]
        return found

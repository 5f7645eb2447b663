"""The encoder's side of reduced pictures: what of the original has to be kept for them, and what to store so that their power is right.

In: levels of a tile and where they are valid, then its decoded latents; out: an `Overview`. Floats; a reader never runs this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.encoding.knots import hats, held
from sarcodec.format.mask import pack_invalid
from sarcodec.format.reduced_mask import reduced_invalid
from sarcodec.signal.correction import LIMIT, POWER_UNIT_DB, decibels, factors
from sarcodec.signal.overview import NOTHING, SPOT_UNIT_DB, Overview, Spot, knots_of
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
    of cells, as a decoder has them; offset_db: the band's."""
    own = own_samples(levels.shape, lapped)
    inner = own & (wanted > NOWHERE)
    if not inner.any() or (own.all() and any(borders[end] for borders in lapped for end in (0, -1))):
        return NOTHING
    fit = _Fit(levels, wanted, own, inner)
    power, spots = fit.found()
    return Overview(power, _spots(wanted, spots, offset_db))


@dataclass(frozen=True, eq=False)
class _Fit:
    levels: Floats
    wanted: Floats
    own: Bools
    inner: Bools

    def found(self) -> tuple[tuple[int, ...], Bools]:
        """Five corrections, without what is stored on its own, and where that is: first the corrections from all, then without it."""
        power = self._power(self.inner)
        spots = self._bright(power)
        return (self._power(self.inner & ~spots) if spots.any() else power), spots

    def _power(self, some: Bools) -> tuple[int, ...]:
        """By brightness, from some reduced pixels, then all moved so that their sum is right."""
        if not some.any():
            return (0,) * len(NOTHING.power)
        level, knots = self.levels[some].astype(np.float64), knots_of(self.levels, self.own)
        weight, target = (np.power(10, np.clip(x - level.mean(), -150, 150) / 10) for x in (level, self.wanted[some]))
        shares = hats(level, knots)
        solved = held(shares.T @ (shares * weight[:, None]), shares.T @ target, weight.sum(), target.sum(), HOLD)
        power = np.rint(decibels(np.clip(solved, 1e-3, 1e3)) / POWER_UNIT_DB)
        given = (weight * np.interp(level, knots, factors(tuple(power)))).sum()
        moved = power + np.rint(decibels(np.clip(target.sum() / given, 1e-3, 1e3)) / POWER_UNIT_DB)
        return tuple(int(n) for n in np.clip(moved, 1 - LIMIT, LIMIT - 1))

    def _bright(self, power: tuple[int, ...]) -> Bools:
        """Whose power is much above what a decoder makes of the level; beside borders, where that is not known here, above that of the nearest."""
        logs = decibels(np.interp(self.levels, knots_of(self.levels, self.own), factors(power)))
        lines = [np.flatnonzero(self.own.any(axis)) for axis in (1, 0)]
        nearest = [np.clip(np.arange(n), line[0], line[-1]) for n, line in zip(self.own.shape, lines, strict=True)]
        above = np.where(self.wanted > NOWHERE, self.wanted - (self.levels + logs)[np.ix_(*nearest)], 0)
        found: Bools = above > SPOT_DB
        if np.count_nonzero(found) > MOST_SPOTS:
            found &= above >= np.partition(above, -MOST_SPOTS, None)[-MOST_SPOTS]
        return found


def _spots(wanted: Floats, chosen: Bools, offset_db: float) -> tuple[Spot, ...]:
    numbers = np.flatnonzero(chosen)[:MOST_SPOTS]
    levels = np.clip(np.rint((wanted.reshape(-1)[numbers] - offset_db) / SPOT_UNIT_DB), 1 - LIMIT, LIMIT - 1)
    return tuple(Spot(int(number), int(level)) for number, level in zip(numbers, levels, strict=True))

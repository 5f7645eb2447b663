"""The encoder's side: what to store of a tile so that power and texture come out right. Floats; a reader never runs this.

In: the original's levels and mask, the decoded ground, and the noise that a decoder will make of it; out: a Correction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.encoding.knots import hats, held
from sarcodec.encoding.measured import Measured
from sarcodec.encoding.texture_sums import Sums, sums_of
from sarcodec.signal.correction import (
    LIMIT,
    MEAN_UNIT_DB,
    POWER_SHARES,
    POWER_UNIT_DB,
    SPREAD_UNIT,
    Correction,
    Ground,
    decibels,
    power_blocks,
    with_power,
)
from sarcodec.signal.restored import restored, target_shares

if TYPE_CHECKING:
    from collections.abc import Callable

    from sarcodec.arrays import Bools, Floats, Integers

LARGEST = LIMIT - 1
HOLD = 0.02  # share of a tile's power by which each correction is held to the tile's mean
DETAIL_HOLD = 1e-3
LEAST_CALM, MOST_WINDOWS = 8, 400
CALM_SHARE = 0.1  # of the windows, by how little the power varies in the guide
CALM_SHARES = np.linspace(0.02, 0.2, 6)  # without a guide: quantiles of all windows' variation
TRIM_OCTAVES = (-2.0, 0.5)  # factors of the lost variance between which the trim is sought
TRIM_TRIES, TRIM_MISS = 5, 0.004  # of the logarithm of the variation
BALANCE_DB = 0.05
RESTORED_STEPS = 3  # bright pixels hold much of the power and do not follow
TRIM_SLOPE = 0.5  # of that logarithm an octave, at first


@dataclass(frozen=True, eq=False)
class Original:
    """What the decoded tile is held against, all (rows, cols).

    levels in dB, valid where they count; rounding: what storing decoded pixels as whole numbers adds to their power (1/12 for
    amplitudes), in units of the pixels' power; guide: levels of another band of the same ground and where they are valid, None if there is none; whole: valid pixels, those
    of targets among them, where `valid` leaves these out.
    """

    levels: Floats
    valid: Bools
    rounding: float = 0.0
    guide: tuple[Floats, Bools] | None = None
    whole: Bools | None = None


def fitted_power(ground: Ground, original: Original) -> Correction:
    """The numbers for power alone."""
    return Correction(_Fit(ground, original).power())


def fitted_correction(
    ground: Ground, original: Original, noise: Floats | None, bumps: Floats | None = None
) -> Correction:
    """Numbers for a tile; noise in dB of its pixels (rows, cols), None of a model that does not know what is lost.

    bumps: what a reader puts on the levels, in dB, where there are any.
    """
    return fitted(ground, original, noise, bumps)[0]


def fitted(
    ground: Ground,
    original: Original,
    noise: Floats | None,
    bumps: Floats | None = None,
    known: Correction | None = None,
) -> tuple[Correction, Measured]:
    """The same, and what becomes of the looks of calm windows. known: what `fitted_power` gives of the same, where it is at hand."""
    fit = _Fit(ground, original)
    power = fit.power() if known is None else known.power
    if noise is None or not original.valid.any():
        return Correction(power), Measured()
    noise = np.ascontiguousarray(noise, np.float32)
    found, looks = fit.texture(noise, power, bumps)
    return (found if bumps is None else fit.beside_targets(noise, found, bumps)), looks


def balanced(correction: Correction, ground: Ground, original: Original, bumps: Floats) -> Correction:
    """Moved a little so that all valid pixels, those of bumps among them, have the original's power: at most `BALANCE_DB`, or the ground
    would pay for targets that hold most of it."""
    sums, nothing = sums_of(ground, original.levels, original.valid), np.zeros_like(bumps)
    given = sums.total_of(with_power(ground, correction) + bumps, nothing, 0.0)
    wanted = float(sums.original.sum(dtype=np.float64))
    wanted -= original.rounding * 10 ** (-sums.scale_db / 10) * np.count_nonzero(original.valid)
    rest = 10 * math.log10(max(wanted, 1e-30) / max(given, 1e-30))
    moved = round(min(max(rest, -BALANCE_DB), BALANCE_DB) / POWER_UNIT_DB)
    return replace(correction, power=_whole(np.array(correction.power) + moved, 1))


def _whole(values: Floats | list[float], unit: float) -> tuple[int, ...]:
    return tuple(int(n) for n in np.clip(np.rint(np.asarray(values) / unit), -LARGEST, LARGEST))


def _from_moments(moments: Floats) -> Floats:
    """Values at the three details from `Sums.moments`."""
    a, b, c, d, e, *right, weight, target = moments
    matrix = np.array([[a, b, 0], [b, c, d], [0, d, e]])
    return held(matrix, np.array(right), weight, target, DETAIL_HOLD)


@dataclass(frozen=True, eq=False)
class _Fit:
    ground: Ground
    original: Original
    _kept: dict[str, Floats] = field(default_factory=dict)

    @cached_property
    def sums(self) -> Sums:
        return sums_of(self.ground, self.original.levels, self.original.valid)

    def power(self) -> tuple[int, ...]:
        """Five corrections by brightness, then all moved so that the tile's sum is right."""
        ground = self.ground
        shift = power_blocks(ground, (0,) * len(POWER_SHARES), True).astype(np.float64)
        weight = (self.sums.decoded * np.power(10, np.clip(shift, -150, 150) / 10)).reshape(-1)
        target = (self.sums.original - self._rounded * self.sums.counts).reshape(-1)
        shares = hats(ground.blocks.reshape(-1), ground.knots)
        solved = held(shares.T @ (shares * weight[:, None]), shares.T @ target, weight.sum(), target.sum(), HOLD)
        power = _whole(decibels(np.clip(solved, 1e-3, 1e3)), POWER_UNIT_DB)
        rest = self._rest_db(self.sums.total(power_blocks(ground, power, True)))
        return _whole(np.array(power) * POWER_UNIT_DB + rest, POWER_UNIT_DB)

    @property
    def _rounded(self) -> float:
        return self.original.rounding * 10 ** (-self.sums.scale_db / 10)

    def _rest_db(self, given: float) -> float:
        """What a sum of decoded powers still lacks."""
        total = float(self.sums.original.sum(dtype=np.float64))
        left = max(total - self._rounded * float(self.sums.counts.sum(dtype=np.float64)), 1e-2 * total, 1e-30)
        return float(np.clip(10 * math.log10(left / max(given, 1e-30)), -30, 30))

    def texture(
        self, noise: Floats, power: tuple[int, ...], bumps: Floats | None = None
    ) -> tuple[Correction, Measured]:
        """Mean and variance of the error by detail, the variance trimmed until calm windows have their looks again, and the tile's power; and what
        became of the looks."""
        means = _whole(_from_moments(self.sums.moments(None)), MEAN_UNIT_DB)
        spreads = _from_moments(self.sums.moments(np.array(means, np.float32) * np.float32(MEAN_UNIT_DB)))
        octaves = np.log2(np.clip(spreads, 2.0**-6, 2.0**6))
        found = Correction(power, 0, means, _whole(octaves, SPREAD_UNIT))
        trim, looks = self._trim_octaves(noise, found, bumps)
        found = replace(found, spreads=_whole(octaves + trim, SPREAD_UNIT))
        rest = self._rest_db(self.sums.texture_total(noise, found))
        return replace(found, restored=_whole([rest], POWER_UNIT_DB)[0]), looks

    def beside_targets(self, noise: Floats, found: Correction, bumps: Floats) -> Correction:
        """The power with texture once more: targets have much of it and no texture."""
        levels, share = restored(self.ground, bumps, noise, found, True, self._shares(bumps))
        shares, rest = np.broadcast_to(np.float32(share), levels.shape), 0.0
        for _ in range(RESTORED_STEPS):
            rest += self._rest_db(self.sums.total_of(levels, shares, rest))
        return replace(found, restored=_whole([found.restored * POWER_UNIT_DB + rest], POWER_UNIT_DB)[0])

    def _shares(self, bumps: Floats) -> Floats:
        """How far each pixel is a target, the same bumps each time."""
        if "shares" not in self._kept:
            self._kept["shares"] = target_shares(self.ground, bumps)
        return self._kept["shares"]

    def _trim_octaves(self, noise: Floats, found: Correction, bumps: Floats | None) -> tuple[float, Measured]:
        """log2 of the factor of the lost variance under which the power of calm windows, restored, varies as the original's does; and how many looks
        they have then, as far as they were counted."""
        whole = self.original.valid if self.original.whole is None else self.original.whole
        before = self.sums.variations(self.original.levels, np.ascontiguousarray(whole))
        windows, calm = self._windows(before)
        if not windows.size:
            return 0.0, Measured()
        beside = None
        if bumps is not None:
            beside = self._shares(bumps), with_power(self.ground, found) + bumps
        wanted, varies = calm(before[windows]), self.sums.restored(noise, found, windows, beside)
        octaves, missed = _root(lambda octaves: float(np.log(max(calm(varies(octaves)), 1e-30) / max(wanted, 1e-30))))
        return octaves, Measured(windows=windows.size, looks=-missed * windows.size)

    def _windows(self, before: Floats) -> tuple[Integers, Callable[[Floats], float]]:
        """Numbers of the windows to be looked at, and what is made of their variations.

        The median of those in which the guide's power varies least. Without a guide windows cannot be chosen: those that vary little in the original have, by
        chance, more looks than the ground gives them. But chance chooses in the restored image as well, so that the lower quantiles of all windows
        are alike.
        """
        whole = np.flatnonzero(before >= 0)
        if self.original.guide is None:
            spread = whole[np.arange(0, whole.size, max(1.0, whole.size / MOST_WINDOWS)).astype(np.int64)]
            return spread, lambda v: float(np.exp(np.log(np.maximum(np.quantile(v, CALM_SHARES), 1e-30)).mean()))
        guide = self.sums.variations(*self.original.guide)
        whole = whole[guide[whole] >= 0]
        count = max(LEAST_CALM, round(CALM_SHARE * whole.size))
        return whole[np.argsort(guide[whole], kind="stable")[:count]], lambda v: float(np.median(v))


def _root(miss: Callable[[float], float]) -> tuple[float, float]:
    """Where a rising function of octaves is 0, within `TRIM_OCTAVES`: secants, halved where they leave the bracket. And what it was at the last place
    that was tried."""
    low, high = TRIM_OCTAVES
    octaves, slope, last, missed = 0.0, TRIM_SLOPE, None, 0.0
    for _ in range(TRIM_TRIES):
        missed = miss(octaves)
        if abs(missed) < TRIM_MISS:
            break
        low, high = (octaves, high) if missed < 0 else (low, octaves)
        if last is not None and last[0] != octaves:
            slope = (missed - last[1]) / (octaves - last[0])
        last = (octaves, missed)
        octaves = octaves - missed / slope if slope > 0 else -np.inf
        octaves = octaves if low < octaves < high else (low + high) / 2
    return octaves, missed

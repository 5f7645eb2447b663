"""The encoder's side: what to store of a tile so that power and texture come out right. Floats; a reader never runs this.

In: the original's levels and mask, and the decoded ground; out: a Correction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec.signal.correction import (
    DETAIL_KNOTS,
    LIMIT,
    MEAN_UNIT_DB,
    POWER_SHARES,
    POWER_UNIT_DB,
    SPREAD_UNIT,
    Correction,
    Ground,
    decibels,
    detail_law,
    power_blocks,
    with_power,
    with_texture,
)
from sarcodec.signal.law import speckled
from sarcodec.signal.planes import block_sums, blocks_to_pixels

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats, Integers

_Number = TypeVar("_Number", bound=np.generic)
LARGEST = LIMIT - 1
HOLD = 0.02  # share of a tile's power by which each correction is held to the tile's mean
ERROR_REACH = 4.0  # deviations: larger errors are structure that was lost, not speckle
EVERY = 3  # one row of so many tells enough of the errors
WINDOW_PX, PITCH_PX = 15, 16
LEAST_CALM, MOST_WINDOWS = 8, 256
CALM_SHARE = 0.1  # of the windows, by how little the power varies in the guide
TRIM_OCTAVES = (-2.0, 0.5)  # factors of the lost variance between which the trim is sought
TRIM_HALVINGS = 6


def power_of(level_db: Floats) -> Floats:
    """Linear power of levels; 150 dB above or below what they are relative to says enough."""
    found: Floats = np.exp(np.clip(level_db, -150, 150) * np.float32(np.log(10) / 10))
    return found


@dataclass(frozen=True, eq=False)
class Original:
    """What the decoded tile is held against, all (rows, cols).

    levels in dB, valid where they count; rounding: what storing decoded pixels as whole numbers adds to their power (1/12 for
    amplitudes), in units of the pixels' power; guide: levels of another band of the same ground, None if there is none.
    """

    levels: Floats
    valid: Bools
    rounding: float = 0.0
    guide: Floats | None = None

    @cached_property
    def scale_db(self) -> float:
        """The mean level: powers are taken relative to it, near 1."""
        return float(self.levels[self.valid].mean())

    @cached_property
    def power(self) -> Floats:
        return self.within(self.levels)

    def within(self, levels: Floats) -> Floats:
        """Powers of levels where pixels are valid, 0 elsewhere."""
        return np.where(self.valid, power_of(levels - np.float32(self.scale_db)), np.float32(0))

    @property
    def rounded(self) -> float:
        return self.rounding * 10 ** (-self.scale_db / 10)

    def rest_db(self, levels: Floats) -> float:
        """What decoded levels still lack of the power."""
        total = self.power.sum(dtype=np.float64)
        left = max(total - self.rounded * np.count_nonzero(self.valid), 1e-2 * total)
        given = max(self.within(levels).sum(dtype=np.float64), 1e-30)
        return float(np.clip(decibels(left / given), -30, 30))


def fitted_correction(ground: Ground, original: Original, scores: Floats, variance: Floats) -> Correction:
    """Numbers for a tile, with its normal scores and the expected lost variances of its pixels in dB^2, both (rows, cols)."""
    power = _fitted_power(ground, original)
    if not variance.any():  # a model that does not know what is lost
        return Correction(power)
    means, spreads = _fitted_detail(ground, original, (scores, np.maximum(variance, np.float32(1e-6))), power)
    found = Correction(power, 0, means, spreads)
    rest = original.rest_db(with_texture(ground, scores, variance, found, True))
    return replace(found, restored=_whole([rest], POWER_UNIT_DB)[0])


def _whole(values: Floats | list[float], unit: float) -> tuple[int, ...]:
    return tuple(int(n) for n in np.clip(np.rint(np.asarray(values) / unit), -LARGEST, LARGEST))


def _hats(places: Floats, knots: Floats | tuple[float, ...]) -> tuple[Integers, Floats]:
    """The knot below each place and the share of the next one."""
    at = np.interp(places, knots, np.arange(len(knots)))
    low = np.minimum(at.astype(np.int64), len(knots) - 2)
    return low, at - low


def _solve(
    low: Integers, part: Floats, weight: Floats, target: Floats, knots: tuple[float, ...], hold: float
) -> Floats:
    """Values c at knots with sum over w_i (sum_j w_j c_j) weight = sum w_i target: interpolated, they carry weight into target."""
    count = len(knots)
    matrix, right = np.zeros((count, count)), np.zeros(count)
    pairs = ((low, 1 - part), (low + 1, part))
    for i, a in pairs:
        right += np.bincount(i, a * target, count)
        for j, b in pairs:
            matrix += np.bincount(i * count + j, a * b * weight, count * count).reshape(count, count)
    held = hold * max(weight.sum(), 1e-12) / count
    matrix[np.diag_indices(count)] += held
    return np.linalg.solve(matrix, right + held * target.sum() / max(weight.sum(), 1e-12))


def _fitted_power(ground: Ground, original: Original) -> tuple[int, ...]:
    """Five corrections by brightness, then all moved so that the tile's sum is right."""
    shift = ground.shift_blocks()
    sums = block_sums(original.within(ground.levels), "constant").astype(np.float64) * power_of(shift)
    count = block_sums(original.valid.astype(np.float32), "constant")
    target = (block_sums(original.power, "constant") - original.rounded * count).astype(np.float64)
    low, part = _hats(ground.blocks.reshape(-1), ground.power_knots())
    solved = _solve(low, part, sums.reshape(-1), target.reshape(-1), POWER_SHARES, HOLD)
    power = _whole(decibels(np.clip(solved, 1e-3, 1e3)), POWER_UNIT_DB)
    rest = original.rest_db(with_power(ground, Correction(power)))
    return _whole(np.array(power) * POWER_UNIT_DB + rest, POWER_UNIT_DB)


def _fitted_detail(
    ground: Ground, original: Original, texture: tuple[Floats, Floats], power: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Mean and variance of the error by detail, the variance trimmed until calm windows have their looks again."""
    variance = texture[1]
    some = original.valid[::EVERY]
    if not some.any():
        return Correction().means, Correction().spreads
    expected = variance[::EVERY][some].astype(np.float64)
    error = (original.levels - ground.levels)[::EVERY][some]
    error = np.clip(error, *(sign * ERROR_REACH * np.sqrt(expected) for sign in (-1, 1)))
    low, part = _hats(ground.detail[::EVERY][some], DETAIL_KNOTS)
    means = _whole(_solve(low, part, np.ones(error.size), error, DETAIL_KNOTS, 1e-3), MEAN_UNIT_DB)
    known = np.array(means) * MEAN_UNIT_DB
    squares = np.square(error - known[low] * (1 - part) - known[low + 1] * part)
    octaves = np.log2(np.clip(_solve(low, part, expected, squares, DETAIL_KNOTS, 1e-3), 2.0**-6, 2.0**6))
    trim = _trim_octaves(ground, original, texture, Correction(power, 0, means, _whole(octaves, SPREAD_UNIT)))
    return means, _whole(octaves + trim, SPREAD_UNIT)


def _trim_octaves(ground: Ground, original: Original, texture: tuple[Floats, Floats], found: Correction) -> float:
    """log2 of the factor of the lost variance under which the power of calm windows, restored, varies as the original's does."""
    calm = _calm_windows(original)
    if not calm.size:
        return 0.0
    corrected = ground.levels + blocks_to_pixels(power_blocks(ground, found.power), ground.levels.shape)
    levels, detail, scores, variance = (_windows(x)[calm] for x in (corrected, ground.detail, *texture))
    mean, spread = detail_law(detail, found)
    kept, variance = _centred(levels + mean), variance * spread
    wanted = np.median(_variation(power_of(_centred(_windows(original.levels)[calm]))))
    low, high = TRIM_OCTAVES
    for _ in range(TRIM_HALVINGS):
        middle = (low + high) / 2
        varies = _variation(power_of(kept + speckled(scores, variance * np.float32(2**middle))))
        low, high = (middle, high) if np.median(varies) < wanted else (low, middle)
    return (low + high) / 2


def _calm_windows(original: Original) -> Integers:
    """Numbers of the windows in which the guide's power varies least; without a guide, of many anywhere: those that vary
    little in the image itself, original or decoded, have more looks than the ground gives them."""
    whole = np.flatnonzero(_windows(original.valid).all((1, 2)))
    count = max(LEAST_CALM, round(CALM_SHARE * whole.size))
    if original.guide is None:
        return whole[:: max(1, whole.size // MOST_WINDOWS)]
    varies = _variation(power_of(_centred(_windows(original.guide)[whole])))
    return whole[np.argsort(varies, kind="stable")[:count]]


def _windows(pixels: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    if min(pixels.shape) < WINDOW_PX:
        return np.empty((0, WINDOW_PX, WINDOW_PX), pixels.dtype)
    views = np.lib.stride_tricks.sliding_window_view(pixels, (WINDOW_PX, WINDOW_PX))
    return views[::PITCH_PX, ::PITCH_PX].reshape(-1, WINDOW_PX, WINDOW_PX)


def _centred(levels: Floats) -> Floats:
    found: Floats = levels - levels.mean((1, 2), keepdims=True)
    return found


def _variation(power: Floats) -> Floats:
    """Variance over squared mean of each of (windows, side, side) powers."""
    found: Floats = power.var((1, 2), ddof=1) / np.square(power.mean((1, 2)))
    return found

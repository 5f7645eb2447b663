"""Sums over a tile's pixels that its correction is found from: compiled, or the same in NumPy. Floats; knows nothing of what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec.native import texture_fit as kernels
from sarcodec.signal.correction import (
    DETAIL_KNOTS,
    POWER_UNIT_DB,
    Correction,
    Ground,
    detail_law,
    detail_values,
    power_blocks,
    scores_of,
    with_texture,
)
from sarcodec.signal.law import quantiles, speckled
from sarcodec.signal.planes import block_sums, cells_to_pixels, compiled, with_blocks

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats, Integers

_Number = TypeVar("_Number", bound=np.generic)
ERROR_REACH = 4.0  # deviations: larger errors are structure that was lost, not speckle
EVERY = 3  # one row of so many tells enough of the errors
LEAST_VARIANCE = np.float32(1e-6)


def power_of(level_db: Floats) -> Floats:
    """Linear power of levels; 150 dB above or below what they are relative to says enough."""
    found: Floats = np.exp(np.clip(level_db, -150, 150) * np.float32(np.log(10) / 10))
    return found


def windows(pixels: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Windows of 15 x 15 px on a grid of 16 (n, 15, 15)."""
    side = kernels.WINDOW_PX
    if min(pixels.shape) < side:
        return np.empty((0, side, side), pixels.dtype)
    views = np.lib.stride_tricks.sliding_window_view(pixels, (side, side))
    return views[:: kernels.PITCH_PX, :: kernels.PITCH_PX].reshape(-1, side, side)


def variations(levels: Floats) -> Floats:
    """Variance over squared mean of the power of each of (windows, side, side) levels."""
    power = power_of(levels - levels.mean((1, 2), keepdims=True)).astype(np.float64)
    found: Floats = power.var((1, 2), ddof=1) / np.square(power.mean((1, 2)))
    return found


def without_texture(
    kept: Floats, lost: Floats, chosen: Integers, beside: tuple[Floats, Floats] | None
) -> tuple[Floats, Floats]:
    """Levels before their speckle, and lost variances, of chosen windows (n, 15, 15); pixels that are targets rather than speckle have their own level, and none.
    beside: as in `Sums.restored`."""
    if beside is None:
        return kept, lost
    views = (np.lib.stride_tricks.sliding_window_view(plane, (kernels.WINDOW_PX,) * 2) for plane in beside)
    across = (beside[0].shape[1] - kernels.WINDOW_PX) // kernels.PITCH_PX + 1
    targets, levels = (view[:: kernels.PITCH_PX, :: kernels.PITCH_PX][np.divmod(chosen, across)] for view in views)
    own = targets >= 0.5
    found = np.ascontiguousarray(np.where(own, levels, kept), np.float32)
    return found, np.ascontiguousarray(np.where(own, np.float32(0), lost), np.float32)


@dataclass(frozen=True, eq=False)
class Sums:
    """Of a decoded ground and the original's levels where they are valid, all (rows, cols) and contiguous. Powers are relative to the mean level."""

    ground: Ground
    levels: Floats
    valid: Bools

    @cached_property
    def scale_db(self) -> float:
        """What powers are relative to: they are near 1."""
        return float(self.ground.blocks.mean(dtype=np.float64))

    @cached_property
    def _by_block(self) -> tuple[Floats, Floats, Floats]:
        planes = (self.within(self.ground.levels), self.within(self.levels), self.valid.astype(np.float32))
        found = [block_sums(plane, "constant") for plane in planes]
        return found[0], found[1], found[2]

    def within(self, levels: Floats) -> Floats:
        """Powers of levels where pixels are valid, 0 elsewhere."""
        return np.where(self.valid, power_of(levels - np.float32(self.scale_db)), np.float32(0))

    @property
    def decoded(self) -> Floats:
        """Powers of the decoded levels, by block."""
        return self._by_block[0]

    @property
    def original(self) -> Floats:
        """Powers of the original's levels, by block."""
        return self._by_block[1]

    @property
    def counts(self) -> Floats:
        """Valid pixels, by block."""
        return self._by_block[2]

    def total(self, added: Floats) -> float:
        """The power of the decoded levels with something added at the blocks, dB."""
        return float(self.within(with_blocks(self.ground.levels, added)).sum(dtype=np.float64))

    def total_of(self, levels: Floats, shares: Floats, rest_db: float) -> float:
        """The power of other levels with rest_db, as much of it as each pixel's share, all (rows, cols)."""
        return float(self.within(levels + shares * np.float32(rest_db)).sum(dtype=np.float64))

    def texture_total(self, noise: Floats, found: Correction) -> float:
        """The power of the levels with their texture."""
        return float(self.within(with_texture(self.ground, noise, found, True)).sum(dtype=np.float64))

    def moments(self, means: Floats | None) -> Floats:
        """Sums over every third row's valid pixels; with the detail's three hats h the products h0 h0, h0 h1, h1 h1, h1 h2, h2 h2 times a weight, h0, h1 and h2 times
        a target, the weights, the targets. The target is the error, or with means (3,) in dB the square of what is left of it, its weight then
        the variance to expect."""
        rows = np.s_[::EVERY]
        some = self.valid[rows]
        detail = self.ground.detail()[rows][some]
        expected = np.maximum(cells_to_pixels(self.ground.cells, self.valid.shape)[rows][some], LEAST_VARIANCE)
        error = (self.levels - self.ground.levels)[rows][some]
        error = np.clip(error, -ERROR_REACH * np.sqrt(expected), ERROR_REACH * np.sqrt(expected))
        place = np.clip((detail - DETAIL_KNOTS[0]) / (DETAIL_KNOTS[1] - DETAIL_KNOTS[0]), 0, 2)
        hats = np.maximum(0, 1 - np.abs(place - np.arange(3)[:, None]))
        target, weight = (error, np.ones_like(error)) if means is None else (np.square(error - means @ hats), expected)
        pairs = [(hats[a] * hats[b] * weight).sum() for a, b in ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2))]
        return np.array([*pairs, *(hats @ target), weight.sum(), target.sum()], np.float64)

    def variations(self, levels: Floats, valid: Bools) -> Floats:
        """How the power varies in each window: variance over squared mean, -1 where not all of it is valid (n,)."""
        return np.where(windows(valid).all((1, 2)), variations(np.where(windows(valid), windows(levels), 0)), -1)

    def restored(
        self, noise: Floats, found: Correction, chosen: Integers, beside: tuple[Floats, Floats] | None = None
    ) -> Callable[[float], Floats]:
        """Of the lost variance's octaves: how the power varies in chosen windows with their texture (n,).

        beside: how far each pixel is a target, which has no texture, and its level then, both (rows, cols).
        """
        added = with_blocks(self.ground.levels, power_blocks(self.ground, found.power, False))
        mean, spread = detail_law(self.ground.detail(), found)
        variance = cells_to_pixels(self.ground.cells, noise.shape) * spread
        kept, scores, lost = (windows(x)[chosen] for x in (added + mean, scores_of(noise, self.ground), variance))
        kept, lost = without_texture(kept, lost, chosen, beside)
        return lambda octaves: variations(kept + speckled(scores, lost * np.float32(2**octaves)))


class CompiledSums(Sums):
    """The same by compiled functions, which keep no plane between their steps."""

    @cached_property
    def _by_block(self) -> tuple[Floats, Floats, Floats]:
        return kernels.sums(self.ground.levels, self.levels, self.valid, self.ground.blocks.shape, self.scale_db)

    def total(self, added: Floats) -> float:
        return kernels.total(self.ground.levels, self.valid, added, self.scale_db)

    def total_of(self, levels: Floats, shares: Floats, rest_db: float) -> float:
        some = np.ascontiguousarray(levels, np.float32), np.ascontiguousarray(shares, np.float32)
        return kernels.shared_total(*some, self.valid, rest_db, self.scale_db)

    def texture_total(self, noise: Floats, found: Correction) -> float:
        tile, added = (self.ground.levels, noise, self.valid), self._added(found)
        planes = (self.ground.blocks, added, self.ground.cells)
        return kernels.texture_total(tile, planes, self._law(found), quantiles(), self.scale_db)

    def _added(self, found: Correction) -> Floats:
        return power_blocks(self.ground, found.power, False, found.restored * POWER_UNIT_DB)

    def _law(self, found: Correction) -> tuple[Floats, Floats, float]:
        return (*detail_values(found), self.ground.detail_scale)

    def moments(self, means: Floats | None) -> Floats:
        tile, planes = (self.ground.levels, self.levels, self.valid), (self.ground.blocks, self.ground.cells)
        return kernels.moments(tile, planes, self.ground.detail_scale, ERROR_REACH, EVERY, means)

    def variations(self, levels: Floats, valid: Bools) -> Floats:
        return kernels.variations(levels, valid)

    def restored(
        self, noise: Floats, found: Correction, chosen: Integers, beside: tuple[Floats, Floats] | None = None
    ) -> Callable[[float], Floats]:
        planes = (self.ground.blocks, self._added(found), self.ground.cells)
        kept, scores, lost = kernels.windows((self.ground.levels, noise), planes, self._law(found), chosen)
        kept, lost = without_texture(kept, lost, chosen, beside)
        return lambda octaves: kernels.textured_variations((kept, scores, lost), 2**octaves, quantiles())


def sums_of(ground: Ground, levels: Floats, valid: Bools) -> Sums:
    """For a decoded ground and the original."""
    form = CompiledSums if compiled(ground.levels) else Sums
    return form(ground, np.ascontiguousarray(levels, np.float32), np.ascontiguousarray(valid))

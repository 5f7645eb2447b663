"""Bumps that give a decoded tile's targets their energy back: which of them need one, which width and amplitude.

In: what was found in the original, what the tile decodes to, what was taken out before analysis; out: a `TargetLayer`. Floats; a reader
never runs this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec.encoding.target_finding import Found
from sarcodec.format.targets import BLOCK_PX, LARGEST, MOST_BUMPS, SIDE_BLOCKS, BlockGain, Placed, TargetLayer
from sarcodec.signal.bumps import REACH, UNIT_DB, added_db, added_shapes, gain_shapes
from sarcodec.signal.lapped import BLOCK

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats

_Number = TypeVar("_Number", bound=np.generic)
# Errors of a target's energy in dB, and the share of the tile's bits up to which bumps are spent on all that are off by more.
TOLERANCES_DB = ((0.3, 0.01), (0.5, 0.013), (1.0, 0.06), (1.5, 1.0))
PEAK_SHARE = 0.38  # an error of the peak counts as so much of one of the energy
BITS_A_GAIN = 13
LEAD_DB = 0.02  # by which a block's brightest pixel leads where a reader is to find it
ENERGY_PX = 2  # half side of the square over which a target's energy is taken
DECIDING_PX = ENERGY_PX + 1  # half side of the square whose pixels decide of a target's bump
NOTHING_DB = -300.0
LEAST_ENERGY = 0.02  # of the original's: what is below counts as that
NEAR = REACH - 2  # half side of what the fit of a bump looks at
AS_GOOD = 0.02
GIVEN_BACK_BONUS = 0.1  # what was taken out comes back as it was unless another bump is better by so much
SWEEPS, GAINS_A_TARGET = 2, 2
LEAST_WORTH_BITS = 300.0  # of a bump that is taken out, in the currency of `worth_bits`; it takes about 25
SQUARES_A_STEP = 9.4  # the quantiser's error is the squared step over this (docs/format.md, 9.9)
# Weights of the errors of the energy of 5 x 5 px, of 3 x 3 px, of the peak, and of all pixels.
ENERGY_WEIGHT, INNER_WEIGHT, PEAK_WEIGHT, SHAPE_WEIGHT = 2.0, 0.5, 0.3, 0.02
_AMPLITUDES = np.arange(-LARGEST, LARGEST + 1)


@dataclass(eq=False)
class _Bump:
    """One bump that is being fitted: its pixel, the target's (within one pixel of it), and the target's row in `Found`; excess: by how
    much the power is too high with it."""

    pixel: tuple[int, int]
    target: tuple[int, int]
    index: int
    added: bool
    block: int | None = None
    width: int = 0
    quarters: tuple[int, int] = (0, 0)
    amplitude: int = 0
    excess: float = 0.0

    def image(self) -> Floats:
        """(13, 13) in dB."""
        height = np.array(self.amplitude * UNIT_DB, np.float32)
        if self.added:
            return added_db(height, added_shapes()[self.width][self.quarters])
        found: Floats = height * gain_shapes()[self.width]
        return found

    def stored(self) -> BlockGain | Placed:
        if self.block is not None:
            return BlockGain(self.block, self.width, self.amplitude)
        return Placed(*self.pixel, self.added, self.width, self.quarters, self.amplitude)


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
    bumps: list[_Bump] = field(default_factory=list)

    def __post_init__(self) -> None:
        margin = [(NEAR + 1, NEAR + 1)] * 2
        counts = np.isfinite(self.original)
        levels = np.where(counts, self.decoded.levels, NOTHING_DB)
        self._image = np.pad(levels.astype(np.float64), margin, constant_values=NOTHING_DB)
        self._original = np.pad(_power(self.original), margin)
        self._own = np.pad(self.decoded.own, margin, "edge")

    def run(self, bits: float) -> TargetLayer:
        """The layer of a tile whose latents take so many bits."""
        for index in np.flatnonzero(self.taken):
            place = tuple(int(n) for n in self.found.places[index])
            quarters = tuple(int(n) for n in self.found.quarters[index])
            bump = _Bump((place[0], place[1]), (place[0], place[1]), int(index), True)
            bump.width, bump.quarters = int(self.found.widths[index]), (quarters[0], quarters[1])
            bump.amplitude = int(self.found.amplitudes[index])
            self._add(bump, 1)
            self.bumps.append(bump)
        self._sweep()
        for _ in range(GAINS_A_TARGET):
            self.bumps += self._gains(bits)
            self._sweep()
        stored = [bump.stored() for bump in self.bumps if bump.amplitude]
        placed = [bump for bump in stored if isinstance(bump, Placed)]
        gains = [bump for bump in stored if isinstance(bump, BlockGain)]
        placed = sorted(placed, key=lambda bump: -abs(bump.amplitude))[:MOST_BUMPS]
        return TargetLayer(tuple(sorted(gains)), tuple(sorted(placed)))

    def _sweep(self) -> None:
        for _ in range(SWEEPS):
            for bump in self.bumps:
                if self._owned(bump):
                    self._add(bump, -1)
                    self._fit(bump)
                    self._add(bump, 1)

    def _owned(self, bump: _Bump) -> bool:
        return bool(self._near(self._own, bump.pixel, DECIDING_PX).all())

    def _add(self, bump: _Bump, sign: int) -> None:
        cut = slice(REACH - NEAR - 1, REACH + NEAR + 2)
        self._near(self._image, bump.pixel, NEAR + 1)[...] += sign * bump.image()[cut, cut]

    @staticmethod
    def _near(padded: npt.NDArray[_Number], pixel: tuple[int, int], reach: int) -> npt.NDArray[_Number]:
        rows, cols = (slice(n + NEAR + 1 - reach, n + NEAR + 2 + reach) for n in pixel)
        return padded[rows, cols]

    def errors(self) -> Floats:
        """How far each target is off, in dB of its energy or, where that is more, in a share of those of its peak; 0 where the tile does
        not decide alone."""
        out = np.zeros(len(self.found))
        for index, place in enumerate(self.found.places):
            pixel = (int(place[0]), int(place[1]))
            if self._near(self._own, pixel, DECIDING_PX).all():
                wanted = self._near(self._original, pixel, ENERGY_PX)
                given = _power(self._near(self._image, pixel, ENERGY_PX))
                ground = self.found.ground[index]
                energy = _off_db(given.sum(), wanted.sum(), np.count_nonzero(wanted) * ground)
                peak = _off_db(given[1:-1, 1:-1].max(), wanted[1:-1, 1:-1].max(), 0.0)
                out[index] = max(abs(energy), PEAK_SHARE * abs(peak))
        return out

    def _gains(self, bits: float) -> list[_Bump]:
        """Bumps, of amplitude 0 yet, for the targets that are off most, a second one where the first did not do."""
        size = self.errors()
        order = np.argsort(-size, kind="stable")
        spent = sum(not bump.added for bump in self.bumps)
        order = order[: max(0, max(_allowed(size, bits, spent)))]
        bumps: list[_Bump] = []
        used = {bump.block for bump in self.bumps} | self.used
        pixels = {bump.pixel for bump in self.bumps if bump.block is None}
        for index in order:
            row, col = (int(n) for n in self.found.places[index])
            bump = _Bump((row, col), (row, col), int(index), False)
            block = self._block(row, col)
            if block is not None and block[0] not in used:
                bump.block, bump.pixel = block
                used.add(block[0])
            elif bump.pixel in pixels:
                continue
            else:
                pixels.add(bump.pixel)
            bumps.append(bump)
        return bumps

    def _block(self, row: int, col: int) -> tuple[int, tuple[int, int]] | None:
        """Number and brightest pixel of the block of a target, where that pixel is the target, safely found and the tile's own."""
        top, left = row // BLOCK_PX, col // BLOCK_PX
        place = np.s_[top * BLOCK_PX : (top + 1) * BLOCK_PX, left * BLOCK_PX : (left + 1) * BLOCK_PX]
        inner = all(0 < n < SIDE_BLOCKS - 1 for n in (top, left))
        if not inner or not self.decoded.own[place].all():
            return None
        levels = self.decoded.found[place]
        brightest = np.unravel_index(int(levels.argmax()), levels.shape)
        pixel = (top * BLOCK_PX + int(brightest[0]), left * BLOCK_PX + int(brightest[1]))
        first, second = np.partition(levels.reshape(-1), -2)[:-3:-1] if levels.size > 1 else (np.inf, 0)
        if first - second < LEAD_DB or max(abs(pixel[0] - row), abs(pixel[1] - col)) > 1:
            return None
        return top * SIDE_BLOCKS + left, pixel

    def _fit(self, bump: _Bump) -> None:
        """The width (of gains) and amplitude whose energies and peak are nearest to the original's."""
        other = _power(self._near(self._image, bump.pixel, NEAR))
        down, right = (t - p for t, p in zip(bump.target, bump.pixel))
        ground = self.found.ground[bump.index]
        images, factors = _added_factors(bump.width == 0, bump.quarters) if bump.added else _gain_factors()
        cost = np.zeros(factors.shape[:2])
        for reach, weight in ((ENERGY_PX, ENERGY_WEIGHT), (1, INNER_WEIGHT)):
            window = np.s_[
                NEAR + down - reach : NEAR + down + reach + 1, NEAR + right - reach : NEAR + right + reach + 1
            ]
            wanted = self._near(self._original, bump.target, reach)
            given = np.einsum("wars,rs->wa", factors[(..., *window)], other[window])
            cost += weight * np.square(_off_db(given, wanted.sum(), np.count_nonzero(wanted) * ground))
            if reach == ENERGY_PX:
                excess = given - wanted.sum()
                some = wanted > 0
                lacks = 10 * np.log10(wanted[some] / other[window][some])
                cost += SHAPE_WEIGHT * np.square(images[(..., *window)][..., some] - lacks).mean(2)
        peaks = (factors[(..., *window)] * other[window]).max((2, 3))
        cost += PEAK_WEIGHT * np.square(_off_db(peaks, wanted.max(), 0.0))
        if bump.added:
            given_back = (0 if bump.width == 0 else bump.width - 1, bump.amplitude - 1)
            cost[given_back] -= GIVEN_BACK_BONUS
        # Among what is as good, that which leaves the tile's power as it is.
        unbalanced = np.abs(excess + sum(other.excess for other in self.bumps if other is not bump))
        best = np.where(cost <= cost.min() + AS_GOOD, unbalanced, np.inf).argmin()
        width, amplitude = np.unravel_index(int(best), cost.shape)
        bump.excess = float(excess[width, amplitude])
        if not bump.added:
            bump.width, bump.amplitude = int(width), int(_AMPLITUDES[amplitude])
        else:
            bump.width = 0 if bump.width == 0 else int(width) + 1
            bump.amplitude = int(_AMPLITUDES[_AMPLITUDES > 0][amplitude])


def _allowed(off_db: Floats, bits: float, spent: int) -> list[int]:
    """How many targets each tolerance allows another bump, `spent` of them so far."""
    return [min(int((off_db > t).sum()), int(share * bits / BITS_A_GAIN) - spent) for t, share in TOLERANCES_DB]


def _power(levels_db: Floats) -> Floats:
    found: Floats = np.power(10.0, levels_db / 10)
    return found


def _off_db(given: Floats, wanted: float, ground: float) -> Floats:
    """Error in dB of an energy less the ground's share, which is at most three quarters of what is wanted."""
    ground = min(ground, 0.75 * wanted)
    off: Floats = 10 * np.log10(np.maximum((given - ground) / (wanted - ground), LEAST_ENERGY))
    return off


@lru_cache(maxsize=1)
def _gain_factors() -> tuple[Floats, Floats]:
    """Gain bumps in dB by width, amplitude and pixel (4, 333, 9, 9), and as factors of the power."""
    cut = slice(REACH - NEAR, REACH + NEAR + 1)
    heights = (_AMPLITUDES * UNIT_DB)[None, :, None, None]
    images = heights * gain_shapes()[:, None, cut, cut]
    return images, _power(images)


@lru_cache(maxsize=32)
def _added_factors(single: bool, quarters: tuple[int, int]) -> tuple[Floats, Floats]:
    """The same of added bumps of amplitudes above 0 (1 or 4, 166, 9, 9)."""
    cut = slice(REACH - NEAR, REACH + NEAR + 1)
    widths = added_shapes()[:1] if single else added_shapes()[1:]
    shapes = widths[(slice(None), *quarters, cut, cut)].astype(np.float64)
    heights = np.power(10.0, _AMPLITUDES[_AMPLITUDES > 0] * UNIT_DB / 10)[None, :, None, None]
    factors = 1 + (heights - 1) * shapes[:, None]
    return 10 * np.log10(factors), factors


def taken_out(found: Found, step_db: float) -> Bools:
    """Which targets to take out before analysis, by the original and the step alone, so that neighbouring tiles agree."""
    return worth_bits(found, step_db) > LEAST_WORTH_BITS


def worth_bits(found: Found, step_db: float) -> Floats:
    """Bits that a block would save if it were a Gaussian source, as many as its variance over the quantiser's says at high rate.

    Of what is saved in truth it is a third at most: other targets of the block have widened the tables already.
    """
    noise = step_db**2 / SQUARES_A_STEP
    before, after = (np.log2(noise + found.clutter + squares / BLOCK**2) for squares in (found.before, found.after))
    worth: Floats = BLOCK**2 / 2 * (before - after)
    return worth

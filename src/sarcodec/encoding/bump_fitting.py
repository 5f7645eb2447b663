"""Width and amplitude of a tile's bumps: those that bring each target's energies and peak nearest to the original's.

In: a tile's levels as they decode, what they should be, a table of bumps; out: the table, fitted. Compiled (native/bumps.c), or the same in NumPy. Floats; a reader never
runs this.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from sarcodec import native
from sarcodec.format.targets import LARGEST
from sarcodec.native import targets as kernels
from sarcodec.signal.bumps import REACH, UNIT_DB, added_db, added_shapes, gain_shapes

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats, Integers

_Number = TypeVar("_Number", bound=np.generic)
PEAK_SHARE = 0.45  # an error of the peak counts as so much of one of the energy
ENERGY_PX = 2  # half side of the square over which a target's energy is taken
DECIDING_PX = ENERGY_PX + 1  # half side of the square whose pixels decide of a target's bump
NOTHING_DB = -300.0
LEAST_ENERGY = 0.02  # of the original's: what is below counts as that
NEAR = REACH - 2  # half side of what the fit of a bump looks at
AS_GOOD = 0.02
GIVEN_BACK_BONUS = 0.1  # what was taken out comes back as it was unless another bump is better by so much
# Weights of the errors of the energy of 5 x 5 px, of 3 x 3 px, of the peak, and of all pixels.
ENERGY_WEIGHT, INNER_WEIGHT, PEAK_WEIGHT, SHAPE_WEIGHT = 2.0, 0.5, 0.55, 0.02
_AMPLITUDES = np.arange(-LARGEST, LARGEST + 1)


class Bump(NamedTuple):
    """A row of the table: the bump's pixel, its target's (within one pixel of it), the target's number, and what is stored."""

    row: int
    col: int
    target_row: int
    target_col: int
    number: int
    added: int
    width: int = 0
    down: int = 0
    right: int = 0
    amplitude: int = 0


@dataclass(frozen=True, eq=False)
class BumpTile:
    """image: levels (rows, cols) float64 with the bumps that are on them, which the fit changes; original float32, -inf where it does not count; own: where the tile
    decides alone what a reader has. All in dB relative to the band's level. grounds: mean power around each target, float64 (n,)."""

    image: Floats
    original: Floats
    own: Bools
    grounds: Floats

    @classmethod
    def of(cls, original: Floats, levels: Floats, own: Bools, grounds: Floats) -> BumpTile:
        image = np.where(np.isfinite(original), levels, np.float32(NOTHING_DB)).astype(np.float64)
        wanted = np.ascontiguousarray(original, np.float32)
        return cls(image, wanted, np.ascontiguousarray(own), np.ascontiguousarray(grounds, np.float64))

    def fit(self, bumps: Integers, excesses: Floats, new: int, sweeps: int) -> bool:
        """Puts the last `new` bumps on the image, then fits all that the tile decides in turns, until none changes or there were so many; whether the last changed one. bumps: int32 (n, 10), rows as `Bump`, and excesses (n,), by how much
        the power is too high with each: both are changed."""
        if native.available():
            tile = (self.image, self.original, self.own)
            return kernels.fit_bumps(tile, _tables(), self.grounds, (bumps, excesses), new, sweeps)
        return _Slow(self).fit(bumps, excesses, new, sweeps)

    def errors(self, places: Integers) -> Floats:
        """How far each target (n, 2) is off, in dB of its energy or, where that is more, in a share of those of its peak; 0 where the tile does
        not decide alone."""
        if native.available():
            wanted = np.ascontiguousarray(places, np.int32)
            return kernels.errors((self.image, self.original, self.own), wanted, self.grounds)
        return _Slow(self).errors(places)


class _Slow:
    """The twin in NumPy."""

    def __init__(self, tile: BumpTile) -> None:
        self.tile = tile

    def fit(self, bumps: Integers, excesses: Floats, new: int, sweeps: int) -> bool:
        for number in range(len(bumps) - new, len(bumps)):
            self._add(Bump(*bumps[number].tolist()), 1)
        changed = True
        for _ in range(sweeps):
            if not changed:
                break
            changed = False
            for number in range(len(bumps)):
                bump = Bump(*bumps[number].tolist())
                if _cut(self.tile.own, (bump.row, bump.col), DECIDING_PX, None).all():
                    others = excesses.sum() - excesses[number]
                    self._add(bump, -1)
                    bump, excesses[number] = self._fitted(bump, others)
                    self._add(bump, 1)
                    changed |= tuple(bumps[number].tolist()) != bump
                    bumps[number] = np.array(bump)
        return changed

    def _add(self, bump: Bump, sign: int) -> None:
        height = np.array(bump.amplitude * UNIT_DB, np.float32)
        if bump.added:
            image = added_db(height, added_shapes()[bump.width, bump.down, bump.right])
        else:
            image = height * gain_shapes()[bump.width]
        reach, levels = NEAR + 1, self.tile.image
        rows, inner_rows = _inside(bump.row, reach, levels.shape[0])
        cols, inner_cols = _inside(bump.col, reach, levels.shape[1])
        cut = slice(REACH - reach, REACH + reach + 1)
        levels[rows, cols] += sign * image[cut, cut][inner_rows, inner_cols]

    def errors(self, places: Integers) -> Floats:
        out = np.zeros(len(places))
        for index, place in enumerate(places):
            pixel = (int(place[0]), int(place[1]))
            if _cut(self.tile.own, pixel, DECIDING_PX, None).all():
                wanted = _power(_cut(self.tile.original, pixel, ENERGY_PX, -np.inf))
                given = _power(_cut(self.tile.image, pixel, ENERGY_PX, NOTHING_DB))
                energy = _off_db(given.sum(), wanted.sum(), np.count_nonzero(wanted) * self.tile.grounds[index])
                peak = _off_db(given[1:-1, 1:-1].max(), wanted[1:-1, 1:-1].max(), 0.0)
                out[index] = max(abs(energy), PEAK_SHARE * abs(peak))
        return out

    def _fitted(self, bump: Bump, others: float) -> tuple[Bump, float]:
        """With the width (of gains) and amplitude that cost least, and by how much the power is too high with it."""
        cost, excess = self._costs(bump)
        unbalanced = np.abs(excess + others)  # among what is as good, that which leaves the tile's power as it is
        best = np.where(cost <= cost.min() + AS_GOOD, unbalanced, np.inf).argmin()
        width, amplitude = (int(n) for n in np.unravel_index(int(best), cost.shape))
        found = float(excess[width, amplitude])
        if not bump.added:
            return bump._replace(width=width, amplitude=int(_AMPLITUDES[amplitude])), found
        return bump._replace(width=0 if bump.width == 0 else width + 1, amplitude=amplitude + 1), found

    def _costs(self, bump: Bump) -> tuple[Floats, Floats]:
        """Of each width and amplitude, and by how much the power is too high."""
        other_db = _cut(self.tile.image, (bump.row, bump.col), NEAR, NOTHING_DB)
        other, (down, right) = _power(other_db), (bump.target_row - bump.row, bump.target_col - bump.col)
        ground = float(self.tile.grounds[bump.number])
        single, quarters = bump.width == 0, (bump.down, bump.right)
        images, factors = _added_factors(single, quarters) if bump.added else _gain_factors()
        cost = np.zeros(factors.shape[:2])
        for reach, weight in ((ENERGY_PX, ENERGY_WEIGHT), (1, INNER_WEIGHT)):
            window = np.s_[
                NEAR + down - reach : NEAR + down + reach + 1, NEAR + right - reach : NEAR + right + reach + 1
            ]
            wanted_db = _cut(self.tile.original, (bump.target_row, bump.target_col), reach, -np.inf)
            wanted = _power(wanted_db)
            given = np.einsum("wars,rs->wa", factors[(..., *window)], other[window])
            cost += weight * np.square(_off_db(given, wanted.sum(), np.count_nonzero(wanted) * ground))
            if reach == ENERGY_PX:
                excess, some = given - wanted.sum(), wanted > 0
                lacks = wanted_db[some] - other_db[window][some]
                cost += SHAPE_WEIGHT * np.square(images[(..., *window)][..., some] - lacks).mean(2)
        peaks = (factors[(..., *window)] * other[window]).max((2, 3))
        cost += PEAK_WEIGHT * np.square(_off_db(peaks, wanted.max(), 0.0))
        if bump.added:
            cost[0 if single else bump.width - 1, bump.amplitude - 1] -= GIVEN_BACK_BONUS
        return cost, excess


def _inside(place: int, reach: int, size: int) -> tuple[slice, slice]:
    """What of an axis of `size` pixels lies within `reach` of a place on it, and where within that reach."""
    first, last = max(0, place - reach), min(size, place + reach + 1)
    return slice(first, last), slice(first - place + reach, last - place + reach)


def _cut(
    values: npt.NDArray[_Number], pixel: tuple[int, int], reach: int, beyond: float | None
) -> npt.NDArray[_Number]:
    """A square around a pixel; beyond: the value outside, None for the nearest one inside."""
    rows, cols = (np.arange(n - reach, n + reach + 1) for n in pixel)
    held: npt.NDArray[_Number] = values[np.ix_(rows.clip(0, values.shape[0] - 1), cols.clip(0, values.shape[1] - 1))]
    if beyond is None:
        return held
    inside = ((rows >= 0) & (rows < values.shape[0]))[:, None] & ((cols >= 0) & (cols < values.shape[1]))
    return np.where(inside, held, np.array(beyond, values.dtype))


def _power(levels_db: Floats) -> Floats:
    found: Floats = np.power(10.0, levels_db.astype(np.float64) / 10)
    return found


def _off_db(given: Floats, wanted: float, ground: float) -> Floats:
    """Error in dB of an energy less the ground's share, which is at most three quarters of what is wanted."""
    ground = min(ground, 0.75 * wanted)
    off: Floats = 10 * np.log10(np.maximum((given - ground) / (wanted - ground), LEAST_ENERGY))
    return off


@lru_cache(maxsize=1)
def _tables() -> tuple[Floats, Floats, Floats, Floats]:
    """What the compiled fit looks up."""
    factors = np.ascontiguousarray(_gain_factors()[1], np.float64)
    return gain_shapes(), np.ascontiguousarray(added_shapes()), factors, _heights()


@lru_cache(maxsize=1)
def _gain_factors() -> tuple[Floats, Floats]:
    """Gain bumps in dB by width, amplitude and pixel (4, 333, 9, 9), and as factors of the power."""
    cut = slice(REACH - NEAR, REACH + NEAR + 1)
    heights = (_AMPLITUDES * UNIT_DB)[None, :, None, None]
    images = heights * gain_shapes()[:, None, cut, cut]
    return images, _power(images)


def _heights() -> Floats:
    """Powers of the amplitudes of added bumps (166,)."""
    found: Floats = np.power(10.0, _AMPLITUDES[_AMPLITUDES > 0] * UNIT_DB / 10)
    return found


@lru_cache(maxsize=32)
def _added_factors(single: bool, quarters: tuple[int, int]) -> tuple[Floats, Floats]:
    """The same of added bumps of amplitudes above 0 (1 or 4, 166, 9, 9)."""
    cut = slice(REACH - NEAR, REACH + NEAR + 1)
    widths = added_shapes()[:1] if single else added_shapes()[1:]
    shapes = widths[(slice(None), *quarters, cut, cut)].astype(np.float64)
    factors = 1 + (_heights()[None, :, None, None] - 1) * shapes[:, None]
    return 10 * np.log10(factors), factors

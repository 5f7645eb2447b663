"""The power of a reduced picture: what a file stores of it a tile and band, and the levels that come of it (docs/format.md, 17.3).

In: reduced levels in dB of least error, and the few whole numbers of the section; out: levels in dB of the mean power of each 8 x 8 px. Knows no file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile
from sarcodec.format.varint import Cursor, fold, pack_varint, unfold
from sarcodec.native import power as kernels
from sarcodec.signal.correction import LIMIT, POWER_SHARES, block_quantiles, decibels, factors
from sarcodec.signal.planes import BLOCK_PX, compiled

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

SPOT_UNIT_DB = 1 / 4
KNOTS = len(POWER_SHARES)


@dataclass(frozen=True)
class Overview:
    """What is stored of a tile and band, whole numbers.

    power (5,): correction of the power in 1/64 dB, dark to bright. spots, rising, and levels (n,): reduced pixels, by their number row by row,
    whose power is another, as targets have it, and the level of that in 1/4 dB above the band's offset.
    """

    power: tuple[int, ...] = (0,) * KNOTS
    spots: tuple[int, ...] = ()
    levels: tuple[int, ...] = ()

    def pack(self) -> bytes:
        """The contents of a section; b'' if there is nothing to say."""
        if not any(self.power) and not self.spots:
            return b""
        gaps = [b - a - 1 for a, b in pairwise((-1, *self.spots))]
        spots = (number for gap, level in zip(gaps, self.levels, strict=True) for number in (gap, fold(level)))
        steps = (fold(b - a) for a, b in pairwise((0, *self.power)))
        return b"".join(map(pack_varint, (*steps, *spots)))


NOTHING = Overview()


def unpack_overview(data: bytes, count: int) -> Overview:
    """The way back from `pack`, for a tile of `count` reduced pixels. Raises CorruptFile."""
    numbers = Cursor(data, "reduced power of a tile").varints("number")
    power = tuple(accumulate(map(unfold, numbers[:KNOTS])))
    spots = tuple(accumulate(gap + 1 for gap in numbers[KNOTS::2]))
    levels = tuple(map(unfold, numbers[KNOTS + 1 :: 2]))
    _check(len(power) == KNOTS and len(spots) == len(levels), f"{len(numbers)} numbers, expected {KNOTS} and pairs")
    _check(any(power) or bool(spots), "numbers that say nothing")
    _check(max(map(abs, (*power, *levels))) < LIMIT, f"corrections or levels of {LIMIT} or more in size")
    _check(not spots or spots[-1] < count + 1, f"reduced pixel {spots[-1] - 1 if spots else 0} of {count}")
    return Overview(power, tuple(spot - 1 for spot in spots), levels)


def _check(holds: bool, found: str) -> None:
    if not holds:
        raise CorruptFile(f"reduced power of a tile: it has {found}; the file is damaged")


def knots_of(levels: Floats, own: tuple[slice, slice]) -> Floats:
    """Levels in dB at which the five corrections hold. own: the reduced pixels that the tile's own latents decide."""
    inner = np.ascontiguousarray(levels[own])
    return block_quantiles(inner, np.array(POWER_SHARES)) + 1e-3 * np.arange(KNOTS)


def power_db(levels: Floats, knots: Floats, power: Sequence[int]) -> Floats:
    """What corrections at knots add to levels (rows, cols), dB."""
    if compiled(levels):
        shape_px = levels.shape[0] * BLOCK_PX, levels.shape[1] * BLOCK_PX
        return kernels.power_blocks(levels, shape_px, None, (knots, factors(tuple(power))), 0.0)
    return decibels(np.interp(levels, knots, factors(tuple(power)))).astype(np.float32)


def with_overview(levels: Floats, own: tuple[slice, slice] | None, overview: Overview, offset_db: float) -> Floats:
    """Levels (rows, cols) float32 of least error to those of the mean power. own: as `knots_of` takes it, None where there is none: then all are;
    offset_db: what levels of spots are above."""
    found = levels
    if any(overview.power):
        found = levels + power_db(levels, knots_of(levels, own or np.s_[:, :]), overview.power)
    if overview.spots:
        found = found.copy()
        found.reshape(-1)[list(overview.spots)] = np.array(overview.levels) * SPOT_UNIT_DB + offset_db
    return found


def pooled_power(levels: Floats, valid: Bools, side: int) -> Floats:
    """Levels in dB (rows, cols) -> levels of the mean power of the valid ones of each side x side, float32; 0 where there is none."""
    if not valid.any():
        return np.zeros([-(-length // side) for length in levels.shape], np.float32)
    everywhere = valid.all() and not (valid.shape[0] % side or valid.shape[1] % side)
    top = float(levels.max() if everywhere else levels.max(where=valid, initial=-np.inf))
    power = np.exp((levels - top) * (math.log(10) / 10), dtype=np.float64)
    counts = np.float64(side**2) if everywhere else _sums(valid.astype(np.float64), side)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = decibels(_sums(power if everywhere else np.where(valid, power, 0), side) / counts) + top
    return np.where(counts > 0, np.maximum(found, float(np.finfo(np.float32).min)), 0).astype(np.float32)


def _sums(values: Floats, side: int) -> Floats:
    """Over squares of side x side, cut at the ends."""
    grow = [(0, -length % side) for length in values.shape]
    whole = np.pad(values, grow) if grow != [(0, 0), (0, 0)] else values
    rows = sum((whole[n::side] for n in range(1, side)), whole[::side])
    return sum((rows[:, n::side] for n in range(1, side)), rows[:, ::side])

"""The power of a reduced picture: what a file stores of it a tile and band, and the levels that come of it (docs/format.md, 17.3).

In: reduced levels in dB of least error, and the few whole numbers of the section; out: levels in dB of the mean power of each 8 x 8 px. Knows no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile
from sarcodec.format.varint import Cursor, fold, pack_varint, unfold
from sarcodec.signal.correction import LIMIT, POWER_SHARES, block_quantiles, factors

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

SPOT_UNIT_DB = 1 / 4
KNOTS = len(POWER_SHARES)


@dataclass(frozen=True)
class Spot:
    """A reduced pixel of a tile, by its number row by row, and the level of its mean power in 1/4 dB above the band's offset."""

    number: int
    level: int


@dataclass(frozen=True)
class Overview:
    """power (5,): correction of the power in 1/64 dB, dark to bright; spots, rising: reduced pixels whose power is another, as targets have."""

    power: tuple[int, ...] = (0,) * KNOTS
    spots: tuple[Spot, ...] = ()

    def pack(self) -> bytes:
        """The contents of a section; b'' if there is nothing to say."""
        if not any(self.power) and not self.spots:
            return b""
        steps = (self.power[0], *(b - a for a, b in pairwise(self.power)))
        numbers = [fold(n) for n in steps]
        for before, spot in pairwise((Spot(-1, 0), *self.spots)):
            numbers += [spot.number - before.number - 1, fold(spot.level)]
        return b"".join(map(pack_varint, numbers))


NOTHING = Overview()


def unpack_overview(data: bytes, count: int) -> Overview:
    """The way back from `pack`, for a tile of `count` reduced pixels. Raises CorruptFile."""
    cursor = Cursor(data, "reduced power of a tile")
    power, spots, level, number = [], list[Spot](), 0, -1
    for _ in range(KNOTS):
        level += unfold(cursor.varint("correction"))
        power.append(level)
    while cursor.left:
        number += cursor.varint("place of a reduced pixel") + 1
        spots.append(Spot(number, unfold(cursor.varint("level of a reduced pixel"))))
        if number >= count or abs(spots[-1].level) >= LIMIT:
            raise CorruptFile(
                f"reduced power of a tile: {spots[-1]}, expected a number below {count} and a level below {LIMIT} in size; the file is damaged"
            )
    if max(map(abs, power)) >= LIMIT or not (any(power) or spots):
        raise CorruptFile(
            f"reduced power of a tile: {power}, expected {KNOTS} corrections below {LIMIT} in size that say something; the file is damaged"
        )
    return Overview(tuple(power), tuple(spots))


def knots_of(levels: Floats, own: Bools) -> Floats:
    """Levels in dB at which the five corrections hold. own: the reduced pixels that the tile's own latents decide."""
    return block_quantiles(levels[own][None], np.array(POWER_SHARES)) + 1e-3 * np.arange(KNOTS)


def with_overview(levels: Floats, own: Bools, overview: Overview, offset_db: float) -> Floats:
    """Levels (rows, cols) float32 of least error to those of the mean power. offset_db: what levels of spots are above."""
    found = levels
    if any(overview.power):
        logs = 10 * np.log10(np.interp(levels, knots_of(levels, own), factors(overview.power)))
        found = levels + logs.astype(np.float32)
    if overview.spots:
        found = found.copy()
        places = [spot.number for spot in overview.spots]
        found.reshape(-1)[places] = [spot.level * SPOT_UNIT_DB + offset_db for spot in overview.spots]
    return found


def pooled_power(levels: Floats, valid: Bools, side: int) -> Floats:
    """Levels in dB (rows, cols) -> levels of the mean power of the valid ones of each side x side, float32; 0 where there is none."""
    top = np.float64(levels.max(where=valid, initial=-np.inf)) if valid.any() else np.float64(0)
    power = np.where(valid, np.power(10, (levels.astype(np.float64) - top) / 10), 0)
    counts = _sums(valid.astype(np.float64), side)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 10 * np.log10(_sums(power, side) / counts) + top
    lowest = float(np.finfo(np.float32).min)
    return np.where(counts > 0, np.maximum(found, lowest), 0).astype(np.float32)


def _sums(values: Floats, side: int) -> Floats:
    """Over squares of side x side, cut at the ends."""
    rows, cols = (np.arange(0, length, side) for length in values.shape)
    found: Floats = np.add.reduceat(np.add.reduceat(values, rows, axis=0), cols, axis=1)
    return found

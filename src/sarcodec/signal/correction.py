"""The law of reconstruction: least-error levels of a tile to levels of unbiased power, and to levels with their texture again.

In: decoded levels, expected lost variances by cell, noise of those variances, and the few numbers that a file stores a tile and band; out: levels in dB. The
numbers are in docs/format.md, 'Power and texture'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile
from sarcodec.format.varint import Cursor, fold, pack_varint, unfold
from sarcodec.native import power as kernels
from sarcodec.signal.law import power_shift_db, quantiles, shifts, speckled
from sarcodec.signal.planes import (
    block_means,
    blocks_to_pixels,
    cells_to_blocks,
    cells_to_pixels,
    compiled,
    with_blocks,
)

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

POWER_SHARES = (0.02, 0.2, 0.5, 0.8, 0.98)  # of a tile's blocks, by level: where its five power corrections stand
DETAIL_KNOTS = (-2.0, 0.0, 2.0)  # in deviations of the detail: where its three means and spreads stand
POWER_UNIT_DB, MEAN_UNIT_DB, SPREAD_UNIT = 1 / 64, 1 / 16, 1 / 16
LEAST_VARIANCE = np.float32(1e-12)
LIMIT = 1 << 12  # of a stored number; 64 dB, and far more than any use


@dataclass(frozen=True)
class Correction:
    """What a file stores of a tile and band, whole numbers.

    power (5,): correction of the power in 1/64 dB, dark to bright; restored: the same for all of a tile whose texture is restored;
    means (3,): mean error in 1/16 dB; spreads (3,): log2 of the lost variance over the expected one in 1/16, by detail.
    """

    power: tuple[int, ...] = (0,) * len(POWER_SHARES)
    restored: int = 0
    means: tuple[int, ...] = (0,) * len(DETAIL_KNOTS)
    spreads: tuple[int, ...] = (0,) * len(DETAIL_KNOTS)

    @property
    def numbers(self) -> tuple[int, ...]:
        return (*self.power, self.restored, *self.means, *self.spreads)

    def pack(self) -> bytes:
        """Twelve folded varints; b'' if all are 0."""
        return b"".join(pack_varint(fold(n)) for n in self.numbers) if any(self.numbers) else b""


NONE = Correction()


def unpack_correction(data: bytes) -> Correction:
    """The way back from `pack`. Raises CorruptFile."""
    if not data:
        return NONE
    cursor = Cursor(data, "power section of a tile")
    numbers = [unfold(cursor.varint("correction")) for _ in NONE.numbers]
    if cursor.left or max(map(abs, numbers)) >= LIMIT or not any(numbers):
        raise CorruptFile(
            f"power section of a tile: {numbers} and {cursor.left} more bytes, expected {len(numbers)} numbers below {LIMIT} "
            "in size and no more, not all 0; the file is damaged"
        )
    power, means = len(POWER_SHARES), len(DETAIL_KNOTS)
    return Correction(
        tuple(numbers[:power]), numbers[power], tuple(numbers[-2 * means : -means]), tuple(numbers[-means:])
    )


@dataclass(frozen=True, eq=False)
class Ground:
    """What both corrections stand on: levels (rows, cols) in dB, their 8 x 8 block means, and lost variances of the cells with one
    cell around (cell rows + 2, cell cols + 2) in dB^2; float32, contiguous."""

    levels: Floats
    blocks: Floats
    lost: Floats

    @classmethod
    def of(cls, levels: Floats, lost: Floats) -> Ground:
        levels = np.ascontiguousarray(levels, np.float32)
        return cls(levels, block_means(levels), np.ascontiguousarray(lost, np.float32))

    @property
    def cells(self) -> Floats:
        """Lost variances of the tile's own cells."""
        return np.ascontiguousarray(self.lost[1:-1, 1:-1])

    @cached_property
    def knots(self) -> Floats:
        """Levels in dB at which the five power corrections hold; a little apart in scenes that are constant."""
        return block_quantiles(self.blocks, np.array(POWER_SHARES)) + 1e-3 * np.arange(len(POWER_SHARES))

    @cached_property
    def detail_scale(self) -> float:
        """One over the root mean square of level less local mean over the tile."""
        if compiled(self.levels):
            energy = kernels.detail_energy(self.levels, self.blocks) / self.levels.size
        else:
            energy = float(np.mean(np.square(self.levels - blocks_to_pixels(self.blocks, self.levels.shape))))
        return 1 / max(math.sqrt(energy), 1e-3)

    def detail(self) -> Floats:
        """Level less the local mean, in root mean squares of it over the tile (rows, cols)."""
        return (self.levels - blocks_to_pixels(self.blocks, self.levels.shape)) * np.float32(self.detail_scale)


def block_quantiles(blocks: Floats, shares: Floats) -> Floats:
    """Quantiles of all blocks, linear between order statistics, float64."""
    if compiled(blocks):
        return kernels.quantiles(blocks, shares)
    found: Floats = np.quantile(blocks.astype(np.float64), shares)
    return found


def decibels(factor: Floats) -> Floats:
    """Of a ratio of powers, any shape."""
    return 10 * np.log10(factor)


def factors(power: tuple[int, ...]) -> Floats:
    return np.power(10, np.array(power) * (POWER_UNIT_DB / 10))


def power_blocks(ground: Ground, power: tuple[int, ...], shifted: bool, add_db: float = 0.0) -> Floats:
    """What the stored corrections of the power add, dB, by block; shifted: and what the model's tables alone ask for."""
    if compiled(ground.levels):
        lost = (ground.lost, shifts()) if shifted else None
        return kernels.power_blocks(ground.blocks, ground.levels.shape, lost, (ground.knots, factors(power)), add_db)
    found = decibels(np.interp(ground.blocks, ground.knots, factors(power))).astype(np.float32) + np.float32(add_db)
    return found + cells_to_blocks(power_shift_db(ground.lost), ground.blocks.shape) if shifted else found


def with_power(ground: Ground, correction: Correction) -> Floats:
    """Levels whose power is what the original's is expected to be."""
    return with_blocks(ground.levels, power_blocks(ground, correction.power, True))


def detail_values(correction: Correction) -> tuple[Floats, Floats]:
    """At the three details: mean error in dB, and lost variance over the expected one, float32."""
    means = np.array(correction.means) * MEAN_UNIT_DB
    return means.astype(np.float32), np.exp2(np.array(correction.spreads) * SPREAD_UNIT).astype(np.float32)


def detail_law(detail: Floats, correction: Correction) -> tuple[Floats, Floats]:
    """`detail_values` at each pixel."""
    means, spreads = detail_values(correction)
    return _between_knots(detail, means), _between_knots(detail, spreads)


def _between_knots(detail: Floats, values: Floats) -> Floats:
    """Linear between values at `DETAIL_KNOTS`, which are evenly apart, held beyond them."""
    place = np.clip((detail - np.float32(DETAIL_KNOTS[0])) * np.float32(1 / (DETAIL_KNOTS[1] - DETAIL_KNOTS[0])), 0, 2)
    low = np.minimum(place.astype(np.int32), len(values) - 2)
    found: Floats = values[low] + np.diff(values)[low] * (place - low)
    return found


def scores_of(noise: Floats, ground: Ground) -> Floats:
    """Noise in dB at pixels -> normal scores, by the variances of its cells: in an orthonormal transform the mean over channels is that over pixels."""
    found: Floats = noise / np.sqrt(np.maximum(cells_to_pixels(ground.cells, noise.shape), LEAST_VARIANCE))
    return found


def with_texture(ground: Ground, noise: Floats, correction: Correction, power: bool) -> Floats:
    """Levels with the speckle that was lost. noise: in dB at the pixels, synthesised from the latents', so that it has the spectrum of what was lost.

    power: as unbiased as `with_power`; otherwise the mean level is that of the least-error levels.
    """
    restored = correction.restored * POWER_UNIT_DB
    added = power_blocks(ground, correction.power, False, restored) if power else np.zeros_like(ground.blocks)
    if compiled(ground.levels):
        law = (*detail_values(correction), ground.detail_scale)
        planes = (ground.blocks, added, ground.cells)
        return kernels.with_texture(ground.levels, np.ascontiguousarray(noise, np.float32), planes, law, quantiles())
    mean, spread = detail_law(ground.detail(), correction)
    variance = cells_to_pixels(ground.cells, noise.shape) * spread
    return with_blocks(ground.levels + mean + speckled(scores_of(noise, ground), variance), added)

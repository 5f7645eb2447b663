"""Targets of the original: pixels that stand out of the ground around them, each with the bump that resembles it best.

In: levels of a tile and 32 px around, and where they are valid; out: `Found`. What is found at a pixel depends on the 10 px around it
alone and on nothing else, bit for bit: two tiles that share a border find the same there. Floats; a reader never runs this.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec import native
from sarcodec.encoding.target_worth import ever_taken_out
from sarcodec.native import targets as kernels
from sarcodec.signal.bumps import ADDED_WIDTHS_PX, REACH, UNIT_DB, added_db, added_shapes
from sarcodec.signal.lapped import OVERLAP

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats, Integers

_Number = TypeVar("_Number", bound=np.generic)

STANDS_OUT_DB, STANDS_OUT_CALM_DB = 10.0, 7.0  # over the mean power of the ring around
CALM_PX, CALM_MOST = 48, 5  # so many of the weaker ones at most lie so near, down and right, where the ground is calm
RING_PX, GUARD_PX = 7, 3  # half sides of the ring around a target and of what is left out of it
PEAK_PX = 2  # half side of the square of which a target is the brightest pixel
FIT_PX = REACH
CLUTTER_PX = 10
OUTSIDE_PX = OVERLAP + REACH  # from the tile's border to the last target whose bump has a say in the tile's latents
SINGLE_DB = 12.0  # a pixel that leads all its neighbours by so much is a bump of one pixel
AMPLITUDES_DB = np.arange(4.0, 83.5, 1.0)
MATCHED_AT_ONCE = 256
LEVEL_LIMIT_DB = 150.0  # levels beyond, relative to the band's, count as that


@dataclass(frozen=True, eq=False)
class Found:
    """Targets (n, ...): places (row, column) from the tile's first pixel, outside of it too; excess over the ring in dB; ground, mean
    power of the ring relative to the band's level; the bump that resembles it (width, quarters, amplitude in half dB); squared levels over
    the ground in dB^2, before and after the bump is taken out; clutter, variance in dB^2 of the ground around."""

    places: Integers
    excess: Floats
    ground: Floats
    widths: Integers
    quarters: Integers
    amplitudes: Integers
    before: Floats
    after: Floats
    clutter: Floats

    def __len__(self) -> int:
        return len(self.places)

    def pack(self) -> bytes:
        """All numbers as doubles, for a spool."""
        return np.column_stack([getattr(self, field.name) for field in fields(self)]).astype(np.float64).tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> Found:
        """The way back from `pack`."""
        table = np.frombuffer(data, np.float64).reshape(-1, 11)
        whole, real = table.astype(np.int64), table.astype(np.float32)
        return cls(whole[:, :2], real[:, 2], real[:, 3], whole[:, 4], whole[:, 5:7], whole[:, 7], *real[:, 8:].T)

    def chosen(self, which: Bools) -> Found:
        return Found(*(getattr(self, field.name)[which] for field in fields(self)))


def find_targets(
    levels: Floats, valid: Bools, level_db: float, corner: tuple[int, int], shape: tuple[int, int]
) -> Found:
    """Targets of levels (rows, cols) in dB, in the tile and up to `OUTSIDE_PX` around it, as far as the scene goes.

    level_db: the band's; corner and shape: row and column of the tile's first pixel in `levels`, and its rows and columns.
    """
    area = np.array(corner) - OUTSIDE_PX, np.array(corner) + np.array(shape) + OUTSIDE_PX
    places, power, ground = _peaks(levels, valid, level_db, area)
    excess = 10 * np.log10(power / ground)
    kept = (excess >= STANDS_OUT_DB) | (_near(places) <= CALM_MOST)
    relative = np.clip(levels - np.float32(level_db), -LEVEL_LIMIT_DB, LEVEL_LIMIT_DB)
    return _fitted(places[kept], excess[kept], ground[kept], relative, valid, corner)


def _peaks(
    levels: Floats, valid: Bools, level_db: float, area: tuple[Integers, Integers]
) -> tuple[Integers, Floats, Floats]:
    """Pixels of an area, first and last row and column, that are the brightest around and stand out of the ring: places, powers, grounds."""
    times = 10 ** (STANDS_OUT_CALM_DB / 10)
    if native.available() and max(levels.shape) <= kernels.MOST_PX:
        tile = (np.ascontiguousarray(levels, np.float32), np.ascontiguousarray(valid))
        return kernels.peaks(*tile, (level_db, LEVEL_LIMIT_DB), times, area)
    relative = np.clip(levels - np.float32(level_db), -LEVEL_LIMIT_DB, LEVEL_LIMIT_DB)
    weight = valid.astype(np.float32)
    power = np.power(np.float32(10), relative / 10) * weight
    ground = _ring(power) / np.maximum(_ring(weight), 1)
    peaks = (power == _greatest_near(power)) & (power > ground * np.float32(times)) & (ground > 0)
    places = np.argwhere(peaks)
    places = places[np.all((places >= area[0]) & (places < area[1]), axis=1)]
    return places, power[tuple(places.T)], ground[tuple(places.T)]


def _near(places: Integers) -> Integers:
    """How many places lie within `CALM_PX` of each, itself among them; places by rising rows."""
    found = np.empty(len(places), np.int64)
    ends = (np.searchsorted(places[:, 0], places[:, 0] + reach) for reach in (-CALM_PX, CALM_PX + 1))
    for number, (first, last) in enumerate(zip(*ends)):
        found[number] = np.count_nonzero(np.abs(places[first:last, 1] - places[number, 1]) <= CALM_PX)
    return found


def _fitted(
    places: Integers, excess: Floats, ground: Floats, levels: Floats, valid: Bools, corner: tuple[int, int]
) -> Found:
    around = _windows(levels, places, CLUTTER_PX)
    counts = _windows(valid, places, CLUTTER_PX, beyond=0).astype(np.float32)
    mean, clutter = _ground_levels(around, counts)
    inner = slice(CLUTTER_PX - FIT_PX, CLUTTER_PX + FIT_PX + 1)
    above = ((around - mean[:, None, None]) * counts)[:, inner, inner].reshape(len(places), (2 * FIT_PX + 1) ** 2)
    before = np.square(above).sum(1)
    worth = ever_taken_out(clutter, before)
    best, gains = np.zeros((len(places), 4), np.int64), np.zeros_like(before)
    chosen, gains[worth] = _matches(above[worth])
    best[worth] = _templates()[2][chosen]
    after = before - np.maximum(gains, 0)
    single, height = _single_pixels(around, CLUTTER_PX)
    best[single] = np.stack([0 * height, 0 * height, 0 * height, np.rint(height / UNIT_DB)], 1)[single]
    after = np.where(single & worth, before - np.square(height), after)
    return Found(
        places - np.array(corner), excess, ground, best[:, 0], best[:, 1:3], best[:, 3], before, after, clutter
    )


def _ground_levels(around: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Mean level of the ring, and variance of the levels beyond the bump's reach, of windows (n, 21, 21)."""
    apart = np.maximum(*np.abs(np.mgrid[-CLUTTER_PX : CLUTTER_PX + 1, -CLUTTER_PX : CLUTTER_PX + 1]))
    ring = counts * ((apart > GUARD_PX) & (apart <= RING_PX))
    mean = (around * ring).sum((1, 2)) / np.maximum(ring.sum((1, 2)), 1)
    beyond = counts * (apart > FIT_PX)
    count = np.maximum(beyond.sum((1, 2)), 1)
    middle = (around * beyond).sum((1, 2)) / count
    return mean, (np.square(around - middle[:, None, None]) * beyond).sum((1, 2)) / count


def _single_pixels(around: Floats, middle: int) -> tuple[Bools, Floats]:
    """Which windows hold a pixel that leads all of its neighbours by `SINGLE_DB`, and how far it is above their median."""
    near = around[:, middle - 1 : middle + 2, middle - 1 : middle + 2].reshape(len(around), 9)
    others = np.delete(near, 4, 1)
    height = near[:, 4] - np.median(others, 1) if len(near) else np.zeros(0, np.float32)
    leads = near[:, 4] - others.max(1, initial=-np.inf) > SINGLE_DB
    return leads, np.minimum(height, np.float32(AMPLITUDES_DB[-1]))


@lru_cache(maxsize=1)
def _templates() -> tuple[Floats, Floats, Integers]:
    """Bumps (n, 176) in dB, 169 pixels and zeros, their sums of squares, and width, quarters and amplitude in half dB of each (n, 4)."""
    images, keys = [], []
    for width in range(1, len(ADDED_WIDTHS_PX)):
        for down in range(4):
            for right in range(4):
                shape = added_shapes()[width, down, right]
                images.append(added_db(AMPLITUDES_DB[:, None, None], shape).reshape(len(AMPLITUDES_DB), -1))
                keys += [(width, down, right, int(a / UNIT_DB)) for a in AMPLITUDES_DB]
    found = np.concatenate(images).astype(np.float32)
    filled = np.pad(found, ((0, 0), (0, kernels.FILLED - kernels.WINDOW)))
    return filled, np.square(found).sum(1), np.array(keys)


def _matches(above: Floats) -> tuple[Integers, Floats]:
    """Of levels above the ground (n, 169) the number of the bump that resembles each most, and how much of its sum of squares that takes away."""
    templates, squares, _ = _templates()
    if native.available():
        return kernels.matches(np.ascontiguousarray(above, np.float32), templates, squares)
    chosen, most = np.empty(len(above), np.int64), np.empty(len(above), np.float32)
    for first in range(0, len(above), MATCHED_AT_ONCE):
        part = slice(first, first + MATCHED_AT_ONCE)
        gains = 2 * above[part] @ templates[:, : above.shape[1]].T - squares
        chosen[part], most[part] = gains.argmax(1), gains.max(1)
    return chosen, most


def _windows(
    image: npt.NDArray[_Number], places: Integers, reach: int, beyond: int | None = None
) -> npt.NDArray[_Number]:
    """(n, side, side) around places; beyond the image a number, or the nearest pixel."""
    apart = np.arange(-reach, reach + 1)
    rows, cols = (places[:, axis, None] + apart for axis in (0, 1))
    held = rows.clip(0, image.shape[0] - 1)[:, :, None], cols.clip(0, image.shape[1] - 1)[:, None]
    found: npt.NDArray[_Number] = image[held]
    if beyond is not None:
        inside = ((rows == held[0][:, :, 0])[:, :, None]) & ((cols == held[1][:, 0])[:, None])
        found = np.where(inside, found, np.array(beyond, image.dtype))
    return found


def _ring(values: Floats) -> Floats:
    """Sums over the ring around each pixel, without differences: those of 90 dB would leave nothing of the ground."""
    near, far = range(-GUARD_PX, GUARD_PX + 1), range(-RING_PX, RING_PX + 1)
    outer = [n for n in far if n not in near]
    sides = _summed(values, outer, 1)
    whole = sides + _summed(values, list(near), 1)
    return _summed(whole, outer, 0) + _summed(sides, list(near), 0)


def _summed(values: Floats, shifts: list[int], axis: int) -> Floats:
    """Sums of the values at so many places further along an axis, always in this order; 0 beyond the edge."""
    lines, out = np.moveaxis(values, axis, 0), np.zeros_like(values)
    sums = np.moveaxis(out, axis, 0)
    for shift in shifts:
        if shift < 0:
            sums[-shift:] += lines[:shift]
        else:
            sums[: len(lines) - shift] += lines[shift:]
    return out


def _greatest_near(values: Floats) -> Floats:
    """The greatest value of the square around each pixel."""
    out = values
    for axis in (0, 1):
        lines = np.moveaxis(out, axis, 0)
        found = lines.copy()
        for shift in range(1, PEAK_PX + 1):
            np.maximum(found[shift:], lines[:-shift], out=found[shift:])
            np.maximum(found[:-shift], lines[shift:], out=found[:-shift])
        out = np.moveaxis(found, 0, axis)
    return out

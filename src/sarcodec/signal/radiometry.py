"""Pixels to levels in dB and back, and which pixels are valid. numpy only.

In: arrays (rows, cols) of pixels and the Measure of their band. Out: float32 levels in dB, masks that are True where
valid, and pixels again. Knows no files, no georeferencing and no networks. Float pixels are tested by their bits, since
a runtime in the same process may have told the CPU to treat subnormal numbers as zero.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.format.measure import DOMAINS, Measure, Number, meaningless_pixels, nodata_pixel
from sarcodec.format.scene import DTYPES

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Pixels

__all__ = [
    "AMPLITUDE",
    "DOMAINS",
    "Measure",
    "fill_invalid",
    "finite_mask",
    "nodata_pixel",
    "normalise",
    "restore",
    "valid_mask",
]

AMPLITUDE = Measure("amplitude")
"""DN as they stand, 0 invalid: what detected products are."""

_DB_PER_DECADE = {"amplitude": 20.0, "power": 10.0}
_EXPONENT_BITS: dict[int, np.uint32 | np.uint64] = {4: np.uint32(0x7F800000), 8: np.uint64(0x7FF0000000000000)}
_SMALLEST = {4: -149, 8: -1074}  # the smallest positive float is 2 to this power
_LARGEST_LEVEL_DB = float(np.finfo(np.float32).max)
_TABLE_BYTES = 2  # levels of integers up to this size are looked up


def _check_dtype(dtype: np.dtype) -> None:
    if dtype.name not in DTYPES or not dtype.isnative:
        raise InvalidArgument(f"pixels are {dtype.str}; expected one of {', '.join(DTYPES)} in native order")


def valid_mask(pixels: Pixels, measure: Measure) -> Bools:
    """True where a pixel is valid: finite, neither nodata nor a fill, and a physical value above 0 in amplitude and
    power. Shape of `pixels`."""
    _check_dtype(pixels.dtype)
    valid = _measured(pixels, measure)
    for value in meaningless_pixels(pixels.dtype, measure):
        valid &= pixels != value
    return valid


def finite_mask(pixels: Pixels) -> Bools:
    """True where a pixel is a finite number. Shape of `pixels`."""
    if pixels.dtype.kind != "f":
        return np.ones(pixels.shape, bool)
    exponent = _EXPONENT_BITS[pixels.itemsize]
    found: Bools = pixels.view(exponent.dtype) & exponent != exponent
    return found


def _measured(pixels: Pixels, measure: Measure) -> Bools:
    if measure.domain == "db":
        return finite_mask(pixels)
    if measure.offset:
        return finite_mask(pixels) & (_physical(pixels, measure) > 0)
    if pixels.dtype.kind != "f":
        return pixels > 0
    # Bits from 1 to the largest are the positive finite numbers; 0 wraps round to the top.
    exponent = _EXPONENT_BITS[pixels.itemsize]
    return pixels.view(exponent.dtype) - exponent.dtype.type(1) < exponent - exponent.dtype.type(1)


def _physical(pixels: Pixels, measure: Measure) -> Floats:
    """pixel * scale + offset in float64; infinite where pixels are, or beyond the largest float."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = pixels.astype(np.float64)
        values *= measure.scale
        values += measure.offset
    return values


def normalise(pixels: Pixels, measure: Measure) -> tuple[Floats, Bools]:
    """Levels in dB (float32, 0 where invalid, finite everywhere) and the valid mask, both of the shape of `pixels`.

    L = 20 log10(amplitude), 10 log10(power), or the dB value itself, each after scale and offset.
    """
    valid = valid_mask(pixels, measure)
    if measure.domain == "db" and measure.is_plain and pixels.dtype == np.float32:
        return np.where(valid, pixels, np.float32(0)), valid
    if pixels.dtype.kind != "f" and pixels.itemsize <= _TABLE_BYTES:
        table = _level_table(measure.domain, measure.scale, measure.offset, pixels.dtype.name)
        level_db = np.take(table, pixels.view(f"u{pixels.itemsize}"))
    else:
        level_db = _levels(pixels, valid, measure)
    level_db *= valid
    return level_db, valid


@lru_cache(maxsize=8)
def _level_table(domain: str, scale: float, offset: float, dtype: str) -> Floats:
    """Level of every pixel value, by its bits as an unsigned number; 0 where the value has none."""
    values = np.arange(1 << (8 * np.dtype(dtype).itemsize), dtype=np.uint16).astype(dtype)
    measure = Measure(domain, scale, offset)
    valid = _measured(values, measure)
    table = np.where(valid, _levels(values, valid, measure), np.float32(0))
    table.flags.writeable = False
    return table


def _levels(pixels: Pixels, valid: Bools, measure: Measure) -> Floats:
    """float32 levels where valid, any finite number elsewhere."""
    if measure.domain == "db":
        values = np.where(valid, _physical(pixels, measure), 0)
        return np.clip(values, -_LARGEST_LEVEL_DB, _LARGEST_LEVEL_DB, out=values).astype(np.float32)
    decade = _DB_PER_DECADE[measure.domain]
    positive = np.where(valid, pixels, pixels.dtype.type(1))
    if not measure.is_plain:
        positive = np.minimum(_physical(positive, measure), np.finfo(np.float64).max)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = np.log10(positive, dtype=np.float64)
    level *= decade
    # Only a product that underflows, or a CPU that treats subnormals as zero, goes below this, to minus infinity.
    lowest = decade * (_SMALLEST[8 if pixels.itemsize == 8 or not measure.is_plain else 4]) * math.log10(2)
    return np.maximum(level, lowest, out=level).astype(np.float32)


def restore(level_db: Floats, measure: Measure, dtype: np.dtype | str) -> Pixels:
    """Valid pixels of `dtype` from float32 levels in dB: the way back of normalise for a tile that is valid everywhere.

    No result is invalid, however extreme the level: integers are rounded and clipped to the valid ones, floats are
    finite (and their physical value above 0 in amplitude and power), and what would equal nodata or a fill moves to the
    next value that means something. The caller then puts the invalid pixels back. Raises InvalidArgument for levels that
    are not numbers.
    """
    dtype = np.dtype(dtype)
    _check_dtype(dtype)
    if np.isnan(level_db).any():
        raise InvalidArgument("levels hold NaN; expected numbers. The model or its runtime is at fault: run verify")
    plain = measure.is_plain
    if measure.domain == "db" and plain and dtype == np.float32:
        pixels = np.clip(level_db, -_LARGEST_LEVEL_DB, _LARGEST_LEVEL_DB).astype(dtype)
    elif measure.domain == "db":
        pixels = _within_type((level_db.astype(np.float64) - measure.offset) / measure.scale, dtype)
    elif plain and dtype.kind != "f" and dtype.itemsize <= _TABLE_BYTES:
        pixels = _restore_small_integers(level_db, measure.domain, dtype)
    else:
        pixels = _restore_positive(level_db, measure, dtype)
    return _avoid_meaningless(pixels, measure)


def _restore_small_integers(level_db: Floats, domain: str, dtype: np.dtype) -> Pixels:
    # float32 is enough: its error at the largest DN is 0.1, under the half that rounding forgives.
    scale = np.float32(math.log(10) / _DB_PER_DECADE[domain])
    values = np.clip(level_db, np.float32(-1), np.float32(200)) * scale
    np.exp(values, out=values)
    np.rint(values, out=values)
    return np.clip(values, 1, np.iinfo(dtype).max, out=values).astype(dtype)


def _restore_positive(level_db: Floats, measure: Measure, dtype: np.dtype) -> Pixels:
    values = np.clip(level_db, -10_000, 10_000).astype(np.float64)
    values *= math.log(10) / _DB_PER_DECADE[measure.domain]
    with np.errstate(over="ignore", under="ignore"):
        np.exp(values, out=values)
        if not measure.is_plain:
            values -= measure.offset
            values /= measure.scale
        pixels = _within_type(values, dtype)
    if dtype.kind == "f" and not measure.offset:
        # From the smallest subnormal to the largest number, said in bits: 0 moves up.
        bits = pixels.view(f"u{dtype.itemsize}")
        found: Pixels = np.maximum(bits, bits.dtype.type(1), out=bits).view(dtype)
        return found
    return np.maximum(pixels, _lowest_valid(measure, dtype), out=pixels)


def _within_type(values: Floats, dtype: np.dtype) -> Pixels:
    """float64 numbers (infinite ones too) as the nearest finite pixels of a type."""
    if dtype.kind != "f":
        limits = np.iinfo(dtype)
        return np.clip(np.rint(values, out=values), limits.min, limits.max, out=values).astype(dtype)
    limit = float(np.finfo(dtype).max)
    with np.errstate(under="ignore"):
        return np.clip(values, -limit, limit).astype(dtype)


@lru_cache(maxsize=64)
def _lowest_valid(measure: Measure, dtype: np.dtype) -> Number:
    """The smallest pixel whose physical value, amplitude or power, is above 0; the largest pixel where none is."""
    if not measure.offset:
        one: Number = dtype.type(1)
        return one
    limits = np.iinfo(dtype) if dtype.kind != "f" else np.finfo(dtype)

    def above(pixel: Number) -> bool:
        return bool(_physical(np.array(pixel), measure) > 0)

    with np.errstate(over="ignore"):
        edge = min(max(-measure.offset / measure.scale, float(limits.min)), float(limits.max))
    pixel: Number = dtype.type(edge if dtype.kind == "f" else min(max(math.floor(edge), limits.min), limits.max))
    while pixel > limits.min and above(_step(pixel, -1)):
        pixel = _step(pixel, -1)
    while pixel < limits.max and not above(pixel):
        pixel = _step(pixel, 1)
    return pixel


def _step(pixel: Number, direction: int) -> Number:
    """The neighbour of a pixel among those of its type."""
    if pixel.dtype.kind == "f":
        found: Number = np.nextafter(pixel, pixel.dtype.type(direction * np.inf))
        return found
    return pixel.dtype.type(int(pixel) + direction)


def _avoid_meaningless(pixels: Pixels, measure: Measure) -> Pixels:
    avoided = meaningless_pixels(pixels.dtype, measure)
    for value in avoided:
        found = pixels == value
        if found.any():
            pixels[found] = _beside(value, avoided, measure)
    return pixels


def _beside(value: Number, avoided: tuple[Number, ...], measure: Measure) -> Number:
    """The next larger pixel that is none of those avoided, or the next smaller one where there is none."""
    dtype: np.dtype = value.dtype
    limits = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    for direction, last in ((1, limits.max), (-1, limits.min)):
        pixel = value
        while pixel in avoided and pixel != last:
            if pixel == 0 and dtype.kind == "f" and direction > 0:
                pixel = np.finfo(dtype).tiny  # Not a subnormal: others may read that as zero.
            else:
                pixel = _step(pixel, direction)
        if pixel not in avoided:
            return pixel
    return value


def fill_invalid(level_db: Floats, valid: Bools) -> Floats:
    """Levels (rows, cols) with smooth values where invalid, so that they cost few bits; valid ones are untouched.

    Push and pull: masked means of 2x2 until no cell is empty, then up again by linear interpolation (Gortler et al.,
    The Lumigraph, 1996). 0 dB everywhere if nothing is valid. Returns a new array unless all is valid.
    """
    if valid.all():
        return level_db
    if not valid.any():
        return np.zeros_like(level_db)
    coarse = fill_invalid(*_halve(level_db, valid))
    return np.where(valid, level_db, _double(coarse, level_db.shape))


def _halve(level_db: Floats, valid: Bools) -> tuple[Floats, Bools]:
    """Mean of the valid levels of each 2x2, and where there is one. An odd edge counts as followed by invalid."""
    # A quarter before the sum: four of the largest floats must not overflow.
    levels = np.where(valid, level_db * np.float32(0.25), np.float32(0))
    weights = valid.astype(np.float32) * np.float32(0.25)
    for axis in (0, 1):
        levels, weights = _sum_pairs(levels, axis), _sum_pairs(weights, axis)
    present = weights > 0
    return np.divide(levels, weights, out=np.zeros_like(levels), where=present), present


def _sum_pairs(values: Floats, axis: int) -> Floats:
    if values.shape[axis] % 2:
        values = np.pad(values, [(0, int(which == axis)) for which in (0, 1)])
    return values[::2] + values[1::2] if axis == 0 else values[:, ::2] + values[:, 1::2]


def _double(coarse: Floats, shape: tuple[int, int]) -> Floats:
    """Twice the size by linear interpolation (weights 3/4 and 1/4, edges held), cut to `shape`."""
    for axis in (0, 1):
        coarse = _double_axis(coarse, axis)
    return coarse[: shape[0], : shape[1]]


def _double_axis(values: Floats, axis: int) -> Floats:
    padded = np.pad(values, [(int(which == axis),) * 2 for which in (0, 1)], mode="edge") * np.float32(0.25)
    before, after = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
    centre = values * np.float32(0.75)
    return np.stack([centre + before, centre + after], axis + 1).reshape(
        [size * (2 if which == axis else 1) for which, size in enumerate(values.shape)]
    )

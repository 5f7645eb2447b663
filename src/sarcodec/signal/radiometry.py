"""Pixels to levels in dB and back, and which pixels are valid.

libsarcodec does the usual kinds where it is there: levels of whole numbers of 8 and 16 bits and of float32, pixels of the same types, of
amplitude and power as they stand. The rest, and the same in NumPy, is `normalised` and `restored`: pixels may differ by the last digit of a
float32, or by 1 where a level lies between two whole numbers.

In: arrays (rows, cols) of pixels and the Measure of their band. Out: float32 levels in dB, masks that are True where
valid, and pixels again. Knows no files, no georeferencing and no networks. Float pixels are tested by their bits, since
a runtime in the same process may have told the CPU to treat subnormal numbers as zero.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.errors import InvalidArgument
from sarcodec.format.meaningless import Number, meaningless_pixels, nodata_pixel
from sarcodec.format.measure import DOMAINS, Measure
from sarcodec.format.scene import DTYPES
from sarcodec.native import pixels as kernels

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Pixels

__all__ = [
    "AMPLITUDE",
    "DOMAINS",
    "Measure",
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
    _check_dtype(pixels.dtype)
    if native.available() and pixels.dtype.kind != "f" and pixels.itemsize <= _TABLE_BYTES:
        bits = np.ascontiguousarray(pixels).view(f"u{pixels.itemsize}")
        return kernels.look_up(_valid_levels(measure, pixels.dtype.name), bits)
    if native.available() and measure.domain != "db" and measure.is_plain and pixels.dtype == np.float32:
        avoided, _ = _avoided(measure, pixels.dtype)
        return kernels.normalise(np.ascontiguousarray(pixels), _db_an_octave(measure), avoided)
    return normalised(pixels, measure)


@lru_cache(maxsize=8)
def _valid_levels(measure: Measure, dtype: str) -> Floats:
    """Level of every pixel value, by its bits as an unsigned number; NaN where it is invalid."""
    values = np.arange(1 << (8 * np.dtype(dtype).itemsize), dtype=np.uint16).astype(dtype)
    levels, valid = normalised(values, measure)
    return np.where(valid, levels, np.float32(np.nan))


def _db_an_octave(measure: Measure) -> float:
    """By how much the level of a doubled pixel is higher."""
    return _DB_PER_DECADE[measure.domain] * math.log10(2)


@lru_cache(maxsize=64)
def _avoided(measure: Measure, dtype: np.dtype) -> tuple[Pixels, Pixels]:
    """Positive pixels that mean nothing, and what stands in the place of each."""
    avoided = tuple(value for value in meaningless_pixels(dtype, measure) if value > 0)
    return np.array(avoided, dtype), np.array([_beside(value, avoided, measure) for value in avoided], dtype)


def normalised(pixels: Pixels, measure: Measure) -> tuple[Floats, Bools]:
    """`normalise` of any kind of pixels, in NumPy."""
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
    if not (native.available() and measure.domain != "db" and measure.is_plain and dtype.name in kernels.RESTORED):
        return restored(level_db, measure, dtype)
    levels = np.ascontiguousarray(level_db, np.float32)
    pixels = kernels.restore(levels, _db_an_octave(measure), *_avoided(measure, dtype))
    return _checked(pixels)


def _checked(pixels: Pixels | None) -> Pixels:
    if pixels is None:
        raise InvalidArgument("levels hold NaN; expected numbers. The model or its runtime is at fault: run verify")
    return pixels


def restored(level_db: Floats, measure: Measure, dtype: np.dtype) -> Pixels:
    """`restore` of any kind of pixels, in NumPy."""
    _checked(None if np.isnan(level_db).any() else level_db)
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

"""Levels of bounded error: the valid pixels of a type cut into intervals, each with one pixel that lies within E of all.

Whole numbers and correctly rounded quotients only, so that every machine gets the same pixels. Bounds are in 1/1000 dB.
docs/format.md, section 14. Knows no files and no nodata.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile, UnsupportedScene
from sarcodec.format.measure import Measure

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers, Pixels

BOUNDS_A_DB = 1000
BOUNDS = range(1, 20 * BOUNDS_A_DB + 1)
RATIO_BITS = 32
DB_A_STEP = 100_000  # the spacing in dB is a whole number of these parts
LARGEST_FLOAT = 0x7F7FFFFF
MOST_DN = 1 << 31  # a half width above this holds all pixels of any type
_DB_A_DECADE = {"amplitude": 20, "power": 10}
_CERTAIN = 1 - 2.0**-50  # float64 products and differences are this near to the exact ones


def ratio(bound: int, domain: str) -> int:
    """floor(2^32 * 10^(E / 20)) for amplitudes, floor(2^32 * 10^(E / 10)) for power, E = bound / 1000 dB."""
    context = Context(prec=60)
    exponent = context.divide(Decimal(bound), Decimal(BOUNDS_A_DB * _DB_A_DECADE[domain]))
    return int(context.power(Decimal(10), exponent) * (1 << RATIO_BITS))


def spacing(bound: int) -> int:
    """Distance of neighbouring levels of dB pixels, in 1/100,000 dB: 2 E less one, which leaves room for rounding."""
    return 2 * bound * (DB_A_STEP // BOUNDS_A_DB) - 1


@dataclass(frozen=True, eq=False)
class Partition:
    """Intervals in rising order: the first pixel of each and its representative, (n,) uint32, floats as their bits."""

    firsts: Integers
    values: Integers


@lru_cache(maxsize=8)
def partition(dtype: str, domain: str, bound: int) -> Partition:
    """The fewest intervals of the positive pixels of a type, amplitude or power: the widest first one, and so on.

    float64 has the intervals of float32.
    """
    factor = ratio(bound, domain)
    floats = np.dtype(dtype).kind == "f"
    largest = LARGEST_FLOAT if floats else int(np.iinfo(dtype).max)
    reach = _reach_float if floats else lambda pixel, factor: pixel * factor >> RATIO_BITS
    first, firsts, values = 1, [], []
    while first <= largest:
        value = min(reach(first, factor), largest)
        firsts.append(first)
        values.append(value)
        first = min(reach(value, factor), largest) + 1
    return Partition(np.array(firsts, np.uint32), np.array(values, np.uint32))


def _reach_float(bits: int, factor: int) -> int:
    """Bits of the largest float32 that is at most factor / 2^32 times a positive one."""
    exponent = max(bits >> 23, 1)
    mantissa = bits - (exponent - 1 << 23)
    product = mantissa * factor >> RATIO_BITS
    excess = max(product.bit_length() - 24, 0)
    return (exponent - 1 + excess << 23) + (product >> excess)


@lru_cache(maxsize=64)
def half_width(scale: float, bound: int) -> int:
    """Whole DN that E, bound / 1000 dB, is worth where one DN is |scale| dB: the floor of the exact quotient, at most 2^31."""
    return min(int(Fraction(bound, BOUNDS_A_DB) / abs(Fraction(scale))), MOST_DN)


@lru_cache(maxsize=64)
def _largest_difference(scale: float, bound: int) -> float:
    """The largest float64 that, times |scale|, is no more than the bound, exactly."""
    exact = Fraction(bound, BOUNDS_A_DB) / abs(Fraction(scale))
    if exact > Fraction(np.finfo(np.float64).max):
        return float(np.finfo(np.float64).max)
    nearest = float(exact)
    return nearest if Fraction(nearest) <= exact else math.nextafter(nearest, 0)


def check_bounded(measure: Measure) -> None:
    """UnsupportedScene for amplitude or power with an offset: an error in dB is no ratio of such pixels."""
    if measure.domain != "db" and measure.offset:
        raise UnsupportedScene(
            f"pixels are {measure.domain} with offset {measure.offset:g}, expected none: no bound in dB can be kept on them. "
            "Add the offset to the pixels and declare 0, or ask for lossless"
        )


def is_identity(dtype: str, measure: Measure, bound: int) -> bool:
    """Whether every pixel is alone in its interval, so that the bound asks for all of them exactly."""
    check_bounded(measure)
    if np.dtype(dtype).kind == "f":
        return False
    if measure.domain == "db":
        return half_width(measure.scale, bound) == 0
    # Not all intervals of four bytes: where the largest small number is alone, so are few above it.
    return np.iinfo(dtype).max <= 1 << 16 and len(partition(dtype, measure.domain, bound).firsts) == np.iinfo(dtype).max


def level_numbers(pixels: Pixels, measure: Measure, bound: int) -> Integers:
    """Number of the level, int64, of every valid pixel; no meaning where pixels are invalid."""
    check_bounded(measure)
    if measure.domain == "db":
        return _db_levels(pixels, measure.scale, bound)
    table = partition(pixels.dtype.name, measure.domain, bound)
    if pixels.dtype == np.float64:
        pixels = _float32_below(pixels)
    bits = pixels.view(f"u{pixels.itemsize}").astype(np.uint32)
    # A float64 below the smallest float32 has no level: it counts to the first, and is not within.
    return np.maximum(np.searchsorted(table.firsts, bits, side="right").astype(np.int64) - 1, 0)


def _float32_below(pixels: Pixels) -> Floats:
    """The float32 next below a positive float64: that of its interval."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        near = pixels.astype(np.float32)
        return np.where(near > pixels, np.nextafter(near, np.float32(0)), near)


def _db_levels(pixels: Pixels, scale: float, bound: int) -> Integers:
    if pixels.dtype.kind != "f":
        return pixels.astype(np.int64) // (2 * half_width(scale, bound) + 1)
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.where(np.isfinite(pixels), pixels, 0).astype(np.float64) * _parts(scale) / spacing(bound)
    return np.floor(np.clip(scaled, -(2.0**52), 2.0**52)).astype(np.int64)


def _parts(scale: float) -> float:
    """1/100,000 dB in the unit of float pixels with a scale, rounded once; 100,000 where there is none."""
    return min(DB_A_STEP * abs(scale), float(np.finfo(np.float64).max) / 4)


def representatives(levels: Integers, dtype: str, measure: Measure, bound: int) -> Pixels:
    """The pixels that levels (int64, any shape) stand for. Raises CorruptFile for a level that no pixel has."""
    check_bounded(measure)
    if measure.domain == "db":
        return _db_representatives(levels, np.dtype(dtype), measure.scale, bound)
    table = partition(dtype, measure.domain, bound)
    _check_levels(levels, 0, len(table.values) - 1)
    if np.dtype(dtype).kind == "f":
        return table.values.view(np.float32).astype(dtype)[levels]
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    return table.values.astype(unsigned).view(dtype)[levels]


def _db_representatives(levels: Integers, dtype: np.dtype, scale: float, bound: int) -> Pixels:
    if dtype.kind == "f":
        # Halves: 0 dB, which often means nodata, is no representative.
        with np.errstate(over="ignore", under="ignore"):
            return ((2 * levels + 1).astype(np.float64) * spacing(bound) / (2 * _parts(scale))).astype(dtype)
    # The middle of an interval that begins at a multiple of its width: 0 is none either.
    limits, half = np.iinfo(dtype), half_width(scale, bound)
    _check_levels(levels, limits.min // (2 * half + 1), limits.max // (2 * half + 1))
    return np.clip(levels * (2 * half + 1) + half, limits.min, limits.max).astype(dtype)


def _check_levels(levels: Integers, lowest: int, highest: int) -> None:
    if levels.size and not lowest <= levels.min() <= levels.max() <= highest:
        raise CorruptFile(
            f"levels {levels.min()} to {levels.max()} of a tile, expected {lowest} to {highest}; the file is damaged"
        )


def within(first: Pixels, second: Pixels, measure: Measure, bound: int) -> Bools:
    """Where two arrays of valid pixels of one dtype differ by no more than the bound, exactly; pixels of 8 bytes that are
    so near to it that float64 cannot tell count as beyond. Shape as given."""
    check_bounded(measure)
    if measure.domain == "db":
        return _within_db(first, second, measure.scale, bound)
    factor = ratio(bound, measure.domain)
    if first.dtype == np.float64:
        return _within_float64(first, second, factor)
    bits = [x.view(f"u{x.itemsize}").astype(np.uint64) for x in (first, second)]
    low, high = np.minimum(*bits), np.maximum(*bits)
    if first.dtype.kind != "f":
        return _within_integers(low, high, factor)
    exponents = [np.maximum(x >> np.uint64(23), np.uint64(1)) for x in (low, high)]
    low, high = (x - (e - np.uint64(1) << np.uint64(23)) for x, e in zip((low, high), exponents))
    apart = exponents[1] - exponents[0]
    near = apart <= 8  # a ratio of up to 100 takes 7 bits, a mantissa may lack one
    high = high << np.where(near, apart, np.uint64(0))
    found: Bools = near & (high <= low * np.uint64(factor) >> np.uint64(RATIO_BITS))
    return found


def _within_integers(low: Integers, high: Integers, factor: int) -> Bools:
    """high * 2^32 <= low * factor in 64 bits: the product in two halves, as factor has up to 39 bits and low 32."""
    whole, part = divmod(factor, 1 << RATIO_BITS)
    return high <= low * np.uint64(whole) + (low * np.uint64(part) >> np.uint64(RATIO_BITS))


def _within_float64(first: Pixels, second: Pixels, factor: int) -> Bools:
    low, high = np.minimum(first, second), np.maximum(first, second)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        near = high <= low * (factor / (1 << RATIO_BITS) * _CERTAIN)
    found: Bools = (first == second) | near & (low >= np.finfo(np.float64).tiny)
    return found


def _within_db(first: Pixels, second: Pixels, scale: float, bound: int) -> Bools:
    if first.dtype.kind != "f":
        return np.abs(first.astype(np.int64) - second.astype(np.int64)) <= half_width(scale, bound)
    largest = _largest_difference(scale, bound) * (_CERTAIN if first.itemsize == 8 else 1)
    with np.errstate(invalid="ignore", over="ignore"):  # infinite pixels: no difference is within
        difference = np.abs(first.astype(np.float64) - second.astype(np.float64))
    found: Bools = (first == second) & np.isfinite(first) | (difference <= largest)
    return found

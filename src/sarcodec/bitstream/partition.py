"""Levels of bounded error: the valid pixels of a type cut into intervals, each with one pixel that lies within E of all.

Whole numbers and correctly rounded quotients only, so that every machine gets the same pixels. Bounds are in 1/1000 dB.
docs/format.md, section 14. Knows no files and no nodata.
"""

from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache

import numpy as np

from sarcodec.errors import CorruptFile

BOUNDS_A_DB = 1000
BOUNDS = range(1, 20 * BOUNDS_A_DB + 1)
RATIO_BITS = 32
DB_A_STEP = 100_000  # the spacing in dB is a whole number of these parts
LARGEST_FLOAT = 0x7F7FFFFF
_DB_A_DECADE = {"amplitude": 20, "power": 10}


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

    firsts: np.ndarray
    values: np.ndarray


@lru_cache(maxsize=8)
def partition(dtype: str, domain: str, bound: int) -> Partition:
    """The fewest intervals of the positive pixels of a type, amplitude or power: the widest first one, and so on."""
    factor = ratio(bound, domain)
    largest = LARGEST_FLOAT if dtype == "float32" else int(np.iinfo(dtype).max)
    reach = _reach_float if dtype == "float32" else lambda pixel, factor: pixel * factor >> RATIO_BITS
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


def is_identity(dtype: str, measure, bound: int) -> bool:
    """Whether every pixel is alone in its interval, so that the bound asks for all of them exactly."""
    domain = measure.domain
    return dtype != "float32" and len(partition(dtype, domain, bound).firsts) == np.iinfo(dtype).max


def level_numbers(pixels: np.ndarray, measure, bound: int) -> np.ndarray:
    """Number of the level, int64, of every valid pixel; no meaning where pixels are invalid."""
    domain = measure.domain
    if domain == "db":
        scaled = np.where(np.isfinite(pixels), pixels, 0).astype(np.float64) * DB_A_STEP / spacing(bound)
        return np.floor(np.clip(scaled, -(2.0**52), 2.0**52)).astype(np.int64)
    table = partition(pixels.dtype.name, domain, bound)
    bits = pixels.view(f"u{pixels.itemsize}").astype(np.uint32)
    return np.searchsorted(table.firsts, bits, side="right").astype(np.int64) - 1


def representatives(levels: np.ndarray, dtype: str, measure, bound: int) -> np.ndarray:
    """The pixels that levels (int64, any shape) stand for. Raises CorruptFile for a level that no pixel has."""
    domain = measure.domain
    if domain == "db":
        # Halves: 0 dB, which often means nodata, is no representative.
        return ((2 * levels + 1).astype(np.float64) * spacing(bound) / (2 * DB_A_STEP)).astype(np.float32)
    table = partition(dtype, domain, bound)
    if levels.size and not 0 <= levels.min() <= levels.max() < len(table.values):
        raise CorruptFile(
            f"levels {levels.min()} to {levels.max()} of a tile, expected 0 to {len(table.values) - 1}; "
            "the file is damaged"
        )
    unsigned = np.dtype(f"u{np.dtype(dtype).itemsize}")
    return table.values.astype(unsigned).view(dtype)[levels]


def within(first: np.ndarray, second: np.ndarray, measure, bound: int) -> np.ndarray:
    """Where two arrays of valid pixels of one dtype differ by no more than the bound, exactly. Shape as given."""
    domain = measure.domain
    if domain == "db":
        with np.errstate(invalid="ignore"):  # infinite pixels: no difference is within
            difference = np.abs(first.astype(np.float64) - second.astype(np.float64))
        return difference <= bound / BOUNDS_A_DB
    bits = [x.view(f"u{x.itemsize}").astype(np.uint64) for x in (first, second)]
    low, high = np.minimum(*bits), np.maximum(*bits)
    if first.dtype.kind != "f":
        return high << np.uint64(RATIO_BITS) <= low * np.uint64(ratio(bound, domain))
    exponents = [np.maximum(x >> np.uint64(23), np.uint64(1)) for x in (low, high)]
    low, high = (x - (e - np.uint64(1) << np.uint64(23)) for x, e in zip((low, high), exponents))
    apart = exponents[1] - exponents[0]
    near = apart <= 8  # a ratio of up to 100 takes 7 bits, a mantissa may lack one
    high = high << np.where(near, apart, np.uint64(0))
    return near & (high <= low * np.uint64(ratio(bound, domain)) >> np.uint64(RATIO_BITS))

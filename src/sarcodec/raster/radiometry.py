"""Pixels to levels in dB and back, and which pixels are valid. numpy only.

In: arrays (rows, cols) of pixels with a domain: amplitude (DN), power, or db. Out: float32 levels in dB, masks that are
True where valid, and pixels again. Knows no files, no georeferencing and no networks. Float pixels are tested by their
bits, since a runtime in the same process may have told the CPU to treat subnormal numbers as zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.raster.scene import DTYPES

DOMAINS = ("amplitude", "power", "db")

_DB_PER_DECADE = {"amplitude": 20.0, "power": 10.0}
_LARGEST_BITS, _EXPONENT_BITS = np.uint32(0x7F7FFFFF), np.uint32(0x7F800000)
_SMALLEST_FLOAT32 = 2.0**-149
_DB_WORDS = re.compile(r"(?<![a-z])(db|decibels?)(?![a-z])", re.IGNORECASE)
_POWER_WORDS = re.compile(r"(?<![a-z])((sigma|gamma|beta)[ _]?(0|nought|naught)|power|intensity)", re.IGNORECASE)
_AMPLITUDE_WORDS = re.compile(r"(?<![a-z])(amplitude|dn|digital[ _]numbers?)(?![a-z])", re.IGNORECASE)
_CLEAR_SHARE = 0.01
_DN_MEDIAN = 5.0


def check_domain(domain: str, dtype: np.dtype | str) -> str:
    """Return `domain` if it is one of DOMAINS and fits `dtype`, or else raise InvalidArgument."""
    _check_dtype(dtype)
    if domain not in DOMAINS:
        raise InvalidArgument(f"domain is {domain!r}; expected auto, {', '.join(DOMAINS)}")
    if domain == "db" and np.dtype(dtype).kind != "f":
        raise InvalidArgument(
            f"domain db with {np.dtype(dtype)} pixels; dB is taken as float32 only. Convert the scene to float32 dB, "
            "or choose amplitude or power"
        )
    return domain


def _check_dtype(dtype: np.dtype | str) -> None:
    if np.dtype(dtype).name not in DTYPES or not np.dtype(dtype).isnative:
        raise InvalidArgument(f"pixels are {np.dtype(dtype).str}; expected one of {', '.join(DTYPES)} in native order")


def guess_domain(sample: np.ndarray, nodata: float | None = None, hints: Iterable[str] = ()) -> str:
    """Domain of a scene from a sample of its pixels; for `auto`.

    Integers are amplitude; but int16 with more than 1 % of negative pixels (other than nodata) raises UnsupportedScene,
    as it is probably scaled dB. Floats: the first rule that holds among finite pixels other than nodata.
    1. More than 1 % are negative and 1 in 1000 is below -1: db. (Power minus its noise dips below 0, but not so far.)
    2. A hint (unit, band name, tag) has the word dB: db; sigma0, gamma0, beta0, power or intensity: power; amplitude or
       DN: amplitude.
    3. The median of those above 0 is over 5: amplitude; otherwise power.
    """
    _check_dtype(sample.dtype)
    finite = sample[_finite(sample) & _not_nodata(sample, nodata)]
    negative_share = float(np.mean(finite < 0)) if finite.size else 0.0
    if sample.dtype.kind != "f":
        if negative_share > _CLEAR_SHARE:
            raise UnsupportedScene(
                f"{negative_share:.0%} of the {sample.dtype} pixels are negative; expected amplitude (DN) above 0. If "
                "this is scaled dB, convert it to float32 dB; if negatives are invalid, choose the domain amplitude"
            )
        return "amplitude"
    if negative_share > _CLEAR_SHARE and np.quantile(finite, 0.001) < -1:
        return "db"
    words = " | ".join(hints)
    for domain, pattern in (("db", _DB_WORDS), ("power", _POWER_WORDS), ("amplitude", _AMPLITUDE_WORDS)):
        if pattern.search(words):
            return domain
    positive = finite[finite > 0]
    return "amplitude" if positive.size and np.median(positive) > _DN_MEDIAN else "power"


def resolve_domain(domain: str, sample: np.ndarray, nodata: float | None = None, hints: Iterable[str] = ()) -> str:
    """`domain` checked against the dtype of `sample`, with `auto` replaced by guess_domain's answer."""
    return guess_domain(sample, nodata, hints) if domain == "auto" else check_domain(domain, sample.dtype)


def valid_mask(pixels, measure) -> np.ndarray:
    """True where a pixel is valid: finite, not nodata, and above 0 in amplitude and power. Same shape as `pixels`."""
    domain, nodata = measure.domain, measure.nodata
    if domain == "db":
        valid = _finite(pixels)
    elif pixels.dtype.kind == "f":
        # Bits 1..0x7F7FFFFF are the positive finite numbers; 0 wraps round to the top.
        valid = pixels.view(np.uint32) - np.uint32(1) < _LARGEST_BITS
    else:
        valid = pixels > 0
    if nodata_pixel(pixels.dtype, nodata) is not None:
        valid &= _not_nodata(pixels, nodata)
    return valid


def _finite(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype.kind != "f":
        return np.ones(pixels.shape, bool)
    return pixels.view(np.uint32) & _EXPONENT_BITS != _EXPONENT_BITS


def _not_nodata(pixels: np.ndarray, nodata: float | None) -> np.ndarray:
    wanted = nodata_pixel(pixels.dtype, nodata)
    return np.ones(pixels.shape, bool) if wanted is None else pixels != wanted


def nodata_pixel(dtype: np.dtype, nodata: float | None) -> np.generic | None:
    """The value of `dtype` that means nodata; None if no finite pixel can have it."""
    if nodata is None or not math.isfinite(nodata):
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            value = dtype.type(nodata)
        return value if np.isfinite(value) else None
    limits = np.iinfo(dtype)
    return dtype.type(nodata) if nodata == int(nodata) and limits.min <= nodata <= limits.max else None


def normalise(pixels, measure) -> tuple[np.ndarray, np.ndarray]:
    """Levels in dB (float32, 0 where invalid, finite everywhere) and the valid mask, both of the shape of `pixels`.

    L = 20 log10(amplitude), 10 log10(power), or the dB value itself.
    """
    domain, nodata = measure.domain, measure.nodata
    valid = valid_mask(pixels, measure)
    if domain == "db":
        return np.where(valid, pixels, np.float32(0)), valid
    if pixels.dtype.kind != "f":
        table = _level_table(domain, pixels.dtype.name)
        level_db = np.take(table, pixels.view(f"u{pixels.dtype.itemsize}"))
    else:
        level_db = _level(np.where(valid, pixels, np.float32(1)), domain)
    level_db *= valid
    return level_db, valid


def _level(positive: np.ndarray, domain: str) -> np.ndarray:
    scale = _DB_PER_DECADE[domain]
    with np.errstate(divide="ignore"):
        level = np.log10(positive, dtype=np.float64)
    level *= scale
    # Only a CPU that treats subnormals as zero goes below this, to minus infinity.
    return np.maximum(level, scale * math.log10(_SMALLEST_FLOAT32)).astype(np.float32)


@lru_cache(maxsize=8)
def _level_table(domain: str, dtype: str) -> np.ndarray:
    """Level of every pixel value, by its bits as an unsigned number; 0 where the value is not positive."""
    values = np.arange(1 << (8 * np.dtype(dtype).itemsize), dtype=np.uint16).astype(dtype)
    table = np.zeros(values.size, np.float32)
    table[values > 0] = _level(values[values > 0], domain)
    table.flags.writeable = False
    return table


def restore(level_db, measure, dtype) -> np.ndarray:
    """Valid pixels of `dtype` from float32 levels in dB: the way back of normalise for a tile that is valid everywhere.

    No result is invalid, however extreme the level: integers are rounded and clipped to 1..max, floats are finite (and
    above 0 in amplitude and power), and what would equal nodata moves to the next value. The caller then puts the
    invalid pixels back. Raises InvalidArgument for levels that are not numbers.
    """
    dtype = np.dtype(dtype)
    domain, nodata = measure.domain, measure.nodata
    if np.isnan(level_db).any():
        raise InvalidArgument("levels hold NaN; expected numbers. The model or its runtime is at fault: run verify")
    if dtype.kind != "f":
        pixels = _restore_integers(level_db, domain, dtype)
    elif domain == "db":
        limit = np.finfo(dtype).max
        pixels = np.clip(level_db, -limit, limit).astype(dtype)
    else:
        pixels = _restore_floats(level_db, domain)
    return _avoid_nodata(pixels, nodata, domain)


def _restore_integers(level_db: np.ndarray, domain: str, dtype: np.dtype) -> np.ndarray:
    # float32 is enough: its error at the largest DN is 0.1, under the half that rounding forgives.
    scale = np.float32(math.log(10) / _DB_PER_DECADE[domain])
    values = np.clip(level_db, np.float32(-1), np.float32(200)) * scale
    np.exp(values, out=values)
    np.rint(values, out=values)
    return np.clip(values, 1, np.iinfo(dtype).max, out=values).astype(dtype)


def _restore_floats(level_db: np.ndarray, domain: str) -> np.ndarray:
    values = np.clip(level_db, -1000, 1000).astype(np.float64)
    values *= math.log(10) / _DB_PER_DECADE[domain]
    np.exp(values, out=values)
    with np.errstate(over="ignore", under="ignore"):
        bits = values.astype(np.float32).view(np.uint32)
    # From the smallest subnormal to the largest number, said in bits: 0 moves up, infinity moves down.
    return np.clip(bits, np.uint32(1), _LARGEST_BITS, out=bits).view(np.float32)


def _avoid_nodata(pixels: np.ndarray, nodata: float | None, domain: str) -> np.ndarray:
    wanted = nodata_pixel(pixels.dtype, nodata)
    if wanted is not None:
        pixels[pixels == wanted] = _beside(wanted, domain)
    return pixels


def _beside(nodata: np.generic, domain: str) -> np.generic:
    """The nearest valid value to nodata."""
    if nodata.dtype.kind != "f":
        return nodata - 1 if nodata == np.iinfo(nodata.dtype).max else nodata + 1
    limits = np.finfo(nodata.dtype)
    if nodata == 0 and domain == "db":
        return limits.tiny  # Not a subnormal: others may read that as zero.
    return np.nextafter(nodata, -limits.max if nodata == limits.max else limits.max)


def fill_invalid(level_db: np.ndarray, valid: np.ndarray) -> np.ndarray:
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


def _halve(level_db: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the valid levels of each 2x2, and where there is one. An odd edge counts as followed by invalid."""
    # A quarter before the sum: four of the largest floats must not overflow.
    levels = np.where(valid, level_db * np.float32(0.25), np.float32(0))
    weights = valid.astype(np.float32) * np.float32(0.25)
    for axis in (0, 1):
        levels, weights = _sum_pairs(levels, axis), _sum_pairs(weights, axis)
    present = weights > 0
    return np.divide(levels, weights, out=np.zeros_like(levels), where=present), present


def _sum_pairs(values: np.ndarray, axis: int) -> np.ndarray:
    if values.shape[axis] % 2:
        values = np.pad(values, [(0, int(which == axis)) for which in (0, 1)])
    return values[::2] + values[1::2] if axis == 0 else values[:, ::2] + values[:, 1::2]


def _double(coarse: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Twice the size by linear interpolation (weights 3/4 and 1/4, edges held), cut to `shape`."""
    for axis in (0, 1):
        coarse = _double_axis(coarse, axis)
    return coarse[: shape[0], : shape[1]]


def _double_axis(values: np.ndarray, axis: int) -> np.ndarray:
    padded = np.pad(values, [(int(which == axis),) * 2 for which in (0, 1)], mode="edge") * np.float32(0.25)
    before, after = (padded[:-2], padded[2:]) if axis == 0 else (padded[:, :-2], padded[:, 2:])
    centre = values * np.float32(0.75)
    return np.stack([centre + before, centre + after], axis + 1).reshape(
        [size * (2 if which == axis else 1) for which, size in enumerate(values.shape)]
    )

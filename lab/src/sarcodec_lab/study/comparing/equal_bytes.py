"""JPEG 2000 beside a file: the finest stream that takes at most as many bytes. In: levels in dB; out: frozen Streams.

12 bits irreversible on [0, 96] dB, one stream a band, nothing around it. Needs imagecodecs (extra `bench`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sarcodec.signal.filling import fill_invalid
from sarcodec.signal.radiometry import AMPLITUDE, normalise, restore
from sarcodec_lab.figures.peers import JPEG_2000

LADDER_PSNR_DB = (28.0, 29.0, 30.0, 31.0, 32.0, 33.0, 34.0, 35.0, 36.0, 37.0, 38.0, 39.0, 40.0)
"""Settings of its own curve: RMSE from about 4 dB to 1 dB."""

CLOSE_ENOUGH = 0.985
"""A stream of this share of the bytes that are allowed ends the search."""

GAINS = (1.0, 0.97, 0.94, 0.91, 0.88, 0.85)
"""Factors on the level. Of a small image OpenJPEG can make few sizes, up to 15 % apart; scaled a little, others."""

_FINEST_PSNR_DB, _COARSEST_PSNR_DB, _NARROWEST_DB = 90.0, 15.0, 0.02


@dataclass(frozen=True, eq=False)
class Stream:
    """A whole JPEG 2000 stream, the settings that made it, and the amplitudes that are read back from it."""

    psnr_db: float
    gain: float
    bytes: int
    decoded_dn: np.ndarray


def at_setting(dn: np.ndarray, psnr_db: float, gain: float = 1.0) -> Stream:
    """The stream of uint16 amplitudes at one setting."""
    data = _encode(_level(dn), psnr_db, gain)
    decoded = restore(JPEG_2000.decode(data, 1) / np.float32(gain), AMPLITUDE, dn.dtype)
    # It has no mask: what was invalid is told apart here for nothing, to its advantage.
    return Stream(psnr_db, gain, len(data), np.where(dn > 0, decoded, dn))


def at_most(dn: np.ndarray, limit_bytes: int) -> Stream:
    """The stream of at most `limit_bytes` that errs least, of the finest at each gain that had to be tried; the
    coarsest there is where none is so small."""
    level, found = _level(dn), []
    for gain in GAINS:
        found.append(at_setting(dn, _finest(level, gain, limit_bytes), gain))
        if CLOSE_ENOUGH * limit_bytes <= found[-1].bytes <= limit_bytes:
            break
    small = [stream for stream in found if stream.bytes <= limit_bytes]
    return min(small, key=lambda stream: _error(dn, stream)) if small else min(found, key=lambda stream: stream.bytes)


def _finest(level: np.ndarray, gain: float, limit: int) -> float:
    """The setting whose stream is the largest of at most `limit` bytes, by bisection, a little nearer to where a
    straight line of log bytes would end it."""
    low, high = _COARSEST_PSNR_DB, _FINEST_PSNR_DB
    low_size, high_size = len(_encode(level, low, gain)), level.size * 2
    while low_size < CLOSE_ENOUGH * limit and high - low > _NARROWEST_DB:
        psnr = low + (high - low) * _guess(low_size, high_size, limit)
        size = len(_encode(level, psnr, gain))
        if size <= limit:
            low, low_size = psnr, size
        else:
            high, high_size = psnr, size
    return low


def _guess(low_size: int, high_size: int, wanted: int) -> float:
    """Where between two settings the bytes are as wanted, kept away from the ends so that each trial cuts something
    off."""
    span = math.log(high_size / low_size) if high_size > low_size else 0.0
    share = math.log(0.995 * wanted / low_size) / span if span > 0 else 0.5
    return min(max(share, 0.2), 0.8)


def _error(dn: np.ndarray, stream: Stream) -> float:
    return float(np.mean((_level(stream.decoded_dn) - _level(dn)) ** 2))


def _level(dn: np.ndarray) -> np.ndarray:
    return fill_invalid(*normalise(dn, AMPLITUDE))


def _encode(level_db: np.ndarray, psnr_db: float, gain: float) -> bytes:
    return JPEG_2000.encode(level_db * np.float32(gain), psnr_db, 1)

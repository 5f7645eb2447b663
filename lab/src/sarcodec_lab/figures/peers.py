"""JPEG 2000, HTJ2K, JPEG XL and AVIF on levels in dB: what sarcodec is measured against. Needs imagecodecs (extra `bench`).

In goes a level in dB, out come the bytes of a standard stream, and back. Must not know files or domains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sarcodec.errors import InvalidArgument

LEVEL_RANGE_DB = 96.0
"""The level from 0 to this is mapped linearly to the integers of the codec; beyond it is clipped."""

_LARGEST_12_BIT = 4095
_DB_PER_COUNT = LEVEL_RANGE_DB / _LARGEST_12_BIT
_JPEG_XL_EFFORT = 7
_AVIF_SPEED = 3


@dataclass(frozen=True)
class Peer:
    """Another codec: `encode(level_db, setting, threads) -> bytes`, `decode(bytes, threads) -> level_db` (float32)."""

    name: str
    encode: Callable[[np.ndarray, float, int], bytes]
    decode: Callable[[bytes, int], np.ndarray]


def encode_jpeg2000(level_db: np.ndarray, psnr_db: float, threads: int = 1) -> bytes:
    """12-bit irreversible codestream (OpenJPEG) of a (rows, cols) level; PSNR is against the full 96 dB.

    So an RMSE of e dB in the level is asked for by `psnr_db` = 20 log10(96 / e), near enough.
    """
    return _imagecodecs().jpeg2k_encode(
        _to_counts(level_db),
        level=psnr_db,
        codecformat="j2k",
        bitspersample=12,
        reversible=False,
        numthreads=threads,
    )


def decode_jpeg2000(data: bytes, threads: int = 1) -> np.ndarray:
    """Level in dB, float32 (rows, cols), of the bytes that `encode_jpeg2000` made."""
    return _to_level(_imagecodecs().jpeg2k_decode(data, numthreads=threads))


def encode_htj2k(level_db: np.ndarray, step: float, threads: int = 1) -> bytes:
    """High-throughput JPEG 2000 (OpenJPH, irreversible) of a (rows, cols) level as 12 bits in 16; step: of the quantiser, as a share of the range.

    OpenJPH has one thread, whatever is asked for.
    """
    return _imagecodecs().htj2k_encode(_to_counts(level_db) << 4, level=step, reversible=False)


def decode_htj2k(data: bytes, threads: int = 1) -> np.ndarray:
    """Level in dB, float32 (rows, cols), of the bytes that `encode_htj2k` made."""
    return _to_level(_imagecodecs().htj2k_decode(data)) / 16


def encode_jpeg_xl(level_db: np.ndarray, distance: float, threads: int = 1) -> bytes:
    """JPEG XL (effort 7) of a (rows, cols) level as 12 bits in 16; `distance` as in cjxl, smaller is finer."""
    # libjxl works relative to the full 16 bits: the 12 bits are moved to the top.
    counts = _to_counts(level_db) << 4
    return _imagecodecs().jpegxl_encode(counts, distance=distance, effort=_JPEG_XL_EFFORT, numthreads=threads)


def decode_jpeg_xl(data: bytes, threads: int = 1) -> np.ndarray:
    """Level in dB, float32 (rows, cols), of the bytes that `encode_jpeg_xl` made."""
    return _to_level(_imagecodecs().jpegxl_decode(data, numthreads=threads) >> 4)


def encode_avif(level_db: np.ndarray, quality: float, threads: int = 1) -> bytes:
    """12-bit monochrome AVIF (libaom still picture, speed 3) of a (rows, cols) level; `quality` 0 to 100, rounded."""
    # imagecodecs codes an array of one channel without loss, whatever the quality; three equal ones become one (4:0:0).
    counts = np.repeat(_to_counts(level_db)[..., None], 3, axis=2)
    return _imagecodecs().avif_encode(
        counts,
        level=int(np.clip(round(quality), 0, 100)),
        speed=_AVIF_SPEED,
        bitspersample=12,
        pixelformat="400",
        numthreads=threads,
    )


def decode_avif(data: bytes, threads: int = 1) -> np.ndarray:
    """Level in dB, float32 (rows, cols), of the bytes that `encode_avif` made."""
    return _to_level(_imagecodecs().avif_decode(data, numthreads=threads))


JPEG_2000 = Peer("j2k", encode_jpeg2000, decode_jpeg2000)
HTJ2K = Peer("htj2k", encode_htj2k, decode_htj2k)
JPEG_XL = Peer("jxl", encode_jpeg_xl, decode_jpeg_xl)
AVIF = Peer("avif", encode_avif, decode_avif)


def _to_counts(level_db: np.ndarray) -> np.ndarray:
    level = np.asarray(level_db, dtype=np.float32)
    if level.ndim != 2 or not np.isfinite(level).all():
        raise InvalidArgument(
            f"found a level of shape {level.shape}, finite: {bool(np.isfinite(level).all())}; "
            "expected finite (rows, cols); fill invalid pixels before encoding"
        )
    return np.clip(np.round(level * (1 / _DB_PER_COUNT)), 0, _LARGEST_12_BIT).astype(np.uint16)


def _to_level(counts: np.ndarray) -> np.ndarray:
    return counts.astype(np.float32) * np.float32(_DB_PER_COUNT)


def _imagecodecs():
    try:
        import imagecodecs
    except ImportError as error:
        raise InvalidArgument("imagecodecs is not installed; install sarcodec with the extra `bench`") from error
    return imagecodecs

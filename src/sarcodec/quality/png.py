"""Levels to PNG bytes in grey or in two colours about zero, with numpy and zlib alone. Invalid (NaN) pixels come out
slate blue."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

NODATA_RGB = (107, 122, 143)
COLD_RGB, WHITE_RGB, WARM_RGB = (
    (33, 102, 172),
    (247, 247, 247),
    (178, 24, 43),
)  # the ends and the middle of ColorBrewer's RdBu
HEAT_RGB = (84, 39, 136)  # the dark end of PuOr: bits are no error, and so not red


def grey_png(values: Floats, low: float, high: float) -> bytes:
    """(rows, cols), `low` black and `high` white."""
    share = _share(values, low, high)
    return _png(np.repeat(share[..., None] * 255, 3, axis=2), values)


def diverging_png(values: Floats, reach: float) -> bytes:
    """(rows, cols), blue at -reach, white at 0, red at +reach."""
    share = _share(values, -reach, reach)[..., None] * 2 - 1
    ends = np.where(share < 0, COLD_RGB, WARM_RGB)
    return _png(WHITE_RGB + np.abs(share) * (ends - np.array(WHITE_RGB)), values)


def heat_png(values: Floats, low: float, high: float) -> bytes:
    """(rows, cols), white at `low`, violet at `high`."""
    share = _share(values, low, high)[..., None]
    return _png(WHITE_RGB + share * (np.array(HEAT_RGB) - WHITE_RGB), values)


def _share(values: Floats, low: float, high: float) -> Floats:
    return np.clip((np.nan_to_num(values, nan=low).astype(np.float64) - low) / max(high - low, 1e-12), 0, 1)


def _png(colours: Floats, values: Floats) -> bytes:
    rgb = np.where(np.isnan(values)[..., None], NODATA_RGB, np.rint(colours)).astype(np.uint8)
    rows, cols = values.shape
    lines = np.zeros((rows, 1 + 3 * cols), np.uint8)  # each line begins with its filter, 0: none
    lines[:, 1:] = rgb.reshape(rows, -1)
    head = struct.pack(">IIBBBBB", cols, rows, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

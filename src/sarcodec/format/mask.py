"""Invalid pixels of one tile and band, bit for bit: which they are, and the exact pattern that each of them had.

In: pixels and a map of the valid ones, out: a few bytes, and back. Knows no reason why a pixel is invalid, and no file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.deflated import deflate, inflate, lzma2
from sarcodec.format.varint import Cursor

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Integers, Pixels

_HAS_MAP, _RAW_VALUES, _LZMA, _XORED = 1, 2, 4, 8
_LONGEST_PALETTE = 255
_DTYPES = ("uint8", "uint16", "int16", "float32", "int8", "int32", "uint32", "float64")


def pack_invalid(pixels: Pixels, valid: Bools) -> bytes:
    """pixels (rows, cols) of one of _DTYPES; valid (rows, cols) bool. b'' where every pixel is valid.

    Raises InvalidArgument on other dtypes or shapes.
    """
    patterns = _patterns(pixels, valid)[~valid]
    if patterns.size == 0:
        return b""
    palette, classes = _classes(patterns)
    flags = _HAS_MAP * bool(valid.any())
    if palette.size > _LONGEST_PALETTE:
        flags, head, values = flags | _RAW_VALUES, b"", _shuffled(patterns)
    else:
        head = bytes([palette.size]) + palette.astype(_little(palette.dtype)).tobytes()
        values = classes.astype(np.uint8).tobytes() if palette.size > 1 else b""
    flags, body = _smallest(flags, ~valid, values)
    return bytes([flags]) + head + body


def unpack_invalid(data: bytes, shape: tuple[int, int], dtype: np.dtype | str) -> tuple[Bools, Pixels]:
    """The map of valid pixels (shape, bool), and pixels (shape, dtype): invalid ones as they were, 0 elsewhere.

    Takes memory in proportion to shape only, whatever data says. Raises CorruptFile; InvalidArgument on other dtypes.
    """
    dtype = _checked_dtype(dtype)
    valid, pixels = np.ones(shape, bool), np.zeros(shape, dtype)
    if not data:
        return valid, pixels
    cursor = Cursor(data, "mask of a tile")
    flags = cursor.unsigned(1, "flags")
    if flags & ~(_HAS_MAP | _RAW_VALUES | _LZMA | _XORED):
        raise CorruptFile(f"mask of a tile: flags {flags:#04x} mean nothing; the file is damaged")
    palette = None if flags & _RAW_VALUES else _read_palette(cursor, dtype)
    body = _inflate(cursor.take(cursor.left, "map"), flags, shape, dtype.itemsize)
    if palette is not None and palette.size == 1 and flags & _HAS_MAP:
        body = body.ljust(shape[0] * -(-shape[1] // 8), b"\0")
    invalid, values = _split_map(body, flags, shape)
    pixels.view(_unsigned(dtype))[invalid] = _read_values(values, palette, int(np.count_nonzero(invalid)), dtype)
    return ~invalid, pixels


def _classes(patterns: Pixels) -> tuple[Pixels, Integers]:
    """The different patterns, rising, and which of them each is. Nearly always all are the same, which takes no sorting."""
    if (patterns == patterns[0]).all():
        return patterns[:1], np.zeros(patterns.size, np.uint8)
    return np.unique(patterns, return_inverse=True)


def _patterns(pixels: Pixels, valid: Bools) -> Pixels:
    dtype = _checked_dtype(pixels.dtype)
    if pixels.ndim != 2 or valid.shape != pixels.shape or valid.dtype != bool:
        raise InvalidArgument(
            f"pixels are {pixels.shape}, the map of valid ones is {valid.dtype} {valid.shape}; "
            "expected two axes, and a bool for each pixel"
        )
    return np.ascontiguousarray(pixels, dtype).view(_unsigned(dtype))


def _checked_dtype(dtype: np.dtype | str) -> np.dtype:
    native = np.dtype(dtype).newbyteorder("=")
    if native.name not in _DTYPES:
        raise InvalidArgument(f"pixels are {native.name}, expected one of {', '.join(_DTYPES)}")
    return native


def _unsigned(dtype: np.dtype) -> np.dtype:
    return np.dtype(f"u{dtype.itemsize}")


def _little(dtype: np.dtype) -> np.dtype:
    return dtype.newbyteorder("<")


def _shuffled(patterns: Pixels) -> bytes:
    """All lowest bytes, then all second ones, and so on."""
    little = np.ascontiguousarray(patterns, _little(patterns.dtype))
    return little.view(np.uint8).reshape(patterns.size, -1).T.tobytes()


def _smallest(flags: int, invalid: Bools, values: bytes) -> tuple[int, bytes]:
    """The shortest of plain or XORed map rows, by deflate or LZMA2; the first of equals. Gives flags and bytes."""
    if not flags & _HAS_MAP and not values:
        return flags, b""
    found = []
    for map_flags, rows in _map_forms(flags, invalid):
        body = rows + values if values else rows.rstrip(b"\0")
        found.append((map_flags, deflate(body)))
        found.append((map_flags | _LZMA, lzma2(body)))
    return min(found, key=lambda form: len(form[1]))


def _map_forms(flags: int, invalid: Bools) -> list[tuple[int, bytes]]:
    if not flags & _HAS_MAP:
        return [(flags, b"")]
    packed = np.packbits(invalid, axis=1)
    xored = packed.copy()
    xored[1:] ^= packed[:-1]
    return [(flags | _XORED, xored.tobytes()), (flags, packed.tobytes())]


def _read_palette(cursor: Cursor, dtype: np.dtype) -> Pixels:
    count = cursor.unsigned(1, "palette size")
    palette = np.frombuffer(cursor.take(count * dtype.itemsize, "palette"), _little(_unsigned(dtype)))
    if count == 0 or (palette[1:] <= palette[:-1]).any():
        raise CorruptFile("mask of a tile: its palette is empty or does not rise; the file is damaged")
    return palette


def _inflate(body: bytes, flags: int, shape: tuple[int, int], itemsize: int) -> bytes:
    if not body:
        return b""
    limit = shape[0] * (-(-shape[1] // 8) + shape[1] * itemsize)
    return inflate(body, limit, by_lzma=bool(flags & _LZMA), what="mask")


def _split_map(body: bytes, flags: int, shape: tuple[int, int]) -> tuple[Bools, bytes]:
    """Which pixels are invalid, and the bytes of their values."""
    if not flags & _HAS_MAP:
        return np.ones(shape, bool), body
    stride = -(-shape[1] // 8)
    if len(body) < shape[0] * stride:
        raise CorruptFile(f"mask of a tile: a map of {len(body)} bytes, not {shape[0] * stride}; the file is damaged")
    packed = np.frombuffer(body, np.uint8, shape[0] * stride).reshape(shape[0], stride)
    if flags & _XORED:
        packed = np.bitwise_xor.accumulate(packed, axis=0)
    bits = np.unpackbits(packed, axis=1).astype(bool)
    if bits[:, shape[1] :].any():
        raise CorruptFile("mask of a tile: bits are set beyond its last column; the file is damaged")
    return bits[:, : shape[1]], body[shape[0] * stride :]


def _read_values(values: bytes, palette: Pixels | None, count: int, dtype: np.dtype) -> Pixels:
    """The bit patterns of the invalid pixels, row by row."""
    if count == 0:
        raise CorruptFile("mask of a tile: no pixel is invalid, which takes no mask; the file is damaged")
    size = count * dtype.itemsize if palette is None else count if palette.size > 1 else 0
    if len(values) != size:
        raise CorruptFile(f"mask of a tile: {len(values)} bytes of values, expected {size}; the file is damaged")
    if palette is None:
        planes = np.frombuffer(values, np.uint8).reshape(dtype.itemsize, count).T
        return np.ascontiguousarray(planes).view(_little(_unsigned(dtype))).ravel()
    if palette.size == 1:
        return np.full(count, palette[0], palette.dtype)
    classes = np.frombuffer(values, np.uint8)
    if int(classes.max()) >= palette.size:
        raise CorruptFile(f"mask of a tile: class {classes.max()} of {palette.size} patterns; the file is damaged")
    return palette[classes]

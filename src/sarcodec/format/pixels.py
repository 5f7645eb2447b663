"""The pixels section: a tile bit for bit, by the core alone, for bands that are no radar (docs/format.md, 16).

In: pixels (rows, cols) of any type of a scene; out: bytes, and back. Whole numbers, differences of neighbours, then deflate or LZMA2.
Knows no file and no meaning of a pixel.
"""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile
from sarcodec.format.deflated import deflate, inflate, lzma2
from sarcodec.format.varint import Cursor

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

MOST_DIFFERENCES = 2
MOST_PATTERNS = 256
_LZMA, _PALETTE = 16, 32  # beside 2 bits of differences across and 2 bits down
_TRIED = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2), (2, 2))  # differences across and down


def pack_pixels(pixels: Pixels) -> bytes:
    """Contents of the section: every bit of `pixels` (rows, cols), NaN with its payload."""
    keys = _keys(pixels)
    patterns = _few_patterns(keys)
    if patterns is None:
        return _smallest(keys, 0, b"")
    head = bytes([patterns.size - 1]) + patterns.astype(patterns.dtype.newbyteorder("<")).tobytes()
    if patterns.size == 1:
        return bytes([_PALETTE]) + head
    ranks = np.searchsorted(patterns, keys).astype(np.uint8)
    if patterns.size == 2:
        ranks = np.packbits(ranks.astype(bool), axis=1)
    return _smallest(ranks, _PALETTE, head)


def unpack_pixels(data: bytes, shape: tuple[int, int], dtype: np.dtype | str) -> Pixels:
    """The pixels of `pack_pixels`, (rows, cols) of `dtype`. Takes memory in proportion to shape only. Raises CorruptFile."""
    dtype, cursor = np.dtype(dtype), Cursor(data, "pixels of a tile")
    flags = cursor.unsigned(1, "flags")
    across, down = flags & 3, flags >> 2 & 3
    if flags & ~(15 | _LZMA | _PALETTE) or max(across, down) > MOST_DIFFERENCES:
        raise CorruptFile(f"pixels of a tile: flags {flags:#04x} mean nothing; the file is damaged")
    unsigned = np.dtype(f"u{dtype.itemsize}")
    patterns = _read_patterns(cursor, unsigned) if flags & _PALETTE else None
    if patterns is None:
        return _pixels_of(_read_image(cursor, flags, shape, unsigned), dtype)
    if patterns.size == 1:
        _check_end(cursor)
        return _pixels_of(np.full(shape, patterns[0]), dtype)
    return _pixels_of(patterns[_read_ranks(cursor, flags, shape, patterns.size)], dtype)


def _keys(pixels: Pixels) -> Pixels:
    """Pixels as unsigned numbers of their size that rise with the pixel (of floats: its bits, the sign first)."""
    bits = np.ascontiguousarray(pixels).view(f"u{pixels.itemsize}")
    top = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    if pixels.dtype.kind == "i":
        found: Pixels = bits ^ top
        return found
    return np.where(bits & top, ~bits, bits | top) if pixels.dtype.kind == "f" else bits


def _pixels_of(keys: Pixels, dtype: np.dtype) -> Pixels:
    """The way back from `_keys`."""
    top = keys.dtype.type(1 << (8 * keys.itemsize - 1))
    if dtype.kind == "i":
        keys = keys ^ top
    if dtype.kind == "f":
        keys = np.where(keys & top, keys ^ top, ~keys)
    return np.ascontiguousarray(keys).view(dtype)


def _few_patterns(keys: Pixels) -> Pixels | None:
    """The distinct keys, rising, or None where they are many."""
    if keys.itemsize > 1 and np.unique(keys[::7, ::5]).size > MOST_PATTERNS:  # quick: a sample has too many
        return None
    found = np.unique(keys)
    few = found.size <= MOST_PATTERNS and (keys.itemsize > 1 or found.size <= 16)
    return found if few else None


def _smallest(image: Pixels, flags: int, head: bytes) -> bytes:
    """Flags, head and the image by the differences that deflate best, packed by deflate or LZMA2: whichever is smaller."""
    residuals = {tried: _planes(_folded(_differences(image, *tried))) for tried in _TRIED}
    across, down = min(residuals, key=lambda tried: len(zlib.compress(residuals[tried], 1)))
    body = residuals[across, down]
    flags |= across | down << 2
    forms = [(flags, deflate(body)), (flags | _LZMA, lzma2(body))]
    flags, packed = min(forms, key=lambda form: len(form[1]))
    return bytes([flags]) + head + packed


def _differences(image: Pixels, across: int, down: int) -> Pixels:
    """Differences to the left neighbour, then to the upper one, each so many times; unsigned, modulo 2^bits; 0 beyond the edge."""
    out = image.copy()
    for axis in itertools.chain([1] * across, [0] * down):
        lines = np.moveaxis(out, axis, 0)
        lines[1:] -= lines[:-1].copy()
    return out


def _summed(image: Pixels, across: int, down: int) -> Pixels:
    """The way back from `_differences`."""
    for axis in itertools.chain([0] * down, [1] * across):
        image = np.cumsum(image, axis=axis, dtype=image.dtype)
    return image


def _folded(residual: Pixels) -> Pixels:
    """0, -1, 1, -2, ... (modulo 2^bits) as 0, 1, 2, 3, ..."""
    signed = residual.view(f"i{residual.itemsize}")
    return ((signed << 1) ^ (signed >> (8 * residual.itemsize - 1))).view(residual.dtype)


def _unfolded(folded: Pixels) -> Pixels:
    one = folded.dtype.type(1)
    found: Pixels = (folded >> one) ^ (~(folded & one) + one)
    return found


def _planes(values: Pixels) -> bytes:
    """All lowest bytes, row by row, then all second ones, and so on."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return little.view(np.uint8).reshape(values.size, -1).T.tobytes()


def _read_patterns(cursor: Cursor, unsigned: np.dtype) -> Pixels:
    count = cursor.unsigned(1, "number of patterns") + 1
    found = np.frombuffer(cursor.take(count * unsigned.itemsize, "patterns"), unsigned.newbyteorder("<")).astype(
        unsigned
    )
    if (found[1:] <= found[:-1]).any():
        raise CorruptFile("pixels of a tile: its patterns do not rise; the file is damaged")
    return found


def _read_ranks(cursor: Cursor, flags: int, shape: tuple[int, int], count: int) -> Pixels:
    """Ranks (rows, cols) below `count`; of two patterns a bit each."""
    rows, cols = shape
    if count == 2:
        packed = _read_image(cursor, flags, (rows, -(-cols // 8)), np.dtype(np.uint8))
        return np.unpackbits(packed, axis=1, count=cols)
    ranks = _read_image(cursor, flags, shape, np.dtype(np.uint8))
    if int(ranks.max()) >= count:
        raise CorruptFile(f"pixels of a tile: rank {ranks.max()} of {count} patterns; the file is damaged")
    return ranks


def _read_image(cursor: Cursor, flags: int, shape: tuple[int, int], unsigned: np.dtype) -> Pixels:
    size = shape[0] * shape[1] * unsigned.itemsize
    body = _inflate(cursor.take(cursor.left, "image"), flags, size)
    planes = np.frombuffer(body, np.uint8).reshape(unsigned.itemsize, -1)
    folded = np.ascontiguousarray(planes.T).view(unsigned.newbyteorder("<")).astype(unsigned).reshape(shape)
    return _summed(_unfolded(folded), flags & 3, flags >> 2 & 3)


def _inflate(body: bytes, flags: int, size: int) -> bytes:
    found = inflate(body, size, by_lzma=bool(flags & _LZMA), what="image")
    if len(found) != size:
        raise CorruptFile(f"pixels of a tile inflate to {len(found)} bytes, expected {size}; the file is damaged")
    return found


def _check_end(cursor: Cursor) -> None:
    if cursor.left:
        raise CorruptFile(f"pixels of a tile: {cursor.left} bytes follow the one pattern; the file is damaged")

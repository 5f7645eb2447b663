"""The levels section of a tile: pixels of bounded error, or exact ones, as one image. docs/format.md, section 14.

In: pixels and which of them are kept apart (by the mask section); out: bytes, and back. Knows no scene and no file.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import CorruptFile
from sarcodec.format.deflated import inflate, lzma2
from sarcodec.format.jpegxl import pack_image, unpack_image
from sarcodec.format.meaningless import meaningless_pixels
from sarcodec.format.measure import Measure
from sarcodec.format.partition import level_numbers, representatives, within
from sarcodec.format.varint import Cursor, fold, pack_varint, unfold

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Integers, Pixels

LOSSLESS = 0  # the bound of exact pixels
SAMPLES = ("uint8", "uint16", "float32")
PALETTE = 4  # flag beside the sample type
MOST_LEVELS = 1 << 16
LEVEL_LIMIT = 1 << 30
MOST_PATTERNS = 1 << 14


def pack_bounded(pixels: Pixels, valid: Bools, measure: Measure, bound: int) -> tuple[bytes, Bools]:
    """Section contents (b'' if no pixel is left for it) of pixels (rows, cols), and which pixels it holds (bool).

    Held are valid pixels that come back within the bound; not those that would come back as nodata or a fill, nor those that
    are too many levels away from most others. Raises UnsupportedScene for amplitude or power with an offset.
    """
    levels = level_numbers(pixels, measure, bound)
    first = _first_level(levels[valid]) if valid.any() else 0
    held = valid & (levels >= first) & (levels < first + MOST_LEVELS)
    levels = np.where(held, levels, first)
    decoded = representatives(levels, pixels.dtype.name, measure, bound)
    held &= np.isfinite(decoded) & within(np.where(held, pixels, decoded), decoded, measure, bound)
    for value in meaningless_pixels(decoded.dtype, measure):
        held &= decoded != value
    if not held.any():
        return b"", held
    first = int(levels[held].min())
    image = filled(levels - first, held)
    image = image.astype(np.uint8 if image.max() < 256 else np.uint16)
    return _sealed(image, pack_varint(fold(first))), held


def unpack_bounded(data: bytes, shape: tuple[int, int], dtype: str, measure: Measure, bound: int) -> Pixels:
    """Pixels (shape, dtype) of `pack_bounded`, with no meaning where the mask keeps another. Raises CorruptFile."""
    cursor, kind, checksum = _opened(data)
    first = unfold(cursor.varint("first level"))
    image = unpack_image(cursor.take(cursor.left, "image"), shape, SAMPLES[kind & 3])
    _check(image, checksum)
    if kind > 1:
        raise CorruptFile(f"levels of a tile: samples of kind {kind}, expected 0 or 1; the file is damaged")
    return representatives(image.astype(np.int64) + first, dtype, measure, bound)


def pack_exact(pixels: Pixels, held: Bools) -> bytes:
    """Section contents of pixels (rows, cols) of any dtype, exact where `held` and anything that is cheap elsewhere."""
    keys = filled(_keys(pixels), held)
    plain = _sealed(_pixels_of(keys, "float32") if pixels.dtype.kind == "f" else keys, b"")
    patterns, ranks = np.unique(keys, return_inverse=True)
    sparse = 2 * patterns.size <= int(patterns[-1] - patterns[0])
    if not sparse or patterns.size > MOST_PATTERNS or 4 * patterns.size > keys.size:
        return plain
    image = ranks.reshape(keys.shape).astype(np.uint8 if patterns.size <= 256 else np.uint16)
    steps = (
        np.diff(patterns.astype(np.uint32), prepend=np.uint32(0))
        .astype("<u4")
        .view(np.uint8)
        .reshape(-1, 4)
        .T.tobytes()
    )
    body = lzma2(steps)
    listed = _sealed(image, pack_varint(patterns.size) + pack_varint(len(body)) + body, PALETTE)
    return min(plain, listed, key=len)


def unpack_exact(data: bytes, shape: tuple[int, int], dtype: str) -> Pixels:
    """Pixels (shape, dtype) of `pack_exact`. Raises CorruptFile."""
    cursor, kind, checksum = _opened(data)
    patterns = _read_palette(cursor, 8 * np.dtype(dtype).itemsize) if kind & PALETTE else None
    if kind & 3 > 1 if patterns is not None else kind != {"uint8": 0, "float32": 2}.get(dtype, 1):
        raise CorruptFile(f"levels of a tile: samples of kind {kind} in a lossless {dtype} file; the file is damaged")
    image = unpack_image(cursor.take(cursor.left, "image"), shape, SAMPLES[kind & 3])
    _check(image, checksum)
    if patterns is None:
        return _pixels_of(image, dtype) if dtype != "float32" else image
    if int(image.max()) >= patterns.size:
        raise CorruptFile(f"levels of a tile: rank {image.max()} of {patterns.size} patterns; the file is damaged")
    return _pixels_of(patterns[image], dtype)


def filled(image: Pixels, held: Bools) -> Pixels:
    """`image` with the nearest held value to the left where it is not held, or to the right, or the row above's."""
    if held.all():
        return image
    rows, cols = image.shape
    places = np.where(held, np.arange(cols), -1)
    before = np.maximum.accumulate(places, axis=1)
    first = np.where(held.any(axis=1), held.argmax(axis=1), -1)[:, None]
    across = np.take_along_axis(image, np.maximum(np.where(before < 0, first, before), 0), axis=1)
    source = np.maximum.accumulate(np.where(first[:, 0] < 0, -1, np.arange(rows)))
    source = np.where(source < 0, int((first[:, 0] >= 0).argmax()), source)
    return across[source]


def _first_level(levels: Integers) -> int:
    """Where a window of `MOST_LEVELS` begins: at the lowest level, or around the middle one where they are too far apart."""
    first = int(levels.min())
    if int(levels.max()) - first >= MOST_LEVELS:
        middle = int(np.partition(levels, levels.size // 2)[levels.size // 2])
        first = max(first, middle - MOST_LEVELS // 2)
    return max(-LEVEL_LIMIT, min(first, LEVEL_LIMIT))


def _keys(pixels: Pixels) -> Pixels:
    """Pixels as unsigned numbers of their size, in the order of their values (floats: of their bits, sign first)."""
    bits = np.ascontiguousarray(pixels).view(f"u{pixels.itemsize}")
    if pixels.dtype == np.int16:
        return bits ^ np.uint16(0x8000)
    if pixels.dtype.kind != "f":
        return bits
    return np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(1 << 31))


def _pixels_of(keys: Pixels, dtype: str) -> Pixels:
    """The way back from `_keys`."""
    if dtype == "int16":
        keys = keys ^ np.uint16(0x8000)
    if dtype == "float32":
        keys = np.where(keys >> np.uint32(31), keys ^ np.uint32(1 << 31), ~keys)
    return np.ascontiguousarray(keys).view(dtype)


def _sealed(image: Pixels, fields: bytes, flags: int = 0) -> bytes:
    kind = SAMPLES.index(image.dtype.name) | flags
    return _checksum(image).to_bytes(2, "little") + bytes([kind]) + fields + pack_image(image)


def _opened(data: bytes) -> tuple[Cursor, int, int]:
    cursor = Cursor(data, "levels of a tile")
    checksum, kind = cursor.unsigned(2, "checksum"), cursor.unsigned(1, "kind of samples")
    if kind & 3 >= len(SAMPLES) or kind & ~(PALETTE | 3):
        raise CorruptFile(f"levels of a tile: kind of samples {kind} means nothing; the file is damaged")
    return cursor, kind, checksum


def _read_palette(cursor: Cursor, bits: int) -> Pixels:
    """Rising patterns as `_keys` gives them, unsigned of so many bits."""
    count = cursor.varint("patterns", 1, MOST_PATTERNS)
    body = cursor.take(cursor.varint("length of the patterns"), "patterns")
    found = inflate(body, 4 * count, by_lzma=True, what="list of patterns")
    if len(found) != 4 * count:
        raise CorruptFile(f"patterns of a tile take {len(found)} bytes, expected {4 * count}; the file is damaged")
    steps = np.ascontiguousarray(np.frombuffer(found, np.uint8).reshape(4, count).T).view("<u4").ravel()
    patterns = np.cumsum(steps, dtype=np.uint64)
    if patterns[-1] >> np.uint64(bits) or not steps[1:].all():
        raise CorruptFile("patterns of a tile do not rise, or not to what its type holds; the file is damaged")
    return patterns.astype(f"u{bits // 8}")


def _check(image: Pixels, checksum: int) -> None:
    found = _checksum(image)
    if found != checksum:
        raise CorruptFile(
            f"the image of a tile has checksum {found:#06x}, expected {checksum:#06x}; the file is damaged, "
            "or JPEG XL is decoded wrongly here"
        )


def _checksum(image: Pixels) -> int:
    """As in `container`, of the samples row by row, little-endian."""
    return zlib.crc32(image.astype(image.dtype.newbyteorder("<")).tobytes()) & 0xFFFF

"""TIFFs as ESA writes them: a head, uncompressed pixels row behind row, and a tail. Taken apart, and composed again byte for byte.

In: the path of a TIFF. Out: its Frame, or None where its pixels lie in another way. Knows no GDAL.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from io import RawIOBase
from typing import TYPE_CHECKING, Literal

import numpy as np

from sarcodec.format.tiling import Window
from sarcodec.raster.tiff_tags import NotTiff, Tag, read_directory

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

_COLS, _ROWS, _BITS, _COMPRESSION, _OFFSETS, _SAMPLES, _COUNTS, _PREDICTOR = 256, 257, 258, 259, 273, 277, 279, 317
_TILES, _FILL_ORDER = 322, 266
_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_BYTES = 32 << 20


@dataclass(frozen=True)
class Frame:
    """All bytes of a TIFF before its first pixel, and all behind its last."""

    head: bytes
    tail: bytes

    @property
    def order(self) -> Literal["<", ">"]:
        """The byte order of its pixels, as NumPy writes it."""
        return ">" if self.head.startswith(b"MM") else "<"


def frame_of(path: str | os.PathLike[str]) -> Frame | None:
    """None where pixels are compressed, lie in tiles or in strips that do not follow each other, or there is much else beside them."""
    with open(path, "rb") as file:
        order = ">" if file.read(2) == b"MM" else "<"
    try:
        tags = {tag.code: _values(tag, order) for tag in read_directory(path)}
    except NotTiff:
        return None
    begin, length = _place_of_pixels(tags)
    size = os.path.getsize(path)
    if not length or begin + length > size or size - length > _MOST_BYTES:
        return None
    with open(path, "rb") as file:
        head = file.read(begin)
        file.seek(begin + length)
        return Frame(head, file.read())


def _values(tag: Tag, order: str) -> tuple[int, ...]:
    letter = _TYPES.get(tag.kind)
    if letter is None:
        return ()
    count = len(tag.data) // struct.calcsize(letter)
    return struct.unpack(f"{order}{count}{letter}", tag.data)


def _place_of_pixels(tags: Mapping[int, tuple[int, ...]]) -> tuple[int, int]:
    """Where they begin, and how many bytes they take; 0 bytes where they do not lie plainly."""
    usual = all(tags.get(code, (1,)) == (1,) for code in (_COMPRESSION, _SAMPLES, _PREDICTOR, _FILL_ORDER))
    offsets, counts = (np.array(tags.get(code, ()), np.int64) for code in (_OFFSETS, _COUNTS))
    rows, cols, bits = (sum(tags.get(code, ())[:1]) for code in (_ROWS, _COLS, _BITS))
    if not usual or _TILES in tags or not len(offsets) or len(offsets) != len(counts) or bits % 8:
        return 0, 0
    follow = np.array_equal(offsets[1:], offsets[:-1] + counts[:-1])
    whole = int(counts.sum()) == rows * cols * (bits // 8)
    return (int(offsets[0]), int(counts.sum())) if follow and whole else (0, 0)


class PlainTiff:
    """A TIFF that is composed of its frame and of windows of pixels, written to an open file without a buffer, whose end on a full disk would be heard
    of too late. dtype: of the pixels, in whatever order of bytes."""

    def __init__(self, file: RawIOBase, frame: Frame, shape: tuple[int, int], dtype: str) -> None:
        self._file, self._frame, self._dtype = file, frame, np.dtype(dtype).newbyteorder(frame.order)
        self._row_bytes = shape[1] * self._dtype.itemsize
        self._put(0, frame.head)
        self._put(len(frame.head) + shape[0] * self._row_bytes, frame.tail)

    def write(self, window: Window, pixels: Pixels) -> None:
        """Pixels (rows, cols) of a window."""
        place = len(self._frame.head) + window.row * self._row_bytes + window.col * self._dtype.itemsize
        for number, row in enumerate(np.ascontiguousarray(pixels, self._dtype)):
            self._put(place + number * self._row_bytes, row.tobytes())

    def _put(self, place: int, data: bytes) -> None:
        self._file.seek(place)
        while data:
            data = data[self._file.write(data) or 0 :]

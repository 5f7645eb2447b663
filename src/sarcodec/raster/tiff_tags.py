"""The tags of a TIFF file's directories, as bytes: for what GDAL does not hand out, and cannot write.

In: a path. Out: tags of one directory, or a file whose first directory has some tags more. Classic TIFF and BigTIFF of
both byte orders. Knows no GDAL and no pixels. Raises NotTiff for what cannot be read, OSError where the disk refuses.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

EXTRA_SAMPLES, XMP, GDAL_METADATA = 338, 700, 42112
TEXT, BYTE, SHORT = 2, 1, 3

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST_BYTES = 64 << 20  # of one tag; a description may not be larger
_MOST_DIRECTORIES = 65536


class NotTiff(ValueError):
    """The bytes are not those of a TIFF file, or its directories are damaged."""


@dataclass(frozen=True)
class Tag:
    """A tag and its values as the bytes of the file."""

    code: int
    kind: int
    data: bytes


@dataclass(frozen=True)
class _Layout:
    order: str  # of struct
    big: bool

    @property
    def pointer(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "I"))

    @property
    def count(self) -> struct.Struct:
        return struct.Struct(self.order + ("Q" if self.big else "H"))

    @property
    def entry(self) -> struct.Struct:
        """Code, kind, number of values, and the values or where they are."""
        return struct.Struct(self.order + ("HHQ8s" if self.big else "HHI4s"))

    @property
    def first(self) -> int:
        """Where the file says at which offset its first directory is."""
        return 8 if self.big else 4


def read_directory(path: str | os.PathLike[str], index: int = 0, offset: int | None = None) -> tuple[Tag, ...]:
    """The tags of a directory: the `index`-th of the file (from 0), or that at `offset`.

    Values of unknown kinds are empty.
    """
    with open(path, "rb") as file:
        layout = _layout(file)
        place = _offset_of(file, layout, index) if offset is None else offset
        entries, _ = _entries(file, layout, place)
        return tuple(_tag(file, layout, entry) for entry in entries)


def integers(path: str | os.PathLike[str], tag: Tag) -> tuple[int, ...]:
    """The values of a tag of 16-bit integers of the file at `path`."""
    with open(path, "rb") as file:
        order = _layout(file).order
    return struct.unpack(f"{order}{len(tag.data) // 2}H", tag.data[: len(tag.data) // 2 * 2])


def set_tags(path: str | os.PathLike[str], tags: Iterable[Tag]) -> None:
    """Give the first directory these tags, in place of those of the same codes. TEXT must end with a NUL, as in TIFF;
    SHORT holds integers of the file's byte order. A new directory is appended to the file, so nothing else moves."""
    with open(path, "rb+") as file:
        layout = _layout(file)
        entries, following = _entries(file, layout, _pointer_at(file, layout, layout.first))
        chosen = {entry[:2]: entry for entry in entries}
        for tag in tags:
            entry = _appended(file, layout, tag)
            chosen[entry[:2]] = entry
        ordered = sorted(chosen.values(), key=lambda entry: struct.unpack(layout.order + "H", entry[:2]))
        table = layout.count.pack(len(ordered)) + b"".join(ordered) + layout.pointer.pack(following)
        place = _append(file, layout, table)
        file.seek(layout.first)
        file.write(layout.pointer.pack(place))


def text_tag(code: int, words: str) -> Tag:
    """A tag of text, in UTF-8."""
    return Tag(code, TEXT, words.encode("utf-8", "replace") + b"\0")


def short_tag(path: str | os.PathLike[str], code: int, values: Sequence[int]) -> Tag:
    """A tag of 16-bit integers for the file at `path`."""
    with open(path, "rb") as file:
        order = _layout(file).order
    return Tag(code, SHORT, struct.pack(f"{order}{len(values)}H", *values))


def _layout(file: BinaryIO) -> _Layout:
    file.seek(0)
    head = file.read(8)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        raise NotTiff("the file does not begin as a TIFF does")
    version = struct.unpack(order + "H", head[2:4])[0]
    if version not in (42, 43):
        raise NotTiff(f"the TIFF is of version {version}; expected 42 or 43")
    return _Layout(order, version == 43)


def _read(file: BinaryIO, place: int, size: int) -> bytes:
    if place >= 1 << 63:
        raise NotTiff(f"a TIFF directory points to byte {place}")
    file.seek(place)
    data = file.read(size)
    if len(data) < size:
        raise NotTiff("a TIFF directory points behind the end of the file")
    return data


def _pointer_at(file: BinaryIO, layout: _Layout, place: int) -> int:
    found: int = layout.pointer.unpack(_read(file, place, layout.pointer.size))[0]
    return found


def _entries(file: BinaryIO, layout: _Layout, place: int) -> tuple[list[bytes], int]:
    """The entries of the directory at `place`, and where the next one is (0: there is none)."""
    count = layout.count.unpack(_read(file, place, layout.count.size))[0]
    if count > 65535:
        raise NotTiff(f"a TIFF directory has {count} entries")
    size = layout.entry.size
    table = _read(file, place + layout.count.size, count * size + layout.pointer.size)
    following = layout.pointer.unpack(table[count * size :])[0]
    return [table[begin : begin + size] for begin in range(0, count * size, size)], following


def _offset_of(file: BinaryIO, layout: _Layout, index: int) -> int:
    place = _pointer_at(file, layout, layout.first)
    for _ in range(min(index, _MOST_DIRECTORIES)):
        place = _entries(file, layout, place)[1]
        if not place:
            raise NotTiff(f"the TIFF has no directory {index}")
    return place


def _tag(file: BinaryIO, layout: _Layout, entry: bytes) -> Tag:
    code, kind, count, value = layout.entry.unpack(entry)
    size = count * _SIZES.get(kind, 0)
    if size > _MOST_BYTES:
        return Tag(code, kind, b"")
    if size <= len(value):
        return Tag(code, kind, value[:size])
    return Tag(code, kind, _read(file, layout.pointer.unpack(value)[0], size))


def _appended(file: BinaryIO, layout: _Layout, tag: Tag) -> bytes:
    width = layout.pointer.size
    value = tag.data if len(tag.data) <= width else layout.pointer.pack(_append(file, layout, tag.data))
    return layout.entry.pack(tag.code, tag.kind, len(tag.data) // _SIZES[tag.kind], value.ljust(width, b"\0"))


def _append(file: BinaryIO, layout: _Layout, data: bytes) -> int:
    """Write at the end of the file, at an even place as TIFF wants it. Returns where."""
    place = file.seek(0, os.SEEK_END)
    place += file.write(b"\0" * (-place % 8))
    if not layout.big and place + len(data) >= 1 << 32:
        raise OSError("the TIFF would be larger than 4 GiB")
    file.write(data)
    return place

"""A sarcodec file that is read by place: head at once, payloads on demand. Knows nothing of what a payload holds."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import BinaryIO

from sarcodec.errors import CorruptFile, InvalidArgument, TruncatedFile
from sarcodec.format import container
from sarcodec.format.bands import BOUNDED, EXACT, LEARNED
from sarcodec.format.container import Entry, Header
from sarcodec.format.sections import LATENTS, LEANING, LEVELS, MASK, PIXELS, POWER, TARGETS, Section, unpack_tile
from sarcodec.format.source import open_source

_BELONGING = {LEARNED: (LATENTS, MASK, LEANING, TARGETS, POWER), BOUNDED: (MASK, LEVELS), EXACT: (PIXELS,)}


class FileReader:
    """Head at once, payloads on demand, from a path, bytes, or a binary file with `read` and `seek`. Safe for threads and forks.

    Raises NotSarcodec, NewerVersion, TruncatedFile, CorruptFile; InvalidArgument where the path cannot be opened, and for every
    read after `close`. `header`, `entries` (index order), `size` (bytes of the file), `name` (the path as it was given), which
    stay after `close`. Pickled by its path or by its bytes; a reader of a file object is not.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | BinaryIO) -> None:
        self._source = open_source(source)
        self.name, self.size = self._source.name, self._source.size
        try:
            self.header, self.entries = self._read_head()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> FileReader:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[[str | bytes, bytes], FileReader], tuple[str | bytes, bytes]]:
        return _reopened, (self._source.again(), self.head_digest)

    def close(self) -> None:
        """Read no more. A file object that was given stays open."""
        self._source.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._source.closed

    def entry(self, tile: int, plane: int) -> Entry:
        """tile: row-major number in the tile grid; plane: a band, or a mask behind them, from 0. Raises InvalidArgument outside the scene."""
        planes = self.header.planes
        tiles = len(self.entries) // planes
        if not (0 <= tile < tiles and 0 <= plane < planes):
            raise InvalidArgument(f"tile {tile}, plane {plane} of {tiles} tiles and {planes} planes, counted from 0")
        return self.entries[tile * planes + plane]

    def payload(self, tile: int, plane: int) -> bytes:
        """The bytes of one tile and plane, their checksum tried. Raises CorruptFile, TruncatedFile."""
        entry = self.entry(tile, plane)
        data = self._source.read(entry.offset, entry.length)
        if zlib.crc32(data) != entry.crc:
            if self._source.changed:
                raise CorruptFile(f"{self.name} was changed while it was open; open it again")
            raise CorruptFile(f"tile {tile}, plane {plane + 1}: its checksum does not hold; the file is damaged")
        return data

    def sections(self, tile: int, plane: int) -> list[Section]:
        """The payload in its sections. Raises also NewerVersion."""
        sections, bands = unpack_tile(self.payload(tile, plane)), self.header.bands
        kind = bands[plane].kind if plane < len(bands) else EXACT
        foreign = [section.kind for section in sections if section.kind not in _BELONGING[kind]]
        if foreign:
            raise CorruptFile(
                f"tile {tile}, plane {plane + 1}: a section of kind {foreign[0]} does not belong here; the file is damaged"
            )
        return sections

    def _read_head(self) -> tuple[Header, list[Entry]]:
        length = container.head_length(self._source.read(0, min(10, self.size)))
        if length > self.size:
            raise TruncatedFile(f"the head takes {length} bytes, the file ends after {self.size}; fetch it again")
        head = self._source.read(0, length)
        header, entries = container.unpack_head(head)
        self.head_digest = hashlib.sha256(head).digest()
        end = entries[-1].offset + entries[-1].length
        if self.size < end:
            raise TruncatedFile(f"the file ends after {self.size} bytes, its index says {end}; fetch it again")
        if self.size > end:
            raise CorruptFile(f"the file has {self.size} bytes, its index says {end}; it is damaged, fetch it again")
        return header, entries


def _reopened(source: str | bytes, head: bytes) -> FileReader:
    """A reader that was pickled. Its index holds the checksums of all payloads: where the head is the same, all else is."""
    reader = FileReader(source)
    if reader.head_digest != head:
        reader.close()
        raise CorruptFile(f"{reader.name} is another file than the one that was pickled; open it anew, and pickle that")
    return reader

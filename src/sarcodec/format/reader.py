"""A sarcodec file that is read by place: head at once, blocks of the index and payloads on demand. Knows nothing of what a payload holds."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import BinaryIO, TypeAlias

from sarcodec.errors import CorruptFile, InvalidArgument, TruncatedFile
from sarcodec.format import container
from sarcodec.format.attachments import unpacked
from sarcodec.format.bands import EXACT
from sarcodec.format.container import Header
from sarcodec.format.index import Directory, Entry, Part, unpack_block
from sarcodec.format.ranged import RangedSource, Traffic
from sarcodec.format.sections import Section, unpack_payload
from sarcodec.format.source import open_source

FIRST_BYTES = 1 << 16
"""So many are read at once: the head, and in most files the index."""

_ENTRIES_KEPT = 1 << 16  # of the index, as far as they were read

ReadBytes: TypeAlias = Callable[[int, int], bytes]
"""Bytes of the file by offset and length."""


class FileReader:
    """Head at once, all else on demand, from a path, bytes, a binary file with `read` and `seek`, or a source of ranges. Safe for threads and forks.

    Raises NotSarcodec, OlderVersion, NewerVersion, TruncatedFile, CorruptFile; InvalidArgument where the path cannot be opened, and for
    every read after `close`. `header`, `directory`, `size` (bytes of the file), `name` (the path as it was given), which stay after
    `close`. Pickled by its path or by its bytes; a reader of a file object is not.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | BinaryIO | RangedSource) -> None:
        self._source = open_source(source)
        self.name, self.size = self._source.name, self._source.size
        self._blocks: dict[int, tuple[Entry, ...]] = {}
        try:
            self.header, self.directory = self._read_head()
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

    @property
    def identity(self) -> tuple[object, ...] | None:
        """What all readers of the same unchanged file share, and no others; None where that cannot be told (bytes, file objects)."""
        found = self._source.identity
        return None if found is None else (*found, self.head_digest)

    def entry(self, tile: int, plane: int) -> Entry:
        """tile: row-major number in the tile grid; plane: a band, or a mask behind them, from 0. Raises InvalidArgument outside the scene."""
        planes = self.header.planes
        tiles = self.header.entry_count // planes
        if not (0 <= tile < tiles and 0 <= plane < planes):
            raise InvalidArgument(f"tile {tile}, plane {plane} of {tiles} tiles and {planes} planes, counted from 0")
        block, place = divmod(tile * planes + plane, 1 << self.directory.block_log2)
        return self._block(block)[place]

    def entries(self) -> Iterator[Entry]:
        """All entries in index order."""
        return (entry for number in range(len(self._places)) for entry in self._block(number))

    def _block(self, number: int) -> tuple[Entry, ...]:
        """Kept for the next call; no lock, as two threads that make the same one do no harm."""
        found = self._blocks.get(number)
        if found is None:
            place, size = self._places[number], 1 << self.directory.block_log2
            data = self.read_bytes(place.offset, place.block.length)
            count = min(size, self.header.entry_count - number * size)
            found = unpack_block(data, place, number, count, self.header.base_step, self.header.most_step)
            while len(self._blocks) >= max(1, _ENTRIES_KEPT // size):
                self._blocks.pop(next(iter(self._blocks), -1), None)
            self._blocks[number] = found
        return found

    @property
    def far(self) -> bool:
        """Whether each read asks a server, so that reading ahead pays."""
        return isinstance(self._source, RangedSource)

    @property
    def traffic(self) -> Traffic:
        """Requests, bytes and rounds so far of a file on the network; 0 of others."""
        return self._source.traffic if isinstance(self._source, RangedSource) else Traffic()

    def payload_bytes(self, tile: int, plane: int) -> int:
        """Of both payloads together."""
        entry = self.entry(tile, plane)
        return entry.base.length + entry.rest.length

    def ahead(self, places: Iterable[tuple[int, int]]) -> None:
        """Payloads of these tiles and planes will be read next: those of a file on the network are fetched in few requests."""
        if self.far:
            parts = [part for place in places for part in (self.entry(*place).base, self.entry(*place).rest)]
            self.ahead_bytes((part.offset, part.length) for part in parts)

    def ahead_index(self, places: Iterable[tuple[int, int]]) -> None:
        """Entries of these tiles and planes will be asked for next: of a file on the network the blocks of the index that hold them are fetched at once."""
        if self.far:
            log2, planes = self.directory.block_log2, self.header.planes
            numbers = sorted({(tile * planes + plane) >> log2 for tile, plane in places} - set(self._blocks))
            blocks = [self._places[number] for number in numbers[: max(1, _ENTRIES_KEPT >> log2)]]
            self.ahead_bytes((p.offset, p.block.length) for p in blocks if p.offset + p.block.length > len(self._first))

    def ahead_bytes(self, ranges: Iterable[tuple[int, int]]) -> None:
        """(offset, length) will be read next: of a file on the network they are fetched in few requests at once."""
        self._source.fetch(ranges)

    def base_payload(self, tile: int, plane: int, read: ReadBytes | None = None) -> bytes:
        """What a reduced picture needs of one tile and plane, its checksum tried; read: who reads instead, as `read_bytes` does.
        Raises CorruptFile, TruncatedFile."""
        return self._checked(self.entry(tile, plane).base, tile, plane, read)

    def payload(self, tile: int, plane: int) -> bytes:
        """All else that the file keeps of it, its checksum tried. Raises CorruptFile, TruncatedFile."""
        return self._checked(self.entry(tile, plane).rest, tile, plane)

    def _checked(self, part: Part, tile: int, plane: int, read: ReadBytes | None = None) -> bytes:
        data = (read or self.read_bytes)(part.offset, part.length)
        if part.length and zlib.crc32(data) != part.crc:
            if self._source.changed:
                raise CorruptFile(f"{self.name} was changed while it was open; open it again")
            raise CorruptFile(f"tile {tile}, plane {plane + 1}: its checksum does not hold; the file is damaged")
        return data

    def base_sections(self, tile: int, plane: int, read: ReadBytes | None = None) -> list[Section]:
        """The sections of the base payload; read as in `base_payload`. Raises also NewerVersion."""
        return unpack_payload(self.base_payload(tile, plane, read), True, self._kind(plane))

    def sections(self, tile: int, plane: int) -> list[Section]:
        """The sections of both payloads, those of the base first. Raises also NewerVersion."""
        rest = unpack_payload(self.payload(tile, plane), False, self._kind(plane))
        return self.base_sections(tile, plane) + rest

    def _kind(self, plane: int) -> str:
        bands = self.header.bands
        return bands[plane].kind if plane < len(bands) else EXACT

    def attachment(self, name: str) -> bytes:
        """The bytes of an attachment. Raises InvalidArgument where there is none of that name, CorruptFile, TruncatedFile."""
        at = self.size - self.directory.attached_bytes
        for record in self.header.attachments:
            if record.name == name:
                return unpacked(record, self.read_bytes(at, record.length))
            at += record.length
        names = ", ".join(record.name for record in self.header.attachments[:8]) or "none"
        raise InvalidArgument(f"{self.name} has no attachment {name!r}; it has {names}")

    def read_bytes(self, offset: int, length: int) -> bytes:
        """By place; from the bytes that were read first, where they are there. Raises TruncatedFile."""
        if offset + length <= len(self._first) and not self._source.closed:
            return self._first[offset : offset + length]
        return self._source.read(offset, length)

    def _read_head(self) -> tuple[Header, Directory]:
        self._first = self._source.read(0, min(FIRST_BYTES, self.size))
        length = container.head_length(self._first[:10])
        if length > self.size:
            raise TruncatedFile(f"the head takes {length} bytes, the file ends after {self.size}; fetch it again")
        if length > len(self._first):
            self._first += self._source.read(len(self._first), length - len(self._first))
        header, directory = container.unpack_head(self._first)
        self.head_digest = hashlib.sha256(self._first[:length]).digest()
        self._places, end = directory.places(length), length + directory.total_bytes
        if self.size < end:
            raise TruncatedFile(f"the file ends after {self.size} bytes, its head says {end}; fetch it again")
        if self.size > end:
            raise CorruptFile(f"the file has {self.size} bytes, its head says {end}; it is damaged, fetch it again")
        self._first = self._first[: length + directory.index_bytes]
        return header, directory


def _reopened(source: str | bytes, head: bytes) -> FileReader:
    """A reader that was pickled. Its head holds the checksums of the index, and that those of all payloads: where it is the same, all else is."""
    reader = FileReader(source)
    if reader.head_digest != head:
        reader.close()
        raise CorruptFile(f"{reader.name} is another file than the one that was pickled; open it anew, and pickle that")
    return reader

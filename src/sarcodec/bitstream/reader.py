"""A sarcodec file that is read by place: head at once, payloads on demand. Knows nothing of what a payload holds."""

import io
import os
import threading
import zlib
from types import TracebackType
from typing import BinaryIO

from sarcodec.bitstream import container
from sarcodec.bitstream.container import BOUNDED, EXACT, LEARNED, Entry, Header
from sarcodec.bitstream.sections import LATENTS, LEANING, LEVELS, MASK, PIXELS, POWER, Section, unpack_tile
from sarcodec.errors import CorruptFile, InvalidArgument, TruncatedFile

_BELONGING = {LEARNED: (LATENTS, MASK, LEANING, POWER), BOUNDED: (MASK, LEVELS), EXACT: (PIXELS,)}


class FileReader:
    """Head at once, payloads on demand, from a path, bytes, or a binary file with `read` and `seek`. Safe for threads.

    Raises NotSarcodec, NewerVersion, TruncatedFile, CorruptFile; InvalidArgument where the path cannot be opened.
    `header`, `entries` (index order), `size` (bytes of the file).
    """

    def __init__(self, source: str | os.PathLike | bytes | BinaryIO) -> None:
        self._lock = threading.Lock()
        self._file, self._owned = _opened(source)
        try:
            self.size = self._file.seek(0, os.SEEK_END)
            self.header, self.entries = self._read_head()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "FileReader":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file if this reader opened it."""
        if self._owned:
            self._file.close()

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
        data = self._read(entry.offset, entry.length)
        if zlib.crc32(data) != entry.crc:
            raise CorruptFile(f"tile {tile}, plane {plane}: its checksum does not hold; the file is damaged")
        return data

    def sections(self, tile: int, plane: int) -> list[Section]:
        """The payload in its sections. Raises also NewerVersion."""
        sections = unpack_tile(self.payload(tile, plane))
        bands = self.header.bands
        kind = bands[plane].kind if plane < len(bands) else EXACT
        foreign = [section.kind for section in sections if section.kind not in _BELONGING[kind]]
        if foreign:
            raise CorruptFile(f"tile {tile}, plane {plane}: a section of kind {foreign[0]} does not belong into this one")
        return sections

    def _read_head(self) -> tuple[Header, list[Entry]]:
        length = container.head_length(self._read(0, min(10, self.size)))
        if length > self.size:
            raise TruncatedFile(f"the head takes {length} bytes, the file ends after {self.size}; fetch it again")
        header, entries = container.unpack_head(self._read(0, length))
        end = entries[-1].offset + entries[-1].length
        if self.size < end:
            raise TruncatedFile(f"the file ends after {self.size} bytes, its index says {end}; fetch it again")
        if self.size > end:
            raise CorruptFile(f"the file has {self.size} bytes, its index says {end}; it is damaged, fetch it again")
        return header, entries

    def _read(self, offset: int, length: int) -> bytes:
        parts, left = [], length
        with self._lock:
            self._file.seek(offset)
            while left and (part := self._file.read(left)):
                parts.append(part)
                left -= len(part)
        if left:
            raise TruncatedFile(f"{length} bytes were asked for at {offset}, {length - left} came; fetch it again")
        return b"".join(parts)


def _opened(source: str | os.PathLike | bytes | BinaryIO) -> tuple[BinaryIO, bool]:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return io.BytesIO(source), True
    if hasattr(source, "read") and hasattr(source, "seek"):
        return source, False
    try:
        return open(source, "rb"), True
    except OSError as error:
        raise InvalidArgument(f"{source} cannot be opened: {error.strerror}") from error

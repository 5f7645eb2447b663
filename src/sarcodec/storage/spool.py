"""Bytes that wait to be asked for again: as many as may be in memory, the others in a file without a name.

In: pieces of bytes; out: a place for each, and the same bytes for a place. Knows nothing of what they mean.
"""

from __future__ import annotations

import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from sarcodec.storage.refusals import writing

Buffer: TypeAlias = bytes | memoryview


@dataclass(frozen=True, slots=True)
class InFile:
    """A piece in the file: where it begins, and its length."""

    offset: int
    length: int


Place: TypeAlias = bytes | InFile


class Spool:
    """Safe for threads. room: bytes that may stay in memory; folder: of the file, None for the system's place; what: the bytes in a
    word, for messages. The file is made when it is needed, and goes with the object."""

    def __init__(self, room: int, folder: Path | None, what: str) -> None:
        self._room, self._folder, self._what = room, folder, what
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._end = 0

    @property
    def in_file(self) -> int:
        """Bytes that are in the file."""
        return self._end

    def add(self, data: Buffer) -> Place:
        """Keep a piece. Raises SarcodecError where the disk refuses.

        A file that is read and written, and not mapped: pages of a mapped one count as this process's memory, and a full disk kills it.
        """
        size = memoryview(data).nbytes
        with self._lock:
            if size <= self._room:
                self._room -= size
                return bytes(data)
            with writing(self._what):
                if self._file is None:
                    self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".sarcodec-", buffering=0)  # noqa: SIM115  # open as long as this object
                self._file.seek(self._end)
                left = memoryview(data).cast("B")
                while left:
                    left = left[self._file.write(left) :]
            place = InFile(self._end, size)
            self._end += size
            return place

    def get(self, place: Place) -> bytes:
        """The piece that was added. Raises SarcodecError where the disk refuses."""
        if isinstance(place, bytes):
            return place
        parts, left = [], place.length
        with self._lock, writing(self._what):
            assert self._file is not None, "the place is in a file"
            self._file.seek(place.offset)
            while left:
                parts.append(self._file.read(left))
                left -= len(parts[-1])
                if not parts[-1]:
                    raise OSError("the temporary file ends too early")
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Give the file back; may be called again."""
        if self._file is not None:
            self._file.close()

"""Base payloads of a window, read ahead in few large reads: those of a row of tiles lie one behind the other in the file.

In: an open file, a grid, a window; out: bytes by place, as if each was read alone. Knows nothing of what a payload holds.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from sarcodec.decoding.kept import Kept
from sarcodec.format.reader import FileReader
from sarcodec.format.tiling import TileGrid, Window

MOST_BYTES = 16 << 20
"""That are read at once; tiles of a row that has more are read one by one."""
GAP_BYTES, FAR_GAP_BYTES = 1 << 16, 1 << 19
"""That are read for nothing rather than asking once more, of the disk and of a server."""
ROOM_BYTES = 2 * MOST_BYTES


@dataclass(frozen=True)
class Stretch:
    """Bytes of the file that are read at once."""

    begin: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.begin


def stretches(file: FileReader, grid: TileGrid, window: Window) -> list[Stretch]:
    """What holds the base payloads of all planes of the tiles that a window touches, rising; the index is read for it."""
    touched, planes = grid.touched(window), file.header.planes
    file.ahead_index((tile, plane) for tile in touched for plane in (0, planes - 1))
    gap = FAR_GAP_BYTES if file.far else GAP_BYTES
    width = touched[-1] % grid.shape[1] - touched[0] % grid.shape[1] + 1
    found: list[Stretch] = []
    for first in touched[::width]:
        last = file.entry(first + width - 1, planes - 1).base
        row = Stretch(file.entry(first, 0).base.offset, last.offset + last.length)
        both = Stretch(found[-1].begin if found else row.begin, row.end)
        if found and row.begin - found[-1].end <= gap and both.length <= MOST_BYTES:
            found[-1] = both
        elif 0 < row.length <= MOST_BYTES:
            found.append(row)
    return found


class BaseRegion:
    """Reads by place; within the stretches of a window at once, elsewhere as it is asked. Safe for threads."""

    def __init__(self, file: FileReader, parts: list[Stretch]) -> None:
        self._file, self._parts, self._begins = file, parts, [part.begin for part in parts]
        self._kept: Kept[bytes] = Kept(ROOM_BYTES, len)
        self._ahead: Kept[None] = Kept(1)

    def read(self, offset: int, length: int) -> bytes:
        """As `FileReader.read_bytes`."""
        number = bisect_right(self._begins, offset) - 1
        if number < 0 or offset + length > self._parts[number].end:
            return self._file.read_bytes(offset, length)
        self._ahead.get("all", self._fetch)
        part = self._parts[number]
        held = self._kept.get(number, lambda: self._file.read_bytes(part.begin, part.length))
        return held[offset - part.begin : offset - part.begin + length]

    def _fetch(self) -> None:
        """All at once, where it is a server that is asked, and if they are few enough."""
        if self._file.far and sum(part.length for part in self._parts) <= MOST_BYTES:
            self._file.ahead_bytes((part.begin, part.length) for part in self._parts)

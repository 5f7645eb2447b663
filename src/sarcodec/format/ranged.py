"""A file of which pieces are asked for one by one: what was read ahead is kept, near pieces are asked for together.

In: a way to get bytes by place (`_ask`), which a kind of source gives; out: a `Source` (format/source.py). Knows no protocol.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from sarcodec.errors import CorruptFile, InvalidArgument, TruncatedFile

FIRST_BYTES = 1 << 16  # of the first request: the head and, in most files, the index
GAP_BYTES = 1 << 19  # that are fetched for nothing rather than asking once more: more than the base of a row of tiles
AT_ONCE = 8  # requests
HELD = 2  # groups of ranges, beside the first bytes, that are kept


class Traffic(NamedTuple):
    """What was asked for: requests; bytes that came; rounds, the times that somebody waited for one request or several at once."""

    requests: int = 0
    bytes: int = 0
    rounds: int = 0


class RangedSource(ABC):
    """A `Source` over `_ask`. `traffic` counts what was asked for; what is asked again after a failure is not seen here. Safe for threads.

    Who derives from it sets `size`, and `_held` to the first bytes of the file.
    """

    size: int
    changed = False

    def __init__(self, name: str) -> None:
        self.name, self.closed = name, False
        self.traffic = Traffic()
        self._counting = threading.Lock()
        self._groups: tuple[tuple[tuple[int, bytes], ...], ...] = ()
        self._held: tuple[tuple[int, bytes], ...] = ()

    @property
    def identity(self) -> tuple[object, ...] | None:
        """As a `Source` has it; None where who derives from it does not tell."""
        return None

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`. Raises TruncatedFile, and what `_get` raises."""
        if self.closed:
            raise self._closed()
        if not length:
            return b""
        for begin, data in self._held:
            if begin <= offset and offset + length <= begin + len(data):
                return data[offset - begin : offset - begin + length]
        return self._one(offset, length)

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Reads ahead: (offset, length) that will be read next, in few requests at once. What the fetches before the last one brought is forgotten."""
        missing = [(o, n) for o, n in ranges if n and not any(b <= o and o + n <= b + len(d) for b, d in self._held)]
        merged = _merged(missing)
        if not merged:
            return
        self._count(rounds=-(-len(merged) // AT_ONCE))
        with ThreadPoolExecutor(min(AT_ONCE, len(merged))) as pool:
            found = tuple(pool.map(lambda part: (part[0], self._get(*part)), merged))
        self._groups = (*self._groups, found)[-HELD:]
        self._held = (self._held[0], *(part for group in self._groups for part in group))

    def close(self) -> None:
        """Read no more; a second time is as good as once."""
        self.closed, self._held, self._groups = True, (), ()

    def _count(self, requests: int = 0, fetched: int = 0, rounds: int = 0) -> None:
        with self._counting:
            found = self.traffic
            self.traffic = Traffic(found.requests + requests, found.bytes + fetched, found.rounds + rounds)

    def _one(self, offset: int, length: int, whole: bool = True) -> bytes:
        """A request that is waited for alone."""
        self._count(rounds=1)
        return self._get(offset, length, whole)

    def _get(self, offset: int, length: int, whole: bool = True) -> bytes:
        """One request. whole: all of the bytes have to be there."""
        self._count(requests=1)
        data = self._ask(offset, length)
        self._count(fetched=len(data))
        self._check_length(offset, length if whole else min(length, self.size - offset), len(data))
        return data

    def _check_length(self, offset: int, length: int, came: int) -> None:
        if came < length:
            raise TruncatedFile(f"{self.name}: {length} bytes were asked for at {offset}, {came} came; fetch it again")
        if came > length:
            raise CorruptFile(
                f"{self.name}: {length} bytes were asked for at {offset}, {came} came; its server is at fault, download the file first"
            )

    @abstractmethod
    def again(self) -> str | bytes:
        """As a `Source` has it."""

    @abstractmethod
    def _ask(self, offset: int, length: int) -> bytes:
        """The bytes that are there of a range."""

    def _closed(self) -> InvalidArgument:
        return InvalidArgument(f"{self.name} is closed; open the scene again, or read it within its `with`")


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges with what lies between near ones, rising."""
    out: list[list[int]] = []
    for offset, length in sorted(ranges):
        if out and offset - out[-1][1] <= GAP_BYTES:
            out[-1][1] = max(out[-1][1], offset + length)
        else:
            out.append([offset, offset + length])
    return [(begin, end - begin) for begin, end in out]

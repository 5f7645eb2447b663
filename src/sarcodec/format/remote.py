"""Bytes by place of a file on a web server or in a bucket, by ranges: with the package obstore (the extra `remote`).

In: an address; out: bytes, of one file as it was when it was opened. Failures that may pass are tried again, with growing pauses; an answer that is cut short, and a file that
was replaced between two requests, are errors. Credentials are those of the usual environment variables. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sarcodec.errors import CorruptFile, InvalidArgument, TruncatedFile, Unreachable
from sarcodec.storage import objects

FIRST_BYTES = 1 << 16  # of the first request: the head and, in most files, the index
GAP_BYTES = 1 << 18  # that are fetched for nothing rather than asking once more
AT_ONCE = 8  # requests
HELD = 2  # groups of ranges, beside the first bytes, that are kept


class RemoteSource:
    """A `Source` (format/source.py) at an address. `requests` and `fetched` count what was asked for, and its bytes.

    Raises InvalidArgument where there is no such file or it may not be read, Unreachable where the server does not answer.
    """

    def __init__(self, name: str) -> None:
        self.name, self.closed, self.changed = objects.public(name), False, False
        self.requests, self.fetched = 0, 0
        self._given, self._counting = name, threading.Lock()
        address = objects.address_of(name)
        assert address is not None, "the caller looks"
        self._store, self._path = objects.store_of(address, self.name)
        if not self._path and not address.startswith("http"):
            raise InvalidArgument(f"{self.name} names a bucket; expected a file in it")
        self._state: tuple[object, ...] | None = None
        self._groups: tuple[tuple[tuple[int, bytes], ...], ...] = ()
        self._held: tuple[tuple[int, bytes], ...] = ((0, self._get(0, FIRST_BYTES, whole=False)),)

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`. Raises TruncatedFile, CorruptFile where the file was replaced, Unreachable."""
        if self.closed:
            raise InvalidArgument(f"{self.name} is closed; open the scene again, or read it within its `with`")
        if not length:
            return b""
        for begin, data in self._held:
            if begin <= offset and offset + length <= begin + len(data):
                return data[offset - begin : offset - begin + length]
        return self._get(offset, length)

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Reads ahead: (offset, length) that will be read next, in few requests at once. What the fetches before the last one brought is forgotten."""
        missing = [(o, n) for o, n in ranges if n and not any(b <= o and o + n <= b + len(d) for b, d in self._held)]
        merged = _merged(missing)
        if not merged:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(merged))) as pool:
            found = tuple(pool.map(lambda part: (part[0], self._get(*part)), merged))
        self._groups = (*self._groups, found)[-HELD:]
        self._held = (self._held[0], *(part for group in self._groups for part in group))

    def _get(self, offset: int, length: int, whole: bool = True) -> bytes:
        """One request. whole: all of the bytes have to be there."""
        import obstore

        options: Any = {"range": (offset, offset + length)}
        tag = self._state[1] if self._state else None
        if isinstance(tag, str) and not tag.startswith("W/"):
            options["if_match"] = tag
        with self._counting:
            self.requests += 1
        try:
            answer = obstore.get(self._store, self._path, options=options)
            self._check_same(answer.meta)
            data = bytes(answer.bytes())
        except Exception as error:
            raise self._error(error) from error
        with self._counting:
            self.fetched += len(data)
        if whole and len(data) < length:
            raise TruncatedFile(
                f"{self.name}: {length} bytes were asked for at {offset}, {len(data)} came; fetch it again"
            )
        return data

    def _check_same(self, meta: Any) -> None:
        """Whether the answer is of the file that was opened."""
        state = (meta["size"], meta.get("e_tag"), meta.get("last_modified"))
        if self._state is None:
            self._state, self.size = state, meta["size"]
        elif self._state != state:
            raise self._replaced()

    def _replaced(self) -> CorruptFile:
        self.changed = True
        return CorruptFile(f"{self.name} was replaced while it was open; open it again")

    def _error(self, error: Exception) -> Exception:
        """In our words."""
        kind, words = type(error).__name__, objects.first_line(error)
        gone = kind == "NotFoundError" or isinstance(error, FileNotFoundError)
        if kind == "PreconditionError" or (gone and self._state is not None):
            return self._replaced()
        found = objects.refusal(error, self.name)
        if isinstance(found, Unreachable) and (kind == "NotSupportedError" or "range" in words.lower()):
            return Unreachable(f"{self.name}: its server gives no ranges ({words}); download the file first")
        return found

    def again(self) -> str:
        """The address, for another process."""
        if self.closed:
            raise InvalidArgument(f"{self.name} is closed; open the scene again, or read it within its `with`")
        return self._given

    def close(self) -> None:
        """Read no more; a second time is as good as once."""
        self.closed, self._held, self._groups = True, (), ()


def _merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges with what lies between near ones, rising."""
    out: list[list[int]] = []
    for offset, length in sorted(ranges):
        if out and offset - out[-1][1] <= GAP_BYTES:
            out[-1][1] = max(out[-1][1], offset + length)
        else:
            out.append([offset, offset + length])
    return [(begin, end - begin) for begin, end in out]

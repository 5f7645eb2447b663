"""Bytes by place of a file on a web server or in a bucket, by ranges: with the package obstore (the extra `remote`).

In: an address; out: bytes, of one file as it was when it was opened. Failures that may pass are tried again, with growing pauses; an answer that is cut short, and a file that
was replaced between two requests, are errors. Credentials are those of the usual environment variables. Knows nothing of what the bytes mean.
"""

from __future__ import annotations

from typing import Any

from sarcodec.errors import CorruptFile, InvalidArgument, Unreachable
from sarcodec.format.ranged import FIRST_BYTES, RangedSource
from sarcodec.storage import objects


class RemoteSource(RangedSource):
    """A `Source` (format/source.py) at an address.

    Raises InvalidArgument where there is no such file or it may not be read, Unreachable where the server does not answer.
    """

    def __init__(self, name: str) -> None:
        super().__init__(objects.public(name))
        self._given = name
        address = objects.address_of(name)
        assert address is not None, "the caller looks"
        self._store, self._path = objects.store_of(address, self.name)
        if not self._path and not address.startswith("http"):
            raise InvalidArgument(f"{self.name} names a bucket; expected a file in it")
        self._state: tuple[object, ...] | None = None
        self._held = ((0, self._one(0, FIRST_BYTES, whole=False)),)

    @property
    def identity(self) -> tuple[object, ...] | None:
        """The address and the entity tag that its server gave; None where it gave none, or a weak one."""
        tag = self._strong_tag()
        return None if tag is None else ("address", self._given, tag, self.size)

    def _strong_tag(self) -> str | None:
        tag = self._state[1] if self._state else None
        return tag if isinstance(tag, str) and not tag.startswith("W/") else None

    def _ask(self, offset: int, length: int) -> bytes:
        """Raises CorruptFile where the file was replaced, Unreachable."""
        import obstore

        options: Any = {"range": (offset, offset + length)}
        if (tag := self._strong_tag()) is not None:
            options["if_match"] = tag
        try:
            answer = obstore.get(self._store, self._path, options=options)
            self._check_same(answer.meta)
            return bytes(answer.bytes())
        except Exception as error:
            raise self._error(error) from error

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
            raise self._closed()
        return self._given

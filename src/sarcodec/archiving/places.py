"""Where outputs go: a folder, or a bucket. In: names of outputs; out: what lies there, and whether it is what the table tells of. Reads heads, never pixels."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sarcodec.archiving.names import entries_of, stored
from sarcodec.archiving.table import Row
from sarcodec.errors import FormatError, InvalidArgument, SarcodecError
from sarcodec.format.reader import FileReader
from sarcodec.storage import objects
from sarcodec.storage.workspace import clear_leftovers

ENDING = ".sarc"


class Place(Protocol):
    """name: as the user gave it."""

    name: str

    def path(self, output: str) -> str:
        """Name or address of an output."""

    def there(self, output: str) -> bool:
        """Whether anything lies under its name."""

    def same(self, row: Row) -> bool:
        """Whether what lies there is the file that a row tells of."""

    def remove(self, path: str) -> None:
        """An output; no error where that cannot be done."""

    def clear(self, output: str) -> None:
        """Remove what killed processes left in the folder of an output."""

    def __iter__(self) -> Iterator[str]:
        """All outputs that are there."""


class FolderPlace:
    """A folder of this machine, or one that it sees."""

    def __init__(self, folder: Path) -> None:
        self.name, self._folder = os.fspath(folder), os.path.abspath(folder)

    def path(self, output: str) -> str:
        return os.path.join(self._folder, *output.split("/"))

    def there(self, output: str) -> bool:
        return os.path.lexists(self.path(output))

    def same(self, row: Row) -> bool:
        return head_of(self.path(row.output)) == (row.head, row.bytes_out)

    def remove(self, path: str) -> None:
        with suppress(OSError):
            os.unlink(path)

    def clear(self, output: str) -> None:
        clear_leftovers(Path(self.path(output)).parent)

    def __iter__(self) -> Iterator[str]:
        return (os.path.relpath(path, self._folder).replace(os.sep, "/") for path in _walk(self._folder))


class BucketPlace:
    """All objects below an address, which are listed once: a thousand a request, kept in a temporary database. Raises InvalidArgument, Unreachable."""

    def __init__(self, address: str) -> None:
        self.name, self._address = objects.public(address), address.rstrip("/")
        self._there = sqlite3.connect("")
        self._there.execute("CREATE TABLE there(output PRIMARY KEY, size, tag) WITHOUT ROWID")
        found = ((one.address[len(self._address) + 1 :], one.size, one.tag) for one in objects.listed(self._address))
        self._there.executemany(
            "INSERT OR REPLACE INTO there VALUES (?, ?, ?)", (one for one in found if one[0].endswith(ENDING))
        )

    def path(self, output: str) -> str:
        return f"{self._address}/{output}"

    def there(self, output: str) -> bool:
        return self._found(output) is not None

    def same(self, row: Row) -> bool:
        """By size and entity tag, as they were listed; by the head where the service gives no tags."""
        found = self._found(row.output)
        if found is not None and row.tag and found[1]:
            return found == (row.bytes_out, row.tag)
        return head_of(self.path(row.output)) == (row.head, row.bytes_out)

    def remove(self, path: str) -> None:
        with suppress(SarcodecError):
            objects.remove(path)

    def clear(self, output: str) -> None:
        """Nothing: an object is there whole or not at all."""

    def __iter__(self) -> Iterator[str]:
        return (os.fsdecode(name) for (name,) in self._there.execute("SELECT output FROM there ORDER BY output"))

    def _found(self, output: str) -> tuple[int, str | None] | None:
        found = self._there.execute("SELECT size, tag FROM there WHERE output = ?", (stored(output),)).fetchone()
        return None if found is None else (found[0], found[1])


def head_of(path: str) -> tuple[str, int] | None:
    """Digest of the head and size of a file; None where it is no whole compressed file."""
    try:
        with FileReader(path) as file:
            return file.head_digest.hex(), file.size
    except (FormatError, InvalidArgument):
        return None


def _walk(folder: str) -> Iterator[str]:
    for entry in entries_of(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)
        elif entry.name.endswith(ENDING):
            yield entry.path


def place_of(out: str | os.PathLike[str]) -> Place:
    """Of a folder's name, or of an address."""
    return BucketPlace(os.fsdecode(out)) if objects.is_object(out) else FolderPlace(Path(out))

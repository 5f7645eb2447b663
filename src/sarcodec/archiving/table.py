"""The table of an archive: an SQLite file with a row for every scene that was tried. In and out: Rows. Knows no scene and no file but its own.

It is a record, not the truth: that is the outputs beside it. A row that was not yet on the disk when the power went costs one look at its output.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import TracebackType

from sarcodec.archiving.names import stored
from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.storage.refusals import shown

SCHEMA_VERSION = 2  # 2: STAC items, and the column tag
APPLICATION = 0x53415243  # "SARC", which SQLite keeps at a fixed place
DONE, FAILED, REFUSED = "done", "failed", "refused"
_COMMIT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of a scene.

    output: relative to the archive; source: absolute; state: done, failed or refused; tries: how often it was worked on; bytes_in, modified_ns: of
    the source; bytes_out: of the output; head: SHA-256 of its head, in hexadecimal digits; promised: the target in words; promised_rmse_db: the error
    that the file claims; rmse_db, bias_power_db, max_error_db: measured against the source as it is decoded by default; error, exit_code: of the last try; at: when it ended (UTC);
    seconds: of work on it; software: with version; deleted: the source went, unless the run was cut just then; tag: entity tag of an output in a bucket.
    """

    output: str
    source: str
    state: str
    tries: int = 0
    bytes_in: int | None = None
    modified_ns: int | None = None
    bytes_out: int | None = None
    head: str | None = None
    promised: str | None = None
    promised_rmse_db: float | None = None
    rmse_db: float | None = None
    bias_power_db: float | None = None
    max_error_db: float | None = None
    error: str | None = None
    exit_code: int = 0
    at: str | None = None
    seconds: float | None = None
    software: str | None = None
    model: str | None = None
    deleted: bool = False
    tag: str | None = None


_COLUMNS = tuple(field.name for field in fields(Row))
_PUT = f"INSERT OR REPLACE INTO scenes({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"


class Table:
    """Use in a `with`. locks: whether the file system has them; without, SQLite is told to do without. Raises SarcodecError where the disk
    refuses, InvalidArgument for a file that is no such table."""

    def __init__(self, path: Path, *, locks: bool = True, read_only: bool = False) -> None:
        self.path, self._since, self._writes = path, time.monotonic(), not read_only
        mode = "ro" if read_only else "rwc"
        name = f"{path.absolute().as_uri()}?mode={mode}" + ("" if locks else "&nolock=1")
        try:
            self._base = sqlite3.connect(name, uri=True, timeout=30)
            try:
                self._check()
            except sqlite3.OperationalError:
                if not read_only:
                    raise
                self._base = sqlite3.connect(f"{name}&immutable=1", uri=True)  # in a folder that cannot be written
                self._check()
            if not read_only:
                self._prepare(locks)
            self._names = [name for _, name, *_ in self._base.execute("PRAGMA table_info(scenes)") if name in _COLUMNS]
        except sqlite3.Error as error:
            raise _refusal(error, path) from error

    def _check(self) -> None:
        version = self._base.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise InvalidArgument(
                f"{shown(self.path)} was written by a later release (version {version} of the table, this one knows {SCHEMA_VERSION}); use that release"
            )
        there = self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if there and self._base.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise InvalidArgument(f"{shown(self.path)} is no table of an archive; take another folder, or move it away")

    def _prepare(self, locks: bool) -> None:
        self._base.execute(f"PRAGMA journal_mode={'WAL' if locks else 'DELETE'}")
        self._base.execute("PRAGMA synchronous=FULL")
        self._base.execute(f"PRAGMA application_id={APPLICATION}")
        self._base.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        columns = ", ".join(f"{name} PRIMARY KEY" if name == "output" else name for name in _COLUMNS)
        self._base.execute(f"CREATE TABLE IF NOT EXISTS scenes({columns}) WITHOUT ROWID")
        self._base.execute("CREATE TABLE IF NOT EXISTS about(name PRIMARY KEY, value) WITHOUT ROWID")
        self._base.execute("CREATE TABLE IF NOT EXISTS items(output PRIMARY KEY, head, item)")
        if "tag" not in [name for _, name, *_ in self._base.execute("PRAGMA table_info(scenes)")]:
            self._base.execute("ALTER TABLE scenes ADD COLUMN tag")  # of version 1
        self._base.commit()

    def __enter__(self) -> Table:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None or not issubclass(kind, sqlite3.Error):
                self.commit()
                with suppress(
                    sqlite3.Error
                ):  # so that a closed table is one file, for those too who may not write; unless it is read just now
                    self._base.execute(f"PRAGMA journal_mode{'=DELETE' if self._writes else ''}")
        finally:
            self._base.close()

    def get(self, output: str) -> Row | None:
        """The row of an output."""
        words = f"SELECT {', '.join(self._names)} FROM scenes WHERE output = ?"
        found = self._base.execute(words, (stored(output),)).fetchone()
        return None if found is None else self._row(found)

    def __iter__(self) -> Iterator[Row]:
        return map(self._row, self._base.execute(f"SELECT {', '.join(self._names)} FROM scenes ORDER BY output"))

    def _row(self, values: tuple[object, ...]) -> Row:
        row = Row(**dict(zip(self._names, values, strict=True)))
        return replace(row, output=os.fsdecode(row.output), source=os.fsdecode(row.source), deleted=bool(row.deleted))

    def put(self, row: Row) -> None:
        """Enter a row, in the place of an older one; on the disk after `commit`, which comes by itself about every second. Raises SarcodecError."""
        self._execute(_PUT, *(getattr(row, name) for name in _COLUMNS))

    def put_item(self, output: str, head: str, item: str | None) -> None:
        """Enter the STAC item of an output as JSON, and of which file it is; None: it can have none. Otherwise as `put`."""
        self._execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", output, head, item)

    def _execute(self, words: str, *values: object) -> None:
        try:
            self._base.execute(words, tuple(stored(value) if isinstance(value, str) else value for value in values))
        except sqlite3.Error as error:
            raise _refusal(error, self.path) from error
        if time.monotonic() - self._since > _COMMIT_S:
            self.commit()

    def without_item(self, after: str, most: int) -> list[tuple[str, str]]:
        """(output, head) of the next outputs behind `after` that are done and of whose item nothing is known, in order."""
        words = (
            "SELECT s.output, s.head FROM scenes s LEFT JOIN items i ON i.output = s.output AND i.head = s.head "
            "WHERE s.state = 'done' AND i.output IS NULL AND s.output > ? ORDER BY s.output LIMIT ?"
        )
        found = self._base.execute(words, (stored(after), most))
        return [(os.fsdecode(output), head) for output, head in found]

    def items(self) -> Iterator[tuple[str, str | None]]:
        """(head, item) of all outputs that are done, by name."""
        yield from self._base.execute(
            "SELECT i.head, i.item FROM scenes s JOIN items i ON i.output = s.output AND i.head = s.head WHERE s.state = 'done' ORDER BY s.output"
        )

    def commit(self) -> None:
        """Put all rows on the disk. Raises SarcodecError."""
        self._since = time.monotonic()
        try:
            self._base.commit()
        except sqlite3.Error as error:
            raise _refusal(error, self.path) from error

    def adopt(self, other: Path) -> None:
        """Take the rows of another table, such as a shard's, whose outputs this one does not know, and their items."""
        with Table(other) as rows:
            for row in rows:
                if self.get(row.output) is None:
                    self.put(row)
                    item = rows._base.execute("SELECT head, item FROM items WHERE output = ?", (stored(row.output),))
                    for head, words in item:
                        self.put_item(row.output, head, words)
        self.commit()

    def settle(self, name: str, value: str) -> str:
        """The value that was entered under this name first: now, or by an earlier run."""
        self._base.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, value))
        self.commit()
        return str(self._base.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()[0])

    def said(self, name: str) -> str | None:
        """The value under this name."""
        found = self._base.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def note(self, name: str, value: str) -> None:
        """Put a value in the place of the one that was there."""
        self._execute("INSERT OR REPLACE INTO about VALUES (?, ?)", name, value)
        self.commit()


def _refusal(error: sqlite3.Error, path: Path) -> SarcodecError:
    text = str(error)
    if "full" in text:
        return SarcodecError(
            f"cannot write {shown(path)}: the disk is full; free space, then start again: what is done stays"
        )
    if "readonly" in text or "unable to open" in text:
        return InvalidArgument(f"cannot write {shown(path)} ({text}); take a folder that you may write to")
    if "not a database" in text or "malformed" in text:
        return InvalidArgument(
            f"{shown(path)} is damaged ({text}); move it away: the outputs are verified and entered again"
        )
    return SarcodecError(f"{shown(path)}: {text}; check the disk")

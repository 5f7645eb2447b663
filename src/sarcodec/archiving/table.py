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

SCHEMA_VERSION = 1
APPLICATION = 0x53415243  # "SARC", which SQLite keeps at a fixed place
DONE, FAILED, REFUSED = "done", "failed", "refused"
_COMMIT_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of a scene.

    output: relative to the archive; source: absolute; state: done, failed or refused; tries: how often it was worked on; bytes_in, modified_ns: of
    the source; bytes_out: of the output; head: SHA-256 of its head, in hexadecimal digits; promised: the target in words; promised_rmse_db: the error
    that the file claims; rmse_db, bias_power_db, max_error_db: measured against the source as it is decoded by default; error, exit_code: of the last try; at: when it ended (UTC);
    seconds: of work on it; software: with version; deleted: the source went, unless the run was cut just then.
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


_COLUMNS = tuple(field.name for field in fields(Row))
_PUT = f"INSERT OR REPLACE INTO scenes VALUES ({', '.join('?' * len(_COLUMNS))})"


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
        found = self._base.execute("SELECT * FROM scenes WHERE output = ?", (stored(output),)).fetchone()
        return None if found is None else _row(found)

    def __iter__(self) -> Iterator[Row]:
        return map(_row, self._base.execute("SELECT * FROM scenes ORDER BY output"))

    def put(self, row: Row) -> None:
        """Enter a row, in the place of an older one; on the disk after `commit`, which comes by itself about every second. Raises SarcodecError."""
        found = (getattr(row, name) for name in _COLUMNS)
        values = (stored(value) if isinstance(value, str) else value for value in found)
        try:
            self._base.execute(_PUT, tuple(values))
        except sqlite3.Error as error:
            raise _refusal(error, self.path) from error
        if time.monotonic() - self._since > _COMMIT_S:
            self.commit()

    def commit(self) -> None:
        """Put all rows on the disk. Raises SarcodecError."""
        self._since = time.monotonic()
        try:
            self._base.commit()
        except sqlite3.Error as error:
            raise _refusal(error, self.path) from error

    def adopt(self, other: Path) -> None:
        """Take the rows of another table, such as a shard's, whose outputs this one does not know."""
        with Table(other) as rows:
            for row in rows:
                if self.get(row.output) is None:
                    self.put(row)
        self.commit()

    def settle(self, name: str, value: str) -> str:
        """The value that was entered under this name first: now, or by an earlier run."""
        self._base.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, value))
        self.commit()
        return str(self._base.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()[0])


def _row(values: tuple[object, ...]) -> Row:
    row = Row(**dict(zip(_COLUMNS, values, strict=True)))  # type: ignore[arg-type]  # as they were entered
    return replace(row, output=os.fsdecode(row.output), source=os.fsdecode(row.source), deleted=bool(row.deleted))


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

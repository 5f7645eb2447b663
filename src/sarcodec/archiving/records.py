"""Tables of archives whose outputs are in a bucket: worked on in a folder of this machine, and copied beside the outputs at the end of a run, so that others find them.

In: an address and a folder; out: files in both. Knows no rows.
"""

from __future__ import annotations

import os
from pathlib import Path

from sarcodec.errors import InvalidArgument
from sarcodec.storage import objects
from sarcodec.storage.refusals import shown


def _is_table(name: str) -> bool:
    return name.startswith("archive") and name.endswith(".sqlite")


def bring(address: str, folder: Path) -> None:
    """Tables that lie beside the outputs and are not in the folder, or newer: of shards, or of a run on another machine. One that a killed run left open stays. Raises
    InvalidArgument, Unreachable."""
    top = address.rstrip("/")
    for one in objects.beside(top):
        name = one.address[len(top) + 1 :]
        if _is_table(name) and _is_older(folder / name, one.modified_ns):
            aside = folder / f".{name}.{os.getpid()}"
            try:
                objects.fetch(one.address, aside)
                os.replace(aside, folder / name)
            finally:
                aside.unlink(missing_ok=True)


def _is_older(table: Path, modified_ns: int) -> bool:
    """Than a copy, or not there. Beside a table that is open, or was when its process was killed, lies the journal that belongs to it and to no other."""
    if table.with_name(f"{table.name}-wal").exists():
        return False
    return not table.exists() or table.stat().st_mtime_ns < modified_ns


def send(files: list[Path], address: str) -> None:
    """Files into the bucket, in the place of older ones. Raises InvalidArgument, Unreachable."""
    for path in files:
        objects.put(path, f"{address.rstrip('/')}/{path.name}", overwrite=True)


def folder_for(out: str | os.PathLike[str], table: str | os.PathLike[str] | None) -> str | os.PathLike[str]:
    """Of table and lock. Raises InvalidArgument where a bucket has none, or a folder another one than itself."""
    if objects.is_object(out) and table is None:
        raise InvalidArgument(
            f"{objects.public(os.fsdecode(out))} is in a bucket, where no table can be written to; name a folder of this machine for it (--table FOLDER)"
        )
    if not objects.is_object(out) and table is not None:
        raise InvalidArgument(
            f"the table of an archive in a folder lies in it; leave --table {shown(table)} out, or name a bucket for the outputs"
        )
    return out if table is None else table

"""Folders of small scenes, archives of them, and whether an archive's table is what lies on the disk."""

import os
import sqlite3
from pathlib import Path

import sarcodec
from api.scenes import amplitude, store

SIDE_PX = 64


CREW = {}
"""Workers of the fixture `crew`."""


def again(source, out, **about):
    """An archive by the workers of the fixture `crew`."""
    return sarcodec.archive(source, out, executor=CREW["processes"], workers=2, **about)


def folder_of_scenes(folder: Path, count: int, bad: tuple[int, ...] = ()) -> Path:
    """`count` scenes in two folders and below; those whose numbers are in `bad` are no scenes."""
    for number in range(count):
        place = folder / ("a", "a/deep", "b")[number % 3]
        place.mkdir(parents=True, exist_ok=True)
        path = place / f"scene-{number:03}.{'tif' if number % 2 else 'TIFF'}"
        if number in bad:
            path.write_bytes(b"this is no scene")
        else:
            store(path.with_suffix(".tif"), amplitude(number, SIDE_PX, SIDE_PX)).rename(path)
    return folder


def outputs(out: Path) -> set[str]:
    """Names of compressed files below, those aside that are being written."""
    found = set()
    for place, folders, files in os.walk(out):
        folders[:] = [name for name in folders if not name.startswith(".sarcodec-")]  # which may vanish on the way
        found |= {(Path(place) / name).relative_to(out).as_posix() for name in files if name.endswith(".sarc")}
    return found


def rows(out: Path, table: str = "archive.sqlite") -> dict[str, dict]:
    """The table, by output."""
    base = sqlite3.connect(out / table)
    base.row_factory = sqlite3.Row
    try:
        return {row["output"]: dict(row) for row in base.execute("SELECT * FROM scenes")}
    finally:
        base.close()


def leftovers(folder: Path) -> list[str]:
    """What no run should leave."""
    names = (name for _, folders, files in os.walk(folder) for name in [*folders, *files])
    return [
        name for name in names if name.startswith(".sarcodec") or name.endswith(("-wal", "-shm", "-journal", ".part"))
    ]


def require_table_is_disk(out: Path, source: Path) -> None:
    """Every output has a row that tells of it and its source, and every row that is done an output; each is whole and of its source."""
    table, there = rows(out), outputs(out)
    assert {name for name, row in table.items() if row["state"] == "done"} == there
    for name in there:
        row, path = table[name], out / name
        assert row["bytes_out"] == path.stat().st_size
        assert row["bytes_in"] == Path(row["source"]).stat().st_size
        assert Path(row["source"]).relative_to(source.absolute()).with_suffix(".sarc").as_posix() == name
        assert sarcodec.verify(path, against=row["source"], threads=1).passed
    assert not leftovers(out)

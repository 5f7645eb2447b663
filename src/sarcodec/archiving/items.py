"""The STAC items of an archive: one of each output that is done, in one file beside them. In: the table, which keeps them; out: items.parquet, or items.ndjson.

An item is made where an output is judged, so that at the end no output is opened again but those that were judged by an earlier release.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sarcodec.archiving.table import Table
from sarcodec.doors import geoparquet
from sarcodec.doors.stac_item import item
from sarcodec.errors import InvalidArgument
from sarcodec.storage.output import Output
from sarcodec.storage.refusals import is_utf8, shown, writing

PARQUET, LINES = "items.parquet", "items.ndjson"
_PAGE = 1000


@dataclass(frozen=True)
class Items:
    """count: how many there are; without: outputs that have none; path: of their file, None where there is none."""

    count: int = 0
    without: int = 0
    path: str | None = None


def item_of(path: str, name: str) -> str | None:
    """The item of an output as JSON; None where it is none that readers take, as the file does not say when and where the scene was taken. name: of the output within
    the archive, which its href is. Of a scene that is not Sentinel-1's by its name or product, the name without its ending is the id too: `scene.sarc` may be there in two folders.
    """
    href = name if is_utf8(name) else quote(os.fsencode(name))
    try:
        found = item(path, href=href)
    except InvalidArgument:
        return None
    if found["geometry"] is None:
        return None
    if "platform" not in found["properties"]:
        found["id"] = href.removesuffix(".sarc").replace("/", "_")
    return json.dumps(found, allow_nan=False, separators=(",", ":"))


def write_items(table: Table, folder: Path, path_of: Callable[[str], str]) -> Items:
    """Bring the file of all items up to date; one that is stays as it is. path_of: where an output lies, by its name. Raises SarcodecError where the disk refuses."""
    _complete(table, path_of)
    digest, count, without = hashlib.sha256(), 0, 0
    for head, words in table.items():
        digest.update(head.encode())
        count, without = count + (words is not None), without + (words is None)
    name, other = (PARQUET, LINES) if geoparquet.is_there() else (LINES, PARQUET)
    state = f"{count} {digest.hexdigest()}"
    target = folder / (name if count else PARQUET)
    if not count:
        other = LINES
        _remove(target)
    elif not (target.is_file() and table.said(name) == state):
        with Output(target, overwrite=True) as output:
            with writing(shown(target)):
                _write(table, name, output.part)
            output.publish()
        table.note(name, state)
    _remove(folder / other)
    return Items(count, without, str(target) if count else None)


def _complete(table: Table, path_of: Callable[[str], str]) -> None:
    """Items of outputs whose rows have none yet."""
    after = ""
    while page := table.without_item(after, _PAGE):
        for output, head in page:
            table.put_item(output, head, item_of(path_of(output), output))
        after = page[-1][0]
    table.commit()


def _write(table: Table, name: str, target: Path) -> None:
    if name == PARQUET:
        geoparquet.write_geoparquet(lambda: _parsed(table), target)
        return
    with open(target, "x", encoding="ascii") as file:
        file.writelines(f"{words}\n" for _, words in table.items() if words is not None)


def _parsed(table: Table) -> Iterator[dict[str, Any]]:
    return (json.loads(words) for _, words in table.items() if words is not None)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()

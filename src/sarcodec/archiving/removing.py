"""The end of a source whose output was judged. In: its row, its files; removes nothing that is not as it was when it was judged."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sarcodec.archiving.sources import state_of, whole
from sarcodec.archiving.table import Row
from sarcodec.errors import SarcodecError
from sarcodec.storage.objects import is_object
from sarcodec.storage.workspace import Workspace


def remove_source(row: Row, files: Iterable[str]) -> bool:
    """Remove the source, and side files that bear its name (x.tif.msk, x.tif.aux.xml). False where it was changed meanwhile, or cannot be removed; and where it
    is a link, or in a bucket."""
    source = whole(row.source)
    try:
        if is_object(source) or os.path.islink(source) or state_of(source) != (row.bytes_in, row.modified_ns):
            return False
        if os.path.isdir(source):
            _remove_folder(Path(source))
            return True
        os.unlink(source)
    except (OSError, SarcodecError):
        return False
    for path in files:
        if path.startswith(source + "."):
            with suppress(OSError):
                os.unlink(path)
    return True


def _remove_folder(folder: Path) -> None:
    """First out of sight, as a whole: half a product would be another source at the next start. What is left where this is cut goes with the next temporary folder beside it."""
    away = Workspace(folder.parent)
    try:
        os.replace(folder, away.folder / folder.name)
    finally:
        away.close()

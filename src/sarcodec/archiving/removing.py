"""The end of a source whose output was judged. In: its row, its files; removes nothing that is not as it was when it was judged."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from sarcodec.archiving.table import Row


def remove_source(row: Row, files: Iterable[str]) -> bool:
    """Remove the source, and side files that bear its name (x.tif.msk, x.tif.aux.xml). False where it was changed meanwhile, or cannot be removed."""
    try:
        found = os.lstat(row.source)
        if (found.st_size, found.st_mtime_ns) != (row.bytes_in, row.modified_ns):
            return False
        os.unlink(row.source)
    except OSError:
        return False
    for path in files:
        if path.startswith(row.source + "."):
            with suppress(OSError):
                os.unlink(path)
    return True

"""A source as a thing that may change or go: a raster, a product, whose files count as one. In: its name; out: its state. Reads no pixel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from sarcodec.products.layout import MANIFEST

State: TypeAlias = tuple[int, int]
"""Bytes, and the time of the last change in ns: of a product those of all its files together, and the latest."""


def whole(source: str) -> str:
    """What a name means: of a manifest, the product around it."""
    return os.path.dirname(source) if os.path.basename(source) == MANIFEST else source


def state_of(source: str) -> State | None:
    """None where it is not there or may not be seen."""
    try:
        found = os.stat(whole(source))
        if not os.path.isdir(whole(source)):
            return found.st_size, found.st_mtime_ns
        size, latest = 0, found.st_mtime_ns
        for place, folders, files in os.walk(whole(source), onerror=_raise):
            for name in (*folders, *files):
                found = os.stat(Path(place) / name)
                size, latest = size + (found.st_size if name in files else 0), max(latest, found.st_mtime_ns)
    except (OSError, ValueError):
        return None
    return size, latest


def _raise(error: OSError) -> None:
    raise error

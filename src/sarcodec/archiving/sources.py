"""A source as a thing that may change or go: a raster, a product, whose files count as one. In: its name; out: its state. Reads no pixel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from sarcodec.errors import SarcodecError
from sarcodec.products.layout import MANIFEST
from sarcodec.storage.fetched import product_prefix
from sarcodec.storage.objects import found, is_object, listed

State: TypeAlias = tuple[int, int]
"""Bytes, and the time of the last change in ns: of a product those of all its files together, and the latest."""


def whole(source: str) -> str:
    """What a name means: of a manifest, the product around it."""
    return os.path.dirname(source) if os.path.basename(source) == MANIFEST else source


def state_of(source: str) -> State | None:
    """None where it is not there or may not be seen, which whoever works on it will say in words."""
    try:
        return state_now(source)
    except SarcodecError:
        return None


def state_now(source: str) -> State | None:
    """The same. Raises Unreachable where a bucket does not answer, InvalidArgument where it may not be read."""
    if is_object(source):
        return _in_bucket(source)
    try:
        outer = os.stat(whole(source))
        if not os.path.isdir(whole(source)):
            return outer.st_size, outer.st_mtime_ns
        size, latest = 0, outer.st_mtime_ns
        for place, folders, files in os.walk(whole(source), onerror=_raise):
            for name in (*folders, *files):
                inner = os.stat(Path(place) / name)
                size, latest = size + (inner.st_size if name in files else 0), max(latest, inner.st_mtime_ns)
    except (OSError, ValueError):
        return None
    return size, latest


def _in_bucket(address: str) -> State | None:
    prefix = product_prefix(address)
    objects = list(listed(prefix)) if prefix else [one for one in [found(address)] if one]
    return (sum(one.size for one in objects), max(one.modified_ns for one in objects)) if objects else None


def _raise(error: OSError) -> None:
    raise error

"""rasterio's datasets without its warning that an image has no georeferencing: for radar images that is the usual case."""

from __future__ import annotations

import os
import threading
import warnings

import rasterio
from rasterio.errors import NotGeoreferencedWarning

_LOCK = threading.Lock()


def open_reader(path: str | os.PathLike, **options: object) -> rasterio.io.DatasetReader:
    """As rasterio.open(path, **options)."""
    return _opened(path, "r", options)


def open_writer(path: str | os.PathLike, **options: object) -> rasterio.io.DatasetWriter:
    """As rasterio.open(path, "w", **options)."""
    return _opened(path, "w", options)


def _opened(path: str | os.PathLike, mode: str, options: dict[str, object]) -> rasterio.io.DatasetReader:
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path, mode, **options)

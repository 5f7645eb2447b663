"""Where a product lies: a folder, or a zip archive with one in it. Its files as bytes, and its measurements as files on a disk.

In: a name as a user gives it. Out: ProductFiles. Knows no manifest. Names that lead out of a product are refused before anything is read.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path, PurePosixPath
from typing import Protocol

from sarcodec.products.archive import DAMAGE, ZipFiles
from sarcodec.products.folder import FolderFiles
from sarcodec.products.layout import MANIFEST


class ProductFiles(Protocol):
    """name: of the product; paths: of all its files, with '/' between their parts; inputs: what of the disk it is read from."""

    name: str
    paths: tuple[str, ...]
    inputs: tuple[str, ...]

    def read(self, path: str) -> bytes:
        """All bytes of a file."""

    def on_disk(self, path: str) -> Path:
        """A file of the disk with the bytes of one of the product, until `close`."""

    def close(self) -> None:
        """Remove what was unpacked."""


def is_product(source: object) -> bool:
    """Whether a name is that of a product: a folder with a manifest, the manifest itself, or a zip archive with one in it."""
    try:
        path = os.fspath(source)  # type: ignore[call-overload]  # anything that a caller may give
        if os.path.isdir(path):
            return os.path.isfile(os.path.join(path, MANIFEST))
        if os.path.basename(path) == MANIFEST:
            return os.path.isfile(path)
        if not os.path.isfile(path):
            return False  # what comes through a pipe is not read twice
        with open(path, "rb") as file:
            if file.read(4) != b"PK\3\4":
                return False
        with zipfile.ZipFile(path) as archive:
            return any(PurePosixPath(name).name == MANIFEST for name in archive.namelist())
    except (OSError, TypeError, ValueError, *DAMAGE):
        return False


def open_files(source: str | os.PathLike[str], beside: Path | None) -> ProductFiles:
    """beside: the folder in which measurements of an archive are unpacked, None for the system's temporary one.

    Raises InvalidArgument, UnreadableScene, UnsupportedScene.
    """
    name = os.fspath(source)
    if os.path.isdir(name):
        return FolderFiles(Path(name))
    if os.path.basename(name) == MANIFEST:
        return FolderFiles(Path(name).parent)
    return ZipFiles(Path(name), beside)

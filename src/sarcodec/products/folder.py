"""A product that is a folder; and what holds of the names and sizes of files of any product.

In: a path. Out: FolderFiles. Knows no manifest.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.products.layout import is_plain_path
from sarcodec.storage.refusals import shown, unreadable

_MOST_BYTES = 256 << 20
"""Of a file that is kept as it is, as all of them are in memory."""


class FolderFiles:
    """A product that is a folder. Raises InvalidArgument where it cannot be listed, UnsupportedScene for a name that cannot be kept."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.name = folder, product_name(Path(os.path.realpath(folder)).name)
        found = sorted(_walked(folder))
        self.paths = tuple(path.relative_to(folder).as_posix() for path in found)
        self.inputs = (str(folder), *map(str, found))
        for path, file in zip(self.paths, found):
            check_path(path, self.name)
            _check_kind(file)

    def read(self, path: str) -> bytes:
        """Raises InvalidArgument where it cannot be read, UnsupportedScene where it is too large."""
        try:
            check_size((self._folder / path).stat().st_size, path, self.name)
            return (self._folder / path).read_bytes()
        except OSError as error:
            raise unreadable(error, self._folder / path) from error

    def on_disk(self, path: str) -> Path:
        """The file itself."""
        return self._folder / path

    def close(self) -> None:
        """Nothing was unpacked."""


def _check_kind(path: Path) -> None:
    """A pipe would be waited for, and a device may have no end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise unreadable(error, path) from error
    if not stat.S_ISREG(mode):
        raise UnsupportedScene(
            f"{shown(path)} is a pipe, a socket or a device; expected files. Take it out of the product"
        )


def _walked(folder: Path) -> list[Path]:
    def failed(error: OSError) -> None:
        raise unreadable(error, error.filename)

    found = []
    for place, folders, files in os.walk(folder, onerror=failed):
        if linked := [name for name in folders if os.path.islink(os.path.join(place, name))]:
            raise InvalidArgument(
                f"{shown(os.path.join(place, linked[0]))} is a link to a folder, whose files would not be taken; copy the product with `cp -rL`"
            )
        found += [Path(place) / name for name in files]
    return found


def product_name(folder: str) -> str:
    """With the ending .SAFE."""
    return folder if folder.upper().endswith(".SAFE") else f"{folder}.SAFE"


def check_path(path: str, product: str) -> None:
    """Raises UnsupportedScene for a path that leads out of its product."""
    if not is_plain_path(path):
        raise UnsupportedScene(
            f"{shown(product)} holds a file that is called {shown(path)!r}, which leads out of the product or cannot be kept; "
            "fetch the product again, or rename the file"
        )


def check_size(size: int, path: str, product: str) -> None:
    """Raises UnsupportedScene for a file that is too large to be kept as it is."""
    if size > _MOST_BYTES:
        raise UnsupportedScene(
            f"{shown(path)} of {shown(product)} has {size} bytes and is no measurement, at most {_MOST_BYTES} are kept; take it out of the product"
        )

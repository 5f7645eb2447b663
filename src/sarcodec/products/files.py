"""Where a product lies: a folder, or a zip archive with one in it. Its files as bytes, and its measurements as files on a disk.

In: a name as a user gives it. Out: ProductFiles. Knows no manifest. Names that lead out of a product are refused before anything is read.
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Protocol

from sarcodec.errors import InvalidArgument, UnreadableScene, UnsupportedScene
from sarcodec.products.layout import MANIFEST, is_plain_path
from sarcodec.storage.output import require_space
from sarcodec.storage.refusals import shown, unreadable, writing
from sarcodec.storage.standard import temporary_workspace
from sarcodec.storage.workspace import Workspace

_MOST_BYTES = 256 << 20
"""Of a file that is kept as it is, as all of them are in memory."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


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
        with open(path, "rb") as file:
            if file.read(4) != b"PK\3\4":
                return False
        with zipfile.ZipFile(path) as archive:
            return any(PurePosixPath(name).name == MANIFEST for name in archive.namelist())
    except (OSError, TypeError, ValueError, *_DAMAGE):
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


class FolderFiles:
    """A product that is a folder. Raises InvalidArgument where it cannot be listed, UnsupportedScene for a name that cannot be kept."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.name = folder, _product_name(Path(os.path.realpath(folder)).name)
        found = sorted(_walked(folder))
        self.paths = tuple(path.relative_to(folder).as_posix() for path in found)
        self.inputs = (str(folder), *map(str, found))
        for path in self.paths:
            _check(path, self.name)

    def read(self, path: str) -> bytes:
        """Raises InvalidArgument where it cannot be read, UnsupportedScene where it is too large."""
        try:
            _check_size((self._folder / path).stat().st_size, path, self.name)
            return (self._folder / path).read_bytes()
        except OSError as error:
            raise unreadable(error, self._folder / path) from error

    def on_disk(self, path: str) -> Path:
        """The file itself."""
        return self._folder / path

    def close(self) -> None:
        """Nothing was unpacked."""


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


class ZipFiles:
    """A product in a zip archive. Raises as `open_files`."""

    def __init__(self, path: Path, beside: Path | None) -> None:
        self._beside = beside
        self._workspace: Workspace | None = None
        self.inputs: tuple[str, ...] = (str(path),)
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError as error:
            raise unreadable(error, path) from error
        except _DAMAGE as error:
            raise _damaged(str(path), error) from error
        try:
            self._root, self.name = _root(self._archive, path)
            members = [i for i in self._archive.infolist() if not i.is_dir()]
            self._members = {member.filename.removeprefix(self._root): member for member in members}
            self.paths = tuple(sorted(self._members))
            if len(members) != len(self._members):
                raise UnsupportedScene(f"{shown(path)} holds two files of one name; fetch the product again")
        except BaseException:
            self._archive.close()
            raise

    def read(self, path: str) -> bytes:
        """Raises UnreadableScene where the archive is damaged, UnsupportedScene where the file is too large."""
        member = self._members[path]
        _check_size(member.file_size, path, self.name)
        try:
            return self._archive.read(member)
        except (*_DAMAGE, OSError) as error:
            raise _damaged(self.inputs[0], error) from error

    def on_disk(self, path: str) -> Path:
        """Unpacked, as GDAL jumps back and forth in it. Raises SarcodecError where the disk refuses."""
        member = self._members[path]
        if self._workspace is None:
            self._workspace = Workspace(self._beside) if self._beside else temporary_workspace()
        target = self._workspace.folder / f"{len(os.listdir(self._workspace.folder))}.tif"
        require_space(self._workspace.folder, member.file_size, f"{path}, unpacked,")
        with writing(f"{path}, unpacked"), open(target, "xb") as file:
            try:
                with self._archive.open(member) as packed:
                    shutil.copyfileobj(packed, file, 1 << 20)
            except _DAMAGE as error:
                raise _damaged(self.inputs[0], error) from error
        return target

    def close(self) -> None:
        """Remove what was unpacked."""
        self._archive.close()
        if self._workspace is not None:
            self._workspace.close()


def _root(archive: zipfile.ZipFile, path: Path) -> tuple[str, str]:
    """The folder of the one product in an archive, with '/' at its end, and the product's name."""
    names = [info.filename for info in archive.infolist()]
    for name in names:
        _check(name.rstrip("/"), path.name)
    roots = [name.removesuffix(MANIFEST) for name in names if PurePosixPath(name).name == MANIFEST]
    if len(roots) != 1:
        raise UnsupportedScene(
            f"{shown(path)} holds {len(roots)} products, expected one; unpack it, and give one at a time"
        )
    if outside := [name for name in names if not name.startswith(roots[0]) and not name.endswith("/")]:
        raise UnsupportedScene(
            f"{shown(path)} holds {shown(outside[0])} beside the product, which would be lost; unpack it, and give the product's folder"
        )
    return roots[0], _product_name(PurePosixPath(roots[0]).name if roots[0] else path.stem)


def _product_name(folder: str) -> str:
    return folder if folder.upper().endswith(".SAFE") else f"{folder}.SAFE"


def _check(path: str, product: str) -> None:
    if not is_plain_path(path):
        raise UnsupportedScene(
            f"{shown(product)} holds a file that is called {shown(path)!r}, which leads out of the product or cannot be kept; "
            "fetch the product again, or rename the file"
        )


def _check_size(size: int, path: str, product: str) -> None:
    if size > _MOST_BYTES:
        raise UnsupportedScene(
            f"{shown(path)} of {shown(product)} has {size} bytes and is no measurement, at most {_MOST_BYTES} are kept; take it out of the product"
        )


def _damaged(path: str, error: Exception) -> UnreadableScene:
    return UnreadableScene(f"{shown(path)} is a zip archive that cannot be read ({error}); fetch it again")

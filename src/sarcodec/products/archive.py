"""A product in a zip archive. Names that lead out of it are refused before anything is read.

In: a path. Out: ZipFiles. Knows no manifest.
"""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from sarcodec.errors import UnreadableScene, UnsupportedScene
from sarcodec.products.folder import check_path, check_size, product_name
from sarcodec.products.layout import MANIFEST
from sarcodec.storage.output import require_space
from sarcodec.storage.refusals import shown, unreadable, writing
from sarcodec.storage.standard import temporary_workspace
from sarcodec.storage.workspace import Workspace

DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What Python raises for archives that are damaged, encrypted, or packed in ways that it does not know."""


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
        except DAMAGE as error:
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
        check_size(member.file_size, path, self.name)
        try:
            return self._archive.read(member)
        except (*DAMAGE, OSError) as error:
            raise _damaged(self.inputs[0], error) from error

    def size(self, path: str) -> int:
        """Of a file, in bytes."""
        return self._members[path].file_size

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
            except DAMAGE as error:
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
        check_path(name.rstrip("/"), path.name)
    roots = [name.removesuffix(MANIFEST) for name in names if PurePosixPath(name).name == MANIFEST]
    if len(roots) != 1:
        raise UnsupportedScene(
            f"{shown(path)} holds {len(roots)} products, expected one; unpack it, and give one at a time"
        )
    if outside := [name for name in names if not name.startswith(roots[0]) and not name.endswith("/")]:
        raise UnsupportedScene(
            f"{shown(path)} holds {shown(outside[0])} beside the product, which would be lost; unpack it, and give the product's folder"
        )
    return roots[0], product_name(PurePosixPath(roots[0]).name if roots[0] else path.stem)


def _damaged(path: str, error: Exception) -> UnreadableScene:
    return UnreadableScene(f"{shown(path)} is a zip archive that cannot be read ({error}); fetch it again")

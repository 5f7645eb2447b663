"""A product that is being put together: a folder NAME.SAFE or a zip archive with one in it, which appears whole or not at all.

In: a name as a user gives it, then files. Out: the product under that name, or within a folder under its own. Knows no pixels.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from sarcodec.errors import CorruptFile, InvalidArgument, OutputExists
from sarcodec.products.layout import MANIFEST
from sarcodec.storage.forms import ARCHIVE
from sarcodec.storage.names import Input, same_as
from sarcodec.storage.output import Output, require_space
from sarcodec.storage.refusals import shown, writing
from sarcodec.storage.workspace import Workspace

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of all files in an archive, so that one product always makes the same bytes."""
_COPY_BYTES = 1 << 20


def is_product_name(target: str | os.PathLike[str]) -> bool:
    """Whether an output of this name would be a product."""
    name = os.fsdecode(target)
    return name.rstrip("/").lower().endswith((".safe", ".zip")) and name.rstrip("/") != ""


class ProductOutput:
    """Use in a `with`: make files in `part` by `place`, then `publish`. Without it nothing appears.

    target: NAME.SAFE, NAME.zip, or a folder that is there, in which the product gets its own name. inputs: what may not be replaced.
    Raises OutputExists where it is there and `overwrite` is not set (a folder that is no product is never replaced), InvalidArgument,
    SarcodecError where the disk refuses.
    """

    def __init__(self, target: str | os.PathLike[str], overwrite: bool, inputs: Iterable[Input] = ()) -> None:
        name = os.fsdecode(target)
        self._overwrite, self._inputs = overwrite, tuple(inputs)
        self._archive: Output | None = None
        self._workspace: Workspace | None = None
        self.path: Path | None = None
        if name.lower().endswith(".zip") and not os.path.isdir(name):
            self._archive = Output(target, overwrite=overwrite, inputs=self._inputs, form=ARCHIVE)
            folder = self._archive.folder
            self._around = folder.parent
        else:
            self._around = self._place(name)
            with writing(shown(name)):
                self._workspace = Workspace(self._around)
            folder = self._workspace.folder
        self.name, self.part = shown(name), folder / "product"
        with writing(self.name):
            self.part.mkdir()

    def _place(self, name: str) -> Path:
        """The folder around the product; its own name waits until it is known where the target is only that folder."""
        path = Path(os.path.realpath(name))
        if path.suffix.lower() == ".safe":
            self.path = path
            self._check(path)
            path = path.parent
        if not path.is_dir():
            raise InvalidArgument(f"the folder {shown(path)} does not exist; make it first")
        if not os.access(path, os.W_OK):
            raise InvalidArgument(
                f"cannot write {shown(name)}: the folder {shown(path)} cannot be written; take another folder"
            )
        return path

    def _check(self, path: Path) -> None:
        for one in self._inputs:
            if _holds(path, one) or same_as(path, [one]):
                raise InvalidArgument(
                    f"the output {shown(path)} holds the input, which would be lost; take another name for the output"
                )
        if not os.path.lexists(path):
            return
        if not (path / MANIFEST).is_file():
            raise InvalidArgument(f"{shown(path)} is there and is no product, so it is not replaced; take another name")
        if not self._overwrite:
            raise OutputExists(
                f"{shown(path)} is already there; ask for overwriting (--overwrite) or take another name"
            )

    def require_space(self, size: int) -> None:
        """Raises SarcodecError where the disk has less than `size` bytes left, twice that for an archive, whose files are made first."""
        require_space(self._around, size * (2 if self._archive else 1), self.name)

    def place(self, path: str) -> Path:
        """Where a file of the product is to be made, its folder made. Raises CorruptFile where there is one of this name already."""
        target = self.part / path
        with writing(self.name):
            target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(target):
            raise CorruptFile(f"two files of the product are called {path}; the file is damaged")
        return target

    def write(self, path: str, data: bytes) -> None:
        """A whole file of the product. Raises as `place`, and SarcodecError."""
        target = self.place(path)
        with writing(f"{self.name}: {path}"):
            target.write_bytes(data)

    def publish(self, name: str) -> Path:
        """Put the product under its name. name: what the product is called. Raises as the class; then all is as before."""
        if self._archive is not None and self._archive.path is not None:
            with writing(self.name):
                _pack(self.part, name, self._archive.part)
            self._archive.publish()
            return self._archive.path
        path = self.path or self._around / name
        self._check(path)
        with writing(self.name):
            _sync(self.part)
            self._replace(path)
        return path

    def _replace(self, path: Path) -> None:
        old = self.part.parent / "old"
        if path.exists():
            os.replace(path, old)
        try:
            os.replace(self.part, path)
        except BaseException:
            if old.exists():
                os.replace(old, path)
            raise

    def close(self) -> None:
        """Remove what is temporary. What was published stays."""
        if self._archive is not None:
            self._archive.close()
        if self._workspace is not None:
            self._workspace.close()

    def __enter__(self) -> ProductOutput:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _holds(path: Path, one: Input) -> bool:
    """Whether an input is the folder at `path`, or in it."""
    if not isinstance(one, (str, os.PathLike)):
        return False
    here = Path(os.path.realpath(one))
    if path == here or path in here.parents:
        return True
    with suppress(OSError):  # by another name for the same folder, as a mount gives it
        return os.path.samefile(path, here)
    return False


def _pack(folder: Path, name: str, target: Path) -> None:
    """Measurements are stored as they are, so that windows can be read of them; all else is deflated."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}", _EPOCH)
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_STORED if path.parent.name == "measurement" else zipfile.ZIP_DEFLATED
            with (
                open(path, "rb") as file,
                archive.open(member, "w", force_zip64=path.stat().st_size >= 1 << 31) as packed,
            ):
                while part := file.read(_COPY_BYTES):
                    packed.write(part)


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "rb+") as file:
                os.fsync(file.fileno())

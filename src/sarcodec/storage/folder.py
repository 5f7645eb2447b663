"""An output that is a folder of files (a published model): it appears whole, in the place of an older one, or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec.storage.refusals import shown, writing
from sarcodec.storage.workspace import Workspace


class OutputFolder:
    """Use in a `with`: `write` every file, then `publish`. Without it nothing appears.

    files: names of all that will be in it; an older folder that holds anything else is no older output, and stays. inputs:
    what the verb reads, none of which may be the folder or in it. Raises OutputExists where files are there and
    `overwrite` is not set, InvalidArgument, SarcodecError where the disk refuses. The folder around it is made.
    """

    def __init__(
        self,
        target: str | os.PathLike[str],
        files: Iterable[str],
        *,
        overwrite: bool = False,
        inputs: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        self.path, self.name = Path(os.path.realpath(target)), shown(target)
        self._files, self._overwrite, self._inputs = frozenset(files), overwrite, tuple(inputs)
        self._check()
        with writing(self.name):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._workspace = Workspace(self.path.parent)
            self._part = self._workspace.folder / "part"
            self._part.mkdir()

    def __enter__(self) -> OutputFolder:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._workspace.close()

    def write(self, name: str, data: bytes) -> None:
        """One of its files, to the disk. Raises SarcodecError."""
        with writing(f"{self.name}: {name}"), open(self._part / name, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def publish(self) -> None:
        """Put the folder under its name. Raises InvalidArgument, OutputExists, SarcodecError; then all is as before."""
        self._check()
        old = self._workspace.folder / "old"
        with writing(self.name):
            if self.path.exists():
                os.replace(self.path, old)
            try:
                os.replace(self._part, self.path)
            except BaseException:
                if old.exists():
                    os.replace(old, self.path)
                raise

    def _check(self) -> None:
        for one in self._inputs:
            path = Path(os.path.realpath(one))
            if path == self.path or self.path in path.parents:
                raise InvalidArgument(
                    f"the output {self.name} is the same folder as the input {shown(one)}, or around it, and the input would "
                    "be lost; take another name or another place for the output"
                )
        if self.path.exists() and not self.path.is_dir():
            raise InvalidArgument(f"{self.name} is a file; expected the name of a folder that is made")
        found = set(os.listdir(self.path)) if self.path.is_dir() else set()
        others = sorted(found - self._files)
        if others:
            raise InvalidArgument(
                f"{self.name} holds {shown(others[0])}, which would be lost; take another name, or take it out of there"
            )
        if found and not self._overwrite:
            raise OutputExists(f"{self.name} is already there; ask for overwriting (--overwrite) or take another name")

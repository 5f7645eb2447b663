"""Standard input and output as files: '-' is spooled into a temporary file, because GDAL wants to jump in it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.storage.names import STANDARD
from sarcodec.storage.refusals import shown, writing
from sarcodec.storage.workspace import Workspace

_COPY_BYTES = 1 << 20


@contextmanager
def local_input(path: str | os.PathLike) -> Iterator[Path]:
    """A file with a name: `path` itself, or for '-' a temporary file that holds all of standard input.

    Errors that come from inside name standard input instead of the temporary file. Raises InvalidArgument where standard
    input is closed or a terminal, SarcodecError where the system's folder for temporary files is full.
    """
    if os.fspath(path) != STANDARD:
        yield Path(path)
        return
    stream = _standard_input()
    workspace = temporary_workspace()
    try:
        spooled = workspace.folder / "standard-input"
        with writing(f"standard input to the temporary folder {shown(workspace.folder.parent)} (TMPDIR names another)"):
            with open(spooled, "xb") as file:
                shutil.copyfileobj(stream, file, _COPY_BYTES)
        yield spooled
    except SarcodecError as error:
        error.args = tuple(str(arg).replace(str(workspace.folder / "standard-input"), "standard input") for arg in error.args)
        raise
    finally:
        workspace.close()


def temporary_workspace() -> Workspace:
    """A private folder among the system's temporary files. Raises SarcodecError where there is none to write to."""
    try:
        beside = Path(tempfile.gettempdir())
    except OSError as error:
        raise SarcodecError(f"found no folder for temporary files ({error.strerror}); name one by TMPDIR") from error
    with writing(f"to the temporary folder {shown(beside)} (TMPDIR names another)"):
        return Workspace(beside)


def standard_output() -> BinaryIO:
    """Standard output for bytes. Raises InvalidArgument where it is closed, a terminal, or takes text alone."""
    if sys.stdout is None or sys.stdout.closed:
        raise InvalidArgument("standard output is closed; send it to a file or a pipe, or name an output")
    stream = getattr(sys.stdout, "buffer", None)
    if stream is None:
        raise InvalidArgument("standard output takes only text here; name a file as output")
    if sys.stdout.isatty():
        raise InvalidArgument("standard output is a terminal, which bytes would spoil; send it to a file or a pipe")
    return stream


def _standard_input() -> BinaryIO:
    if sys.stdin is None or sys.stdin.closed:
        raise InvalidArgument("standard input is closed; send a file or a pipe into it, or name an input")
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InvalidArgument("standard input gives only text here; name a file as input")
    if sys.stdin.isatty():
        raise InvalidArgument("standard input is a terminal; send a file or a pipe into it, or name an input")
    return stream

"""Inputs that have no name or cannot be read by place, as files: standard input and pipes are spooled, since GDAL jumps."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.storage.bucket_output import check_output
from sarcodec.storage.names import STANDARD
from sarcodec.storage.refusals import shown, unreadable, writing
from sarcodec.storage.standard import standard_input, temporary_workspace

_COPY_BYTES = 1 << 20


@contextmanager
def local_input(path: str | os.PathLike[str]) -> Iterator[str | os.PathLike[str]]:
    """`path` itself, or for '-' and for pipes a temporary file that holds all that came.

    Errors that come from inside name standard input instead of the temporary file. Raises InvalidArgument where standard
    input is closed or a terminal, SarcodecError where the system's folder for temporary files is full.
    """
    if not _is_stream(path):
        yield path
        return
    name = "standard input" if os.fspath(path) == STANDARD else shown(path)
    workspace = temporary_workspace()
    try:
        spooled = workspace.folder / "input"
        _spool(path, spooled, name)
        yield spooled
    except SarcodecError as error:
        error.args = tuple(str(arg).replace(str(workspace.folder / "input"), name) for arg in error.args)
        raise
    finally:
        workspace.close()


@contextmanager
def local_inputs(*paths: str | os.PathLike[str] | None) -> Iterator[tuple[str | os.PathLike[str] | None, ...]]:
    """As local_input for several, None for None. Raises InvalidArgument where more than one is standard input."""
    if paths.count(STANDARD) > 1:
        raise InvalidArgument("'-' is given twice, and standard input can be read once; name a file for the other")
    with ExitStack() as stack:
        yield tuple(None if path is None else stack.enter_context(local_input(path)) for path in paths)


@contextmanager
def input_for(
    source: str | os.PathLike[str], target: str | os.PathLike[str], overwrite: bool, form: str
) -> Iterator[str | os.PathLike[str]]:
    """As local_input, for a verb that will write `target`: what would refuse it is said before a stream is read."""
    if _is_stream(source):
        check_output(target, overwrite=overwrite, inputs=[source], form=form)
    with local_input(source) as path:
        yield path


def _is_stream(path: str | os.PathLike[str]) -> bool:
    if os.fspath(path) == STANDARD:
        return True
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(found.st_mode)


def _spool(path: str | os.PathLike[str], target: Path, name: str) -> None:
    with _opened(path) as stream, open(target, "xb") as file:
        while part := _read(stream, name):
            with writing(f"{name} into the temporary folder {shown(target.parent.parent)} (TMPDIR names another)"):
                file.write(part)
                file.flush()


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    if os.fspath(path) == STANDARD:
        yield standard_input()
        return
    try:
        stream = open(path, "rb")  # noqa: SIM115  # closed below; only errors of opening are caught here
    except OSError as error:
        raise unreadable(error, path) from error
    with stream:
        yield stream


def _read(stream: BinaryIO, name: str) -> bytes:
    try:
        return stream.read(_COPY_BYTES)
    except OSError as error:
        raise InvalidArgument(
            f"{name} cannot be read: {error.strerror or error}; send a file or a pipe into it"
        ) from error

"""Standard input and output as streams of bytes, and the system's place for temporary files."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.storage.refusals import shown, writing
from sarcodec.storage.workspace import Workspace


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
    stream: BinaryIO | None = getattr(sys.stdout, "buffer", None)
    if stream is None:
        raise InvalidArgument("standard output takes only text here; name a file as output")
    if sys.stdout.isatty():
        raise InvalidArgument("standard output is a terminal, which bytes would spoil; send it to a file or a pipe")
    return stream


def standard_input() -> BinaryIO:
    """Standard input for bytes. Raises InvalidArgument where it is closed, a terminal, or gives text alone."""
    if sys.stdin is None or sys.stdin.closed:
        raise InvalidArgument("standard input is closed; send a file or a pipe into it, or name an input")
    stream: BinaryIO | None = getattr(sys.stdin, "buffer", None)
    if stream is None:
        raise InvalidArgument("standard input gives only text here; name a file as input")
    if sys.stdin.isatty():
        raise InvalidArgument("standard input is a terminal; send a file or a pipe into it, or name an input")
    return stream

"""What the operating system refuses, said as one of our errors with what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from sarcodec.errors import InvalidArgument, SarcodecError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def shown(name: str | os.PathLike[str] | bytes) -> str:
    """A name as it can be printed anywhere: bytes that are not UTF-8 and control characters are escaped."""
    return "".join(map(_shown_character, os.fsdecode(name)))


def _shown_character(char: str) -> str:
    if char.isprintable():
        return char
    escaped_byte = 0xDC80 <= ord(char) <= 0xDCFF  # How Python keeps a byte that is no text.
    return f"\\x{ord(char) - 0xDC00:02x}" if escaped_byte else char.encode("unicode_escape").decode()


def is_utf8(name: str) -> bool:
    """Whether libraries that take only text can be given this name."""
    return not any(0xD800 <= ord(char) <= 0xDFFF for char in name)


def readable_size(size: int) -> str:
    """Bytes for people."""
    for factor, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def write_refusal(error: OSError, where: str) -> SarcodecError:
    """The error of the tree for a file that could not be written. where: its name as it is shown."""
    if error.errno in _FULL:
        return SarcodecError(
            f"cannot write {where}: the disk is full ({error.strerror}); free space or take another disk"
        )
    if error.errno in _FORBIDDEN:
        return SarcodecError(f"cannot write {where}: {error.strerror}; take a place that you may write to")
    return SarcodecError(f"cannot write {where}: {error.strerror or error}; check the disk")


@contextmanager
def writing(where: str) -> Iterator[None]:
    """Raises SarcodecError for what the system refuses inside. A reader of a pipe that has gone stays BrokenPipeError."""
    try:
        yield
    except (BrokenPipeError, InterruptedError):
        raise
    except OSError as error:
        raise write_refusal(error, where) from error


def unreadable(error: OSError | ValueError, name: str | os.PathLike[str] | bytes) -> InvalidArgument:
    """The error for an input that cannot be opened: it is not there, is a folder, or may not be read."""
    if isinstance(error, FileNotFoundError):
        return InvalidArgument(f"{shown(name) or repr('')} is not there; check the name and the folder")
    if isinstance(error, IsADirectoryError):
        return InvalidArgument(f"{shown(name)} is a folder; expected a file in it")
    if isinstance(error, PermissionError):
        return InvalidArgument(f"{shown(name)} may not be read ({error.strerror}); ask for the right to read it")
    reason = error.strerror if isinstance(error, OSError) else error
    return InvalidArgument(f"{shown(name)} cannot be opened: {reason}; check the name")

"""One archive at a time writes to a folder; shards of it together. Locks that the kernel lets go of, whatever ends the process."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from sarcodec.archiving.names import Shard
from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.storage.refusals import shown, writing

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module elsewhere; asked for before every use

LOCK = "archive.lock"


class ArchiveLock:
    """Use in a `with`. `locks`: whether the file system has any; without them nothing is held, and who starts two archives is on their own.

    The files stay: whoever removed them could not know who waits for them. Raises InvalidArgument where another holds it, and for
    a folder that cannot be written; SarcodecError where the disk is full.
    """

    def __init__(self, folder: Path, shard: Shard) -> None:
        self._handles: list[int] = []
        self.locks = fcntl is not None
        wanted = [(folder / LOCK, shard.count > 1)]
        if shard.count > 1:
            wanted.append((folder / f"archive{shard.suffix}.lock", False))
        try:
            for path, shared in wanted:
                self._hold(path, shared)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ArchiveLock:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go."""
        while self._handles:
            os.close(self._handles.pop())

    def _hold(self, path: Path, shared: bool) -> None:
        handle = _opened(path)
        self._handles.append(handle)
        if fcntl is None:
            return
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidArgument(
                f"another archive is writing to {shown(path.parent)} ({_owner(handle)}); wait for its end, or take another folder. "
                "Several may work on one folder as --shard 1/N to N/N"
            ) from None
        except OSError:
            self.locks = False
            return
        with suppress(OSError):  # For the words above alone.
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)


def _opened(path: Path) -> int:
    try:
        with writing(shown(path)):
            return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
    except SarcodecError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise InvalidArgument(
                f"cannot write to {shown(path.parent)} ({cause.strerror}); take another folder"
            ) from cause
        raise


def _owner(handle: int) -> str:
    with suppress(OSError):
        return shown(os.pread(handle, 200, 0)) or "unknown"
    return "unknown"

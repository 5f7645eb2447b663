"""Private folders for temporary files, which know whether their owner lives.

A folder `.sarcodec-<hex>.part` holds a file `lock` that its process keeps locked; the kernel lets go of the lock whatever
ends the process. The next workspace beside it removes folders that nobody holds. Where a file system has no locks, nothing
is removed: a living folder could not be told from a dead one.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import shutil
import time
import weakref
from contextlib import suppress
from pathlib import Path

from sarcodec.errors import SarcodecError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # a module elsewhere; asked for before every use

_NAME = re.compile(r"\.sarcodec-[0-9a-f]{12}\.part")
# Files of versions before this one, without locks: they are old enough, or they stay.
_EARLIER = re.compile(r"\.sarcodec-[0-9a-z_]{8,16}\.part|\..+\.[0-9a-f]{12}\.part")
_LOCK, _NO_LOCK = "lock", "no-lock"
_OLD_S = 24 * 3600
_ATTEMPTS = 10


class Workspace:
    """A private folder in `beside`, gone after `close`, at the end of the process, or when the object is forgotten.

    Raises OSError where it cannot be made. Removes first what dead processes left there.
    """

    def __init__(self, beside: Path) -> None:
        clear_leftovers(beside)
        for _ in range(_ATTEMPTS):
            self.folder = beside / f".sarcodec-{secrets.token_hex(6)}.part"
            locks: list[int] = []
            # Before the folder is there: an interrupt may come between any two steps.
            self._removal = weakref.finalize(self, _remove, self.folder, locks, os.getpid())
            if _made(self.folder, locks):
                return
            self._removal.detach()
        raise SarcodecError(f"{beside}: temporary folders vanish as they are made; find out what removes them")

    def close(self) -> None:
        """Remove the folder with all that is in it; may be called again."""
        self._removal()


def clear_leftovers(beside: Path) -> None:
    """Remove folders of dead processes, and what earlier versions left a day ago or more. Never raises OSError."""
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(beside) as found:
        for entry in found:
            _clear_leftover(entry)


def _clear_leftover(entry: os.DirEntry[str]) -> None:
    with suppress(OSError):
        if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
            _clear(Path(entry.path))
        elif _EARLIER.fullmatch(entry.name) and _is_old_file(entry):
            os.unlink(entry.path)


def _is_old_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False) and _age(entry.stat(follow_symlinks=False)) > _OLD_S


def _made(folder: Path, locks: list[int]) -> bool:
    """Make the folder and take its lock, whose handle is put into `locks`; False where somebody has removed it meanwhile."""
    os.mkdir(folder, 0o700)
    try:
        lock = _locked(folder)
    except _Taken:
        return False
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if lock is not None:
        locks.append(lock)
    return True


class _Taken(Exception):
    """Another process removed the folder as a leftover before it was locked."""


def _locked(folder: Path) -> int | None:
    """The handle of the folder's lock, or None where there are no locks."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    except FileNotFoundError as error:
        raise _Taken from error
    try:
        if fcntl is None:
            raise OSError("no locks on this system")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise _Taken from error
    except OSError:
        os.close(handle)
        os.replace(folder / _LOCK, folder / _NO_LOCK)
        return None
    try:
        if not os.path.exists(folder / _LOCK):
            raise _Taken
        os.write(handle, _machine())
    except BaseException:
        os.close(handle)
        raise
    return handle


def _remove(folder: Path, locks: list[int], owner: int) -> None:
    if os.getpid() != owner:  # A fork of the owner ends; the folder is not its own.
        return
    with suppress(OSError):
        _remove_lock_last(folder)
    for lock in locks:
        os.close(lock)


def _remove_lock_last(folder: Path) -> None:
    """So that a folder which is not empty has its lock: whoever is killed on the way leaves what can be told from a living one."""
    for entry in os.scandir(folder):
        if entry.name == _LOCK:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)
    with suppress(FileNotFoundError):
        os.unlink(folder / _LOCK)
    os.rmdir(folder)


def _clear(folder: Path) -> None:
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        # Its owner died between two system calls, or is about to make the lock and will then make another folder. Fails for
        # a folder that is not empty: one without locks.
        os.rmdir(folder)
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_dead(folder, handle):
            _remove_lock_last(folder)
    finally:
        os.close(handle)


def _is_dead(folder: Path, lock: int) -> bool:
    """Whether a lock that could be taken tells of a dead owner: some network file systems keep locks within a machine."""
    owner = os.read(
        lock, 256
    )  # Empty: it died before it wrote, or is about to try the lock, and will make another folder.
    return owner in (b"", _machine()) or _age(os.lstat(folder)) > _OLD_S


def _machine() -> bytes:
    """This machine since it was started, the same in all its containers."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_bytes().strip()
    return platform.node().encode() or b"unknown"


def _age(found: os.stat_result) -> float:
    return time.time() - found.st_mtime

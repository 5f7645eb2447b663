"""Bytes by place: of a file, of bytes, or of a file object. Knows nothing of what the bytes mean.

A file is read by positioned reads, which share no offset: threads and forked processes may read at once, without a lock.
"""

import io
import os
import stat
import threading
from collections.abc import Callable, Iterable
from typing import BinaryIO, Protocol, cast

from sarcodec.errors import InvalidArgument, TruncatedFile
from sarcodec.format.ranged import RangedSource
from sarcodec.format.remote import RemoteSource
from sarcodec.storage.objects import address_of

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe, which cannot be read by place"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Source(Protocol):
    """`name` as the user knows it; `size` in bytes when it was opened."""

    name: str
    size: int

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""

    @property
    def changed(self) -> bool:
        """Whether the file can be seen to have been written since it was opened."""

    @property
    def identity(self) -> tuple[object, ...] | None:
        """What two sources of the same unchanged file share, and no others; None where that cannot be told."""

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes from `offset`. Raises TruncatedFile; InvalidArgument once it is closed."""

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """These (offset, length) will be read next: what is far away is read ahead."""

    def again(self) -> str | bytes:
        """What `open_source` makes the same source of, in another process too. InvalidArgument where there is no such thing."""

    def close(self) -> None:
        """Read no more; a second time is as good as once."""


def open_source(source: str | os.PathLike[str] | bytes | BinaryIO | RangedSource) -> Source:
    """A path, an address (https://, s3://, gs://, az://, /vsicurl/...), bytes, a binary file with `read` and `seek`, or a source of ranges. InvalidArgument where it cannot be
    opened or is something else, Unreachable where a server does not answer."""
    if isinstance(source, RangedSource):
        return source
    if isinstance(source, (bytes, bytearray, memoryview)):
        return BytesSource(bytes(source))
    if hasattr(source, "read") and hasattr(source, "seek"):
        return ObjectSource(cast("BinaryIO", source))
    if isinstance(source, str) and (address_of(source) is not None):
        return RemoteSource(source)
    if isinstance(source, (str, os.PathLike)):
        return PathSource(source)
    raise InvalidArgument(
        f"{source!r} is no compressed file; expected a path, bytes, or a file that was opened in binary mode"
    )


class PathSource:
    """A regular file, found again by its path where it is pickled."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fsdecode(path)
        self._path = os.path.abspath(self.name)
        descriptor = _Descriptor(self.name)
        self._descriptor: _Descriptor | None = descriptor
        self.size, self._written = _state(descriptor)
        status = os.fstat(descriptor.number)
        self.identity = ("file", status.st_dev, status.st_ino, self.size, self._written)

    def read(self, offset: int, length: int) -> bytes:
        descriptor = self._descriptor  # held here, so that a `close` in another thread cannot give its number away
        if descriptor is None:
            raise _closed(self.name)
        parts, left = [], length
        while left and (part := os.pread(descriptor.number, left, offset + length - left)):
            parts.append(part)
            left -= len(part)
        if left:
            raise self._cut() if self.changed else _too_short(self.name, offset, length, length - left)
        return b"".join(parts)

    @property
    def changed(self) -> bool:
        """Whether it was written in its place since; one that is replaced as a whole (renamed over) is read as it was."""
        return self._descriptor is not None and _state(self._descriptor) != (self.size, self._written)

    def _cut(self) -> TruncatedFile:
        return TruncatedFile(f"{self.name} had {self.size} bytes when it was opened and was cut since; open it again")

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Nothing: it is near."""

    def close(self) -> None:
        self._descriptor = None

    @property
    def closed(self) -> bool:
        return self._descriptor is None

    def again(self) -> str:
        if self.closed:
            raise _closed(self.name)
        return self._path


class _Descriptor:
    """An open file, closed when nobody holds it any more: not before the last read that is under way."""

    def __init__(self, path: str) -> None:
        self.number = -1
        try:
            _check_regular(path, os.stat(path))
            self.number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise InvalidArgument(f"{path} cannot be opened: {error.strerror}") from error
        except InvalidArgument:  # a ValueError too
            raise
        except ValueError as error:  # a NUL byte
            raise InvalidArgument(f"{path!r} cannot be the name of a file: {error}") from error

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        if self.number >= 0:
            close(self.number)


def _check_regular(path: str, status: os.stat_result) -> None:
    if stat.S_ISREG(status.st_mode):
        return
    kind = next((words for test, words in _KINDS if test(status.st_mode)), "no regular file")
    raise InvalidArgument(f"{path} cannot be opened: it is {kind}; expected a compressed file")


def _state(descriptor: _Descriptor) -> tuple[int, int]:
    status = os.fstat(descriptor.number)
    return status.st_size, status.st_mtime_ns


class BytesSource:
    """A compressed file in memory."""

    changed, identity = False, None

    def __init__(self, data: bytes) -> None:
        self.name, self.size = f"a scene of {len(data)} bytes in memory", len(data)
        self._data: bytes | None = data

    def read(self, offset: int, length: int) -> bytes:
        data = self._data
        if data is None:
            raise _closed(self.name)
        part = data[offset : offset + length]
        if len(part) < length:
            raise _too_short(self.name, offset, length, len(part))
        return part

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Nothing: it is near."""

    def close(self) -> None:
        self._data = None

    @property
    def closed(self) -> bool:
        return self._data is None

    def again(self) -> bytes:
        if self._data is None:
            raise _closed(self.name)
        return self._data


class ObjectSource:
    """A file object of the caller's, who also closes it. Its place is one for all, so reads take turns."""

    changed, identity = False, None

    def __init__(self, file: BinaryIO) -> None:
        self.name = str(getattr(file, "name", None) or f"a file object ({type(file).__name__})")
        self._file, self._lock, self._process, self.closed = file, threading.Lock(), os.getpid(), False
        try:
            self.size = file.seek(0, os.SEEK_END)
        except (OSError, ValueError) as error:
            raise InvalidArgument(
                f"{self.name} cannot be read by place ({error}); read it into bytes and open those, or open it by its path"
            ) from error

    def read(self, offset: int, length: int) -> bytes:
        if self.closed:
            raise _closed(self.name)
        self._check_process()
        with self._lock:
            try:
                return self._read(offset, length)
            except InvalidArgument:
                raise
            except ValueError as error:  # what Python says of a closed file
                raise InvalidArgument(
                    f"{self.name} cannot be read any more: {error}; keep it open with the scene"
                ) from error

    def _read(self, offset: int, length: int) -> bytes:
        parts, left = [], length
        self._file.seek(offset)
        while left and (part := self._file.read(left)):
            try:
                parts.append(bytes(memoryview(part)))  # also of kinds of their own, such as those of obstore
            except TypeError as error:
                raise InvalidArgument(
                    f"{self.name} gives {type(part).__name__}; expected a file that was opened in binary mode"
                ) from error
            left -= len(part)
        if left:
            raise _too_short(self.name, offset, length, length - left)
        return b"".join(parts)

    def _check_process(self) -> None:
        """A fork shares the place within a file, and may have copied a lock that is held."""
        if self._process == os.getpid():
            return
        if not isinstance(self._file, io.BytesIO):
            raise InvalidArgument(
                f"{self.name} was opened before this process was forked, and a file object cannot be shared by processes; "
                "open the scene by its path, or in this process"
            )
        self._lock, self._process = threading.Lock(), os.getpid()

    def fetch(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Nothing: it is near."""

    def close(self) -> None:
        self.closed = True

    def again(self) -> bytes:
        raise (
            _closed(self.name)
            if self.closed
            else InvalidArgument(
                f"a scene opened from {self.name} cannot be pickled or copied, as nobody else has that file object; "
                "open the scene by its path or from bytes"
            )
        )


def _closed(name: str) -> InvalidArgument:
    return InvalidArgument(f"{name} is closed; open the scene again, or read it within its `with`")


def _too_short(name: str, offset: int, length: int, came: int) -> TruncatedFile:
    return TruncatedFile(f"{name}: {length} bytes were asked for at {offset}, {came} came; fetch it again")

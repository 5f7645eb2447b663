"""A sarcodec file that is being written: payloads are spooled one by one and appear as one whole file.

In: bytes of tiles and a `container.Header`. Knows nothing of what a payload holds. Memory stays small.
"""

import io
import os
import shutil
import tempfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from types import TracebackType
from typing import BinaryIO, cast

from sarcodec.format import container
from sarcodec.format.container import Entry, Header
from sarcodec.format.reader import FileReader
from sarcodec.storage.forms import SARCODEC
from sarcodec.storage.names import Input
from sarcodec.storage.output import Output
from sarcodec.storage.refusals import writing

_COPY_BYTES = 1 << 20


class _Joined:
    """A head in memory and the payloads behind it, read as one file. Whoever reads takes turns."""

    def __init__(self, head: bytes, spool: BinaryIO) -> None:
        self._head, self._spool, self._place = head, spool, 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        end = len(self._head) + self._spool.seek(0, os.SEEK_END) if whence == os.SEEK_END else 0
        self._place = end + offset
        return self._place

    def read(self, length: int) -> bytes:
        part = self._head[self._place : self._place + length]
        if not part:
            self._spool.seek(self._place - len(self._head))
            part = self._spool.read(length)
        self._place += len(part)
        return part


class Writer(ABC):
    """Payloads that wait for their head. `append` every one in index order, then `finish`. Raises SarcodecError when the disk is full."""

    def __init__(self, name: str, spool: BinaryIO) -> None:
        self._name, self._spool = name, spool
        self._entries: list[Entry] = []

    def append(self, payload: bytes, step: int) -> None:
        """The next (tile, band): its bytes and its quantiser step index. Raises SarcodecError when the disk is full."""
        with writing(self._name):
            self._spool.write(payload)
        self._entries.append(Entry(0, len(payload), step, zlib.crc32(payload)))

    def size(self, header: Header) -> int:
        """Bytes that the file would take if it were finished with this header."""
        return len(container.pack_head(header, self._entries)) + sum(entry.length for entry in self._entries)

    def reader(self, header: Header) -> "FileReader":
        """A reader of what is spooled so far under this header, to try it before it is finished. Nothing may be appended while it is
        open. Raises as FileReader."""
        with writing(self._name):
            return FileReader(cast("BinaryIO", _Joined(container.pack_head(header, self._entries), self._spool)))

    @abstractmethod
    def finish(self, header: Header) -> int:
        """Make the whole file; gives its size in bytes."""


class BytesWriter(Writer):
    """A whole file in memory: `data`, after `finish`."""

    def __init__(self) -> None:
        super().__init__("the scene in memory", io.BytesIO())
        self.data = b""

    def finish(self, header: Header) -> int:
        """Put the whole file into `data`; gives its size in bytes."""
        self._spool.seek(0)
        self.data = container.pack_head(header, self._entries) + self._spool.read()
        return len(self.data)


class FileWriter(Writer):
    """Use as a context manager: `append` every payload in index order, then `finish`. Without it nothing appears.

    path: a name, or '-' for standard output; inputs: what the verb reads, none of which may be written. Raises as
    `storage.Output`: OutputExists where `path` is there and `overwrite` is not set, InvalidArgument where no such file can be
    written, SarcodecError where the disk refuses.
    """

    def __init__(self, path: str | os.PathLike[str], overwrite: bool = False, inputs: Iterable[Input] = ()) -> None:
        self._output = Output(path, overwrite=overwrite, inputs=inputs, form=SARCODEC)
        # The spool has no name where the system allows it, so that even a killed process leaves nothing.
        with writing(self._output.name):
            spool = tempfile.TemporaryFile(dir=self._output.folder)  # noqa: SIM115  # open as long as this object
        super().__init__(self._output.name, spool)

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._spool.close()
        except OSError:
            pass  # What could not be written any more is thrown away.
        finally:
            self._output.close()

    def finish(self, header: Header) -> int:
        """Put the whole file under its name; gives its size in bytes. Raises as the writer's beginning does."""
        head = container.pack_head(header, self._entries)
        self._output.require_space(len(head) + sum(entry.length for entry in self._entries))
        with writing(self._output.name):
            size = self._write_whole(head)
        self._output.publish()
        return size

    def _write_whole(self, head: bytes) -> int:
        with open(self._output.part, "xb") as target:
            target.write(head)
            self._spool.seek(0)
            shutil.copyfileobj(self._spool, target, _COPY_BYTES)
            return target.tell()

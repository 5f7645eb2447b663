"""A sarcodec file that is being written: payloads are spooled one by one and appear as one whole file.

In: payloads of tiles and a `container.Header`. Knows nothing of what a payload holds. Memory stays small.
"""

import io
import itertools
import os
import shutil
import tempfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import BinaryIO, cast

from sarcodec.errors import InvalidArgument
from sarcodec.format import container
from sarcodec.format.attachments import NO_ATTACHMENTS, Attached
from sarcodec.format.container import Header
from sarcodec.format.index import Entry, Part, pack_index
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import Payload
from sarcodec.storage.bucket_output import output_to
from sarcodec.storage.forms import SARCODEC
from sarcodec.storage.names import Input
from sarcodec.storage.refusals import writing

_COPY_BYTES = 1 << 20


class _Joined:
    """Files that follow each other, read as one. Whoever reads takes turns."""

    def __init__(self, parts: Sequence[BinaryIO]) -> None:
        sizes = [part.seek(0, os.SEEK_END) for part in parts]
        self._parts = list(zip(itertools.accumulate(sizes, initial=0), sizes, parts))
        self._end, self._place = sum(sizes), 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + (self._end if whence == os.SEEK_END else 0)
        return self._place

    def read(self, length: int) -> bytes:
        """From one of the parts, if fewer bytes than asked for."""
        for begin, size, part in self._parts:
            if begin <= self._place < begin + size:
                part.seek(self._place - begin)
                data = part.read(length)
                self._place += len(data)
                return data
        return b""


class Writer(ABC):
    """Payloads that wait for their head. `append` every one in index order, then `finish`. Raises SarcodecError when the disk is full.

    Base payloads and all others are spooled apart, as the file has them apart.
    """

    def __init__(self, name: str, spools: tuple[BinaryIO, BinaryIO], attached: Attached = NO_ATTACHMENTS) -> None:
        self._name, self._spools, self._attached = name, spools, attached
        self._entries: list[Entry] = []

    def append(self, payload: Payload, step: int) -> None:
        """The next (tile, plane): its bytes and its quantiser step index. Raises SarcodecError when the disk is full."""
        both = (payload.base, payload.rest)
        with writing(self._name):
            for spool, data in zip(self._spools, both):
                spool.write(data)
        base, rest = (Part(0, len(data), zlib.crc32(data)) for data in both)
        self._entries.append(Entry(base, rest, step))

    def head(self, header: Header) -> bytes:
        """Head and index of the file if it were finished with this header."""
        if len(self._entries) != header.entry_count:
            raise InvalidArgument(
                f"{len(self._entries)} tile payloads were given, the head describes {header.entry_count}"
            )
        directory, index = pack_index(self._entries, header.base_step, len(self._attached.data))
        return container.pack_head(replace(header, attachments=self._attached.records), directory) + index

    @property
    def _payload_bytes(self) -> int:
        return sum(entry.length for entry in self._entries) + len(self._attached.data)

    def size(self, header: Header) -> int:
        """Bytes that the file would take if it were finished with this header."""
        return len(self.head(header)) + self._payload_bytes

    def reader(self, header: Header) -> FileReader:
        """A reader of what is spooled so far under this header, to try it before it is finished. Nothing may be appended while it is
        open. Raises as FileReader."""
        with writing(self._name):
            parts = (io.BytesIO(self.head(header)), *self._spools, io.BytesIO(self._attached.data))
            return FileReader(cast("BinaryIO", _Joined(parts)))

    def _copy_to(self, target: BinaryIO, head: bytes) -> None:
        target.write(head)
        for spool in self._spools:
            spool.seek(0)
            shutil.copyfileobj(spool, target, _COPY_BYTES)
        target.write(self._attached.data)

    @abstractmethod
    def finish(self, header: Header) -> int:
        """Make the whole file; gives its size in bytes."""


class BytesWriter(Writer):
    """A whole file in memory: `data`, after `finish`."""

    def __init__(self, attached: Attached = NO_ATTACHMENTS) -> None:
        super().__init__("the scene in memory", (io.BytesIO(), io.BytesIO()), attached)
        self.data = b""

    def finish(self, header: Header) -> int:
        """Put the whole file into `data`; gives its size in bytes."""
        whole = io.BytesIO()
        self._copy_to(whole, self.head(header))
        self.data = whole.getvalue()
        return len(self.data)


class FileWriter(Writer):
    """Use as a context manager: `append` every payload in index order, then `finish`. Without it nothing appears.

    path: a name, or '-' for standard output; inputs: what the verb reads, none of which may be written. Raises as
    `storage.Output`: OutputExists where `path` is there and `overwrite` is not set, InvalidArgument where no such file can be
    written, SarcodecError where the disk refuses.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        overwrite: bool = False,
        inputs: Iterable[Input] = (),
        attached: Attached = NO_ATTACHMENTS,
    ) -> None:
        self._output = output_to(path, overwrite=overwrite, inputs=inputs, form=SARCODEC)
        # The spools have no name where the system allows it, so that even a killed process leaves nothing.
        with writing(self._output.name):
            spools = [tempfile.TemporaryFile(dir=self._output.folder) for _ in range(2)]  # noqa: SIM115  # open as long as this object
        super().__init__(self._output.name, (spools[0], spools[1]), attached)

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            for spool in self._spools:
                spool.close()
        except OSError:
            pass  # What could not be written any more is thrown away.
        finally:
            self._output.close()

    def finish(self, header: Header) -> int:
        """Put the whole file under its name; gives its size in bytes. Raises as the writer's beginning does."""
        head = self.head(header)
        self._output.require_space(len(head) + self._payload_bytes)
        with writing(self._output.name):
            size = self._write_whole(head)
        self._output.publish()
        return size

    def _write_whole(self, head: bytes) -> int:
        with open(self._output.part, "xb") as target:
            self._copy_to(target, head)
            return target.tell()

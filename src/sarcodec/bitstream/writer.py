"""A sarcodec file that is being written: payloads are spooled one by one and appear as one whole file.

In: bytes of tiles and a `container.Header`. Knows nothing of what a payload holds. Memory stays small.
"""

import os
import secrets
import shutil
import tempfile
import zlib
from pathlib import Path
from types import TracebackType

from sarcodec.bitstream import container
from sarcodec.bitstream.container import Entry, Header
from sarcodec.bitstream.reader import FileReader
from sarcodec.errors import InvalidArgument, OutputExists

_COPY_BYTES = 1 << 20


class FileWriter:
    """Use as a context manager: `append` every payload in index order, then `finish`. Without it nothing appears.

    Raises OutputExists when `path` is there and `overwrite` is not set, InvalidArgument when its folder is not there.
    """

    def __init__(self, path: str | os.PathLike, overwrite: bool = False, inputs=()) -> None:
        self.path, self._overwrite = Path(path), overwrite
        self._check_target()
        self._entries: list[Entry] = []
        # The spool has no name where the system allows it, so that even a killed process leaves nothing.
        self._spool = tempfile.TemporaryFile(dir=self.path.parent, prefix=".sarcodec-", suffix=".part")

    def __enter__(self) -> "FileWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._spool.close()

    def append(self, payload: bytes, step: int) -> None:
        """The next (tile, band): its bytes and its quantiser step index."""
        self._spool.write(payload)
        self._entries.append(Entry(0, len(payload), step, zlib.crc32(payload)))

    def finish(self, header: Header) -> int:
        """Put the whole file under its name; gives its size in bytes. Raises InvalidArgument, OutputExists."""
        head = container.pack_head(header, self._entries)
        self._check_target()
        part = self.path.with_name(f".sarcodec-{secrets.token_hex(8)}.part")
        try:
            size = self._write_whole(part, head)
            os.replace(part, self.path)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(self.path.parent)
        return size

    def size(self, header: Header) -> int:
        """Bytes that the file would take if it were finished with this header."""
        return len(container.pack_head(header, self._entries)) + sum(entry.length for entry in self._entries)

    def reader(self, header: Header) -> "FileReader":
        """A reader of what is spooled so far under this header, to try it before it is finished. Raises as FileReader."""
        self._spool.seek(0)
        return FileReader(container.pack_head(header, self._entries) + self._spool.read())

    def _write_whole(self, part: Path, head: bytes) -> int:
        with open(part, "xb") as target:
            target.write(head)
            self._spool.seek(0)
            shutil.copyfileobj(self._spool, target, _COPY_BYTES)
            target.flush()
            os.fsync(target.fileno())
            return target.tell()

    def _check_target(self) -> None:
        if not self.path.parent.is_dir():
            raise InvalidArgument(f"the folder {self.path.parent} does not exist; make it first")
        if self.path.is_dir():
            raise InvalidArgument(f"{self.path} is a folder, expected the name of a file")
        if self.path.exists() and not self._overwrite:
            raise OutputExists(f"{self.path} is already there; ask for overwriting or take another name")


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where folders can be opened for that."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)

"""Attachments as callers have them: files or bytes on the way in, a folder on the way out. Knows no pixels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sarcodec.api import choices
from sarcodec.errors import InvalidArgument
from sarcodec.format.attachments import NO_ATTACHMENTS, Attached, check_names, pack_attachments
from sarcodec.format.reader import FileReader
from sarcodec.storage.names import Input
from sarcodec.storage.output import Output, require_different
from sarcodec.storage.refusals import shown


def packed(given: choices.Attachments | None) -> Attached:
    """What a file will keep. given: by name, bytes or the path of a file. Raises InvalidArgument where one cannot be read, or a name is no relative path."""
    return NO_ATTACHMENTS if given is None else pack_attachments(named(given))


def named(given: choices.Attachments | None) -> list[tuple[str, bytes]]:
    """Names and bytes. Raises as `packed`."""
    if given is None:
        return []
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InvalidArgument(f"attachments are {given!r}; expected a mapping of names to bytes or paths")
    check_names(list(given))
    return [(name, _bytes(name, source)) for name, source in given.items()]


def paths(given: choices.Attachments | None) -> tuple[choices.Path, ...]:
    """Files among what is given, none of which an output may replace."""
    return tuple(source for source in (given or {}).values() if not isinstance(source, (bytes, bytearray, memoryview)))


def _bytes(name: str, source: choices.Path | bytes) -> bytes:
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source)
    if not isinstance(source, (str, os.PathLike)):
        raise InvalidArgument(f"attachment {name!r} is {source!r}; expected bytes, or the path of a file")
    try:
        return Path(source).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"attachment {name!r}: {shown(source)} cannot be read ({reason})") from error


class AttachmentFolder:
    """A folder that gets all attachments of a file, each under its name. Made in two steps: what can be refused is, before any pixel is decoded.

    source: what the file is read from; others: what is written besides. No attachment may replace any of them.
    Raises InvalidArgument where a name would do that, would leave the folder (through a link) or a folder cannot be made; OutputExists, CorruptFile.
    """

    def __init__(
        self, file: FileReader, folder: choices.Path, overwrite: bool, *, source: Input, others: tuple[str, ...] = ()
    ) -> None:
        self._file, self._overwrite, self._source, self._others = file, overwrite, source, others
        self._folder = Path(os.path.realpath(folder))
        for record in file.header.attachments:
            file.attachment(record.name)  # its checksum, before anything is written
            self._check(record.name)

    def _check(self, name: str) -> None:
        target = self._target(name)
        if not target.parent.is_dir():
            return
        self._output(target).close()
        for other in self._others:
            require_different(**{"the scene": other, f"attachment {name!r}": os.fspath(target)})

    def _output(self, target: Path) -> Output:
        return Output(target, overwrite=self._overwrite, inputs=(self._source,))

    def _target(self, name: str) -> Path:
        target = self._folder / name
        for above in target.relative_to(self._folder).parents:
            if (place := self._folder / above).exists() and not place.is_dir():
                raise InvalidArgument(f"{shown(place)} is a file, and attachment {name!r} needs a folder of this name")
        real = Path(os.path.realpath(target))
        if self._folder not in real.parents:
            raise InvalidArgument(
                f"attachment {name!r} would be written to {shown(real)}, outside {shown(self._folder)}; take a folder without links"
            )
        return target

    def write(self) -> int:
        """All of them, each whole or not at all; gives their number. Raises SarcodecError where the disk refuses."""
        for record in self._file.header.attachments:
            target, data = self._target(record.name), self._file.attachment(record.name)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InvalidArgument(f"{shown(target.parent)} cannot be made ({error.strerror})") from error
            with self._output(target) as output:
                output.write(data)
        return len(self._file.header.attachments)

"""The outputs of an archive as they are now, with what the tables say of them. In: its folder; out: pairs, one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import TracebackType

from sarcodec.archiving.names import ENDINGS, ending_of
from sarcodec.archiving.places import place_of
from sarcodec.archiving.records import bring
from sarcodec.archiving.sources import whole
from sarcodec.archiving.table import DONE, Row, Table
from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.format.reader import FileReader
from sarcodec.products.layout import product_of
from sarcodec.storage.objects import is_object
from sarcodec.storage.refusals import shown
from sarcodec.storage.standard import temporary_workspace


@dataclass(frozen=True)
class Output:
    """name: relative to the archive, with slashes; path: absolute; row: the table's, None where there is none; there: whether it is."""

    name: str
    path: str
    row: Row | None
    there: bool

    @property
    def restored_name(self) -> str:
        """Of the GeoTIFF or product, relative: the old one where it is known, or what was before .sarc."""
        bare = PurePosixPath(self.name).with_suffix("")
        old = ending_of(os.path.basename(whole(self.row.source))) if self.row else ""
        if not old:
            old = ".SAFE" if self.there and _holds_product(self.path) else ENDINGS[0]
        return str(bare.with_name(bare.name + old))


class Outputs:
    """Use in a `with`. `each`: all outputs, those on the disk first. Raises InvalidArgument where the folder is no archive."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._stack, tables_in = ExitStack(), Path(folder)
        if is_object(folder):
            workspace = temporary_workspace()
            self._stack.callback(workspace.close)
            tables_in = workspace.folder
            bring(os.fsdecode(folder), tables_in)
        elif not os.path.isdir(folder):
            raise InvalidArgument(f"{shown(folder)} is no folder; expected one that `sarcodec archive` wrote")
        self._place = place_of(folder)
        tables = sorted(tables_in.glob("archive*.sqlite"))
        if not tables and next(iter(self._place), None) is None:
            # A wrong name, a disk that is not mounted, an address with a slip in it: nothing is sound there.
            self._stack.close()
            raise InvalidArgument(
                f"{self._place.name} holds neither a table nor an output; expected what `sarcodec archive` wrote. Check the name, and that its disk is there"
            )
        self._tables = [self._stack.enter_context(Table(path, read_only=True)) for path in tables]

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def each(self) -> Iterator[Output]:
        """Files that are there, and rows of files that should be."""
        for name in self._place:
            yield Output(name, self._place.path(name), self._row(name), True)
        for number, table in enumerate(self._tables):
            for row in table:
                first = all(other.get(row.output) is None for other in self._tables[:number])
                if first and row.state == DONE and not self._place.there(row.output):
                    yield Output(row.output, self._place.path(row.output), row, False)

    def count(self) -> int:
        """Files that are there."""
        return sum(1 for _ in self._place)

    def _row(self, name: str) -> Row | None:
        return next((row for table in self._tables if (row := table.get(name)) is not None), None)


def _holds_product(path: str) -> bool:
    try:
        with FileReader(path) as file:
            return product_of(file) is not None
    except SarcodecError:
        return False  # Restoring it will tell.

"""What the verbs of archives answer. Frozen; in words for the command line elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sarcodec.archiving.items import Items
from sarcodec.archiving.tally import Failure, Tally


@dataclass(frozen=True, kw_only=True)
class ArchiveReport:
    """What became of the scenes of an archive, or of a shard.

    done: scenes whose output is there and keeps its promise; kept of them were done before this run, entered were there without a row of the table
    and passed; bytes_in, bytes_out: of these. failed: not done, perhaps at another start; refused: no scene that sarcodec takes, or a target that it
    cannot reach. items: STAC items that stand in the file items_path (None where there is none, as of a shard); without_item: outputs that have none. problems: the first 100 of both; the table
    (archive.sqlite) has all. notes: sentences.
    """

    path: str
    scenes: int
    done: int
    kept: int
    entered: int
    failed: int
    refused: int
    bytes_in: int
    bytes_out: int
    seconds: float
    items: int = 0
    without_item: int = 0
    items_path: str | None = None
    problems: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed; what was refused is counted apart."""
        return not self.failed


@dataclass(frozen=True, kw_only=True)
class ReviewReport:
    """What re-reading an archive found. outputs: that are there or should be; tried: of them, every checksum and symbol; sound: of those; unlisted: there without
    a row in the table; bytes: of those that were tried; problems: the first 100 that are damaged, gone, or not those of the table."""

    path: str
    outputs: int
    tried: int
    sound: int
    unlisted: int
    failed: int
    bytes: int
    seconds: float
    problems: tuple[Failure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.failed


@dataclass(frozen=True, kw_only=True)
class RestoreReport:
    """What became of the files of an archive. restored: GeoTIFFs and products that were written, or got files back that they had lost; kept: that were there already; problems: the first 100 that failed."""

    path: str
    outputs: int
    restored: int
    kept: int
    failed: int
    seconds: float
    problems: tuple[Failure, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return not self.failed


@dataclass(frozen=True, kw_only=True)
class EstimateReport:
    """What an archive would take. scenes: that have no output; there: that have one; sampled: scenes of which a tile was compressed, refused of them were not taken;
    bytes_in: of all sources; bytes_out, core_hours and hours (with so many workers): estimated, None where the sample had no scene."""

    scenes: int
    there: int
    sampled: int
    refused: int
    bytes_in: int
    bytes_out: int | None
    core_hours: float | None
    hours: float | None
    workers: int


def report_of(path: str, tally: Tally, items: Items) -> ArchiveReport:
    """Counts as a report."""
    return ArchiveReport(
        path=path,
        scenes=tally.total,
        done=tally.done,
        kept=tally.kept,
        entered=tally.entered,
        failed=tally.failed,
        refused=tally.refused,
        bytes_in=tally.bytes_in,
        bytes_out=tally.bytes_out,
        seconds=tally.seconds,
        items=items.count,
        without_item=items.without,
        items_path=items.path,
        problems=tuple(tally.problems),
        notes=tuple(_notes(tally)),
    )


def _notes(tally: Tally) -> Iterator[str]:
    if tally.stayed:
        yield (
            f"{tally.stayed} of the sources of scenes that are done were not deleted: they are in a bucket or behind a link, were changed meanwhile, or may not be removed. "
            "The table has 0 in the column deleted for each."
        )

"""Counts of a run, for progress and report. Knows how many, never which; but for a few of those that failed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sarcodec.archiving.deciding import Step
from sarcodec.archiving.table import DONE, FAILED, REFUSED, Row
from sarcodec.errors import FormatError

MOST_LISTED = 100


@dataclass(frozen=True)
class Failure:
    """A scene that is not done, and why. `state`: failed or refused."""

    source: str
    state: str
    exit_code: int
    error: str


@dataclass
class Findings:
    """Of reading an archive. outputs: that are there or should be; failed, and the first of them: what is wrong with which output."""

    outputs: int = 0
    failed: int = 0
    problems: list[Failure] = field(default_factory=list)

    def fail(self, name: str, code: int, error: str) -> None:
        """Count it, and say which."""
        self.failed += 1
        if len(self.problems) < MOST_LISTED:
            self.problems.append(Failure(name, FAILED, code, error))

    def gone(self, name: str) -> None:
        """An output that is not there."""
        self.fail(name, FormatError.exit_code, "the table says that it was done, and the file is gone")


@dataclass
class Tally:
    """total: scenes there are; done, of which kept: were before; entered: an output was there without a row, and is sound; failed; refused;
    bytes_in, bytes_out: of those that are done; stayed: sources that were to be deleted, and were not; problems: the first that failed or were refused."""

    total: int
    done: int = 0
    kept: int = 0
    entered: int = 0
    failed: int = 0
    refused: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    stayed: int = 0
    problems: list[Failure] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)
    worked: int = 0

    @property
    def seen(self) -> int:
        """Scenes of which it is known what became of them."""
        return self.done + self.failed + self.refused

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.began

    @property
    def left_s(self) -> float | None:
        """Time that is left if it goes on as so far; None where nothing was worked on yet."""
        return (self.total - self.seen) * self.seconds / self.worked if self.worked else None

    def add_known(self, step: Step) -> None:
        """A scene with which nothing is done now: it is done, or was refused for good."""
        assert step.row is not None  # else there would be something to do
        self.kept += step.row.state == DONE
        self._count(step.row)

    def add(self, row: Row, *, made: bool) -> None:
        """A scene that was worked on."""
        self.worked += 1
        self.entered += row.state == DONE and not made
        self._count(row)

    def _count(self, row: Row) -> None:
        self.done += row.state == DONE
        self.failed += row.state == FAILED
        self.refused += row.state == REFUSED
        if row.state == DONE:
            self.bytes_in += row.bytes_in or 0
            self.bytes_out += row.bytes_out or 0
        elif len(self.problems) < MOST_LISTED:
            self.problems.append(Failure(row.source, row.state, row.exit_code, row.error or ""))

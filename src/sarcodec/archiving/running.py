"""The run of an archive: a bounded number of scenes in flight, each made, then judged; what fails is tried again where that may help; each gets its row.

In: Steps, an executor, two tasks; out: rows in the table and a Tally. Knows no codec, and keeps nothing of a scene that has its row.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sarcodec.archiving.crew import answered
from sarcodec.archiving.deciding import Step, Wishes
from sarcodec.archiving.places import Place
from sarcodec.archiving.removing import remove_source
from sarcodec.archiving.sources import state_of
from sarcodec.archiving.table import DONE, FAILED, REFUSED, Row, Table
from sarcodec.archiving.tally import Tally
from sarcodec.archiving.tasks import DIED, Answer, Codec, Job, Verdict
from sarcodec.errors import ModelError, OutputExists, SarcodecError, TargetNotReached, UnsupportedScene

MOST_TRIES = 3
BACKOFF_S = (1.0, 4.0)
MOST_IN_A_ROW = 10
"""Scenes that fail one after the other for want of disk or memory; the next would too."""
_REFUSALS = (UnsupportedScene.exit_code, TargetNotReached.exit_code)


@dataclass(frozen=True)
class Plan:
    """place: where outputs go, with which keywords of `compress`; how many scenes are in flight at most."""

    place: Place
    options: dict[str, Any]
    window: int
    wishes: Wishes = field(default_factory=Wishes)
    backoff_s: tuple[float, ...] = BACKOFF_S


@dataclass
class _Flight:
    """A scene on its way. judging: it is made, or was there; made: in this run; tries: of the stage; seconds: of work so far; by: the process that made it."""

    step: Step
    job: Job
    judging: bool
    made: bool = False
    tries: int = 0
    all_tries: int = 0
    seconds: float = 0.0
    by: str = ""


@dataclass
class Run:
    """`go` works through all steps. watch: called with the tally, often. Raises ModelError and SarcodecError where going on has no sense; what is done has its row then."""

    plan: Plan
    executor: Executor
    codec: Codec
    table: Table
    tally: Tally
    watch: Callable[[Tally], None] = lambda tally: None
    unclean: set[str] = field(default_factory=set)  # outputs at which a process died
    _flying: dict[Future[Answer], _Flight] = field(default_factory=dict)
    _delayed: list[tuple[float, int, _Flight]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _in_a_row: int = 0

    def go(self, steps: Iterator[Step]) -> None:
        """To the end of all steps."""
        try:
            while self._filled(steps):
                done, _ = wait(self._flying, timeout=self._patience_s(), return_when=FIRST_COMPLETED)
                for future in done:
                    self._landed(self._flying.pop(future), future)
                self.watch(self.tally)
        finally:
            for future in self._flying:
                future.cancel()

    def _filled(self, steps: Iterator[Step]) -> bool:
        """Start what there is room for; False where nothing is left."""
        now = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            self._launch(heapq.heappop(self._delayed)[2])
        while len(self._flying) + len(self._delayed) < self.plan.window:
            step = next(steps, None)
            if step is None:
                break
            self._begin(step)
        return bool(self._flying or self._delayed)

    def _patience_s(self) -> float | None:
        return max(0.0, self._delayed[0][0] - time.monotonic()) if self._delayed else None

    def _begin(self, step: Step) -> None:
        if step.action in ("keep", "pass"):
            self.tally.add_known(step)
            self.watch(self.tally)
            return
        target = self.plan.place.path(step.scene.output)
        job = Job(step.scene.source, target, self.plan.options, name=step.scene.output)
        self._launch(_Flight(step, job, judging=step.action == "judge"))

    def _launch(self, flight: _Flight) -> None:
        flight.tries += 1
        flight.all_tries += not (flight.judging and flight.made)
        try:
            if flight.judging:
                future: Future[Any] = self.executor.submit(self.codec.judge, flight.job, flight.by)
            else:
                future = self.executor.submit(self.codec.make, flight.job)
        except BrokenExecutor as error:
            raise SarcodecError(
                f"the executor takes no work any more ({error}); start again: what is done stays"
            ) from error
        self._flying[future] = flight

    def _landed(self, flight: _Flight, future: Future[Answer]) -> None:
        answer = answered(future)
        flight.seconds += answer.seconds
        if answer.code == DIED:
            self.unclean.add(flight.step.scene.output)
        if answer.code == ModelError.exit_code:
            raise ModelError(f"{flight.job.source}: {answer.error}")
        if answer.again and flight.tries < MOST_TRIES:
            self._delay(flight)
        elif flight.judging:
            self._judged(flight, answer)
        elif answer.code in (0, OutputExists.exit_code):  # there: of a process that was told to end, and was quicker
            self._launch(replace(flight, judging=True, made=not answer.code, tries=0, by=answer.place))
        else:
            self._enter(flight, REFUSED if answer.code in _REFUSALS else FAILED, answer)

    def _delay(self, flight: _Flight) -> None:
        pause = self.plan.backoff_s[min(flight.tries, len(self.plan.backoff_s)) - 1]
        heapq.heappush(self._delayed, (time.monotonic() + pause, next(self._numbers), flight))

    def _judged(self, flight: _Flight, verdict: Answer) -> None:
        if not verdict.code:
            self._enter(flight, DONE, verdict)
        elif flight.step.ours and not flight.made and not verdict.again:
            job = replace(flight.job, overwrite=True)
            self._launch(_Flight(replace(flight.step, ours=False), job, False, all_tries=flight.all_tries))
        else:
            self._enter(flight, FAILED, self._of_bad(flight, verdict))

    def _of_bad(self, flight: _Flight, verdict: Answer) -> Answer:
        """What was made in this run and does not keep its promise goes; what was there before stays, and is no business of the archive's."""
        if flight.made:
            if not verdict.again:
                self.plan.place.remove(flight.job.target)
            return verdict
        text = f"{flight.job.target} is already there, and not what would be made of this scene ({verdict.error}); move it away"
        return Verdict(code=OutputExists.exit_code, error=text, again=verdict.again)

    def _enter(self, flight: _Flight, state: str, answer: Answer) -> None:
        """The row, the tally, and the source's end."""
        row, before = _row(flight, state, answer), flight.step.row
        if state != DONE and before and before.state == DONE and state_of(row.source) is None:
            self.tally.add(replace(row, error=_lost(flight, answer)), made=False)  # and the row stays
            return
        deletes = state == DONE and self.plan.wishes.delete
        self.table.put(replace(row, deleted=deletes))
        if isinstance(answer, Verdict) and state == DONE and row.head:
            self.table.put_item(row.output, row.head, answer.item)
        if deletes:
            self.table.commit()  # before anything is gone
            if not remove_source(row, getattr(answer, "files", ())):
                self.table.put(row)
                self.tally.stayed += 1
        self.tally.add(row, made=flight.made)
        self._in_a_row = self._in_a_row + 1 if state == FAILED and answer.again else 0
        if self._in_a_row >= MOST_IN_A_ROW:
            raise SarcodecError(
                f"{self._in_a_row} scenes failed one after the other, the last with: {answer.error}. Mend that, then start again: what is done stays"
            )


def _lost(flight: _Flight, answer: Answer) -> str:
    """Of a scene whose row is all that is left to tell what should be there, so that reading the archive again goes on to miss it."""
    return (
        f"its output {flight.job.target} is not the file that was judged, or gone, and the scene is not there to make it again ({answer.error}); "
        "put a copy of either back"
    )


def _row(flight: _Flight, state: str, answer: Answer) -> Row:
    scene, before = flight.step.scene, flight.step.row
    row = Row(
        output=scene.output,
        source=scene.source,
        state=state,
        tries=flight.all_tries + (before.tries if before else 0),
        error=answer.error or None,
        exit_code=answer.code,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=round(flight.seconds, 3),
    )
    if state == DONE and isinstance(answer, Verdict):
        names = "bytes_in modified_ns bytes_out head promised promised_rmse_db rmse_db bias_power_db max_error_db software model tag"
        return replace(row, **{name: getattr(answer, name) for name in names.split()})
    if found := state_of(scene.source):
        row = replace(row, bytes_in=found[0], modified_ns=found[1])
    return replace(row, head=before.head) if before else row

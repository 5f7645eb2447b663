"""The verb verify_archive: outputs read again, all or a sample, at any later time; without their sources, which may be gone."""

from __future__ import annotations

import heapq
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

from sarcodec.api import choices
from sarcodec.api.verification import verify
from sarcodec.archiving.crew import AHEAD, crew, each, worker_count
from sarcodec.archiving.outputs import Output, Outputs
from sarcodec.archiving.places import head_of
from sarcodec.archiving.report import ReviewReport
from sarcodec.archiving.table import DONE
from sarcodec.archiving.tally import Findings
from sarcodec.archiving.tasks import Answer, Job, errors_said, place
from sarcodec.decoding.workers import thread_count
from sarcodec.errors import FormatError, InvalidArgument
from sarcodec.storage.refusals import shown


@dataclass
class _Found(Findings):
    tried: int = 0
    sound: int = 0
    unlisted: int = 0
    bytes: int = 0


def verify_archive(
    out: choices.Path,
    *,
    sample: int | None = None,
    seed: int | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    threads: int = 1,
    memory: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ReviewReport:
    """Read the outputs of an archive again: every checksum and symbol, and whether they are those of its table.

    Args:
        out: the archive's folder.
        sample: so many outputs, drawn at random; default all. That each output is there is looked at in either case.
        seed: of the draw; default another one each time.
        workers, executor, threads, memory: as `archive` has them.
        progress: called with the number of outputs that were tried and that will be.

    Raises InvalidArgument where `out` is no folder, and for a sample below 1.
    """
    if sample is not None and sample < 1:
        raise InvalidArgument(f"the sample is {sample}; expected 1 or more outputs")
    began, found, count = time.monotonic(), _Found(), worker_count(workers)
    limits = {"threads": thread_count(threads)} | ({} if memory is None else {"memory": memory})
    with Outputs(out) as outputs:
        chosen = _drawn(_present(outputs, found), sample, random.Random(seed))
        total = len(chosen) if isinstance(chosen, list) else outputs.count()
        jobs = ((one, Job("", one.path, limits)) for one in chosen)
        with crew(executor, count, out) as workforce:
            for one, answer in each(workforce, try_again, jobs, AHEAD * count):
                _note(one, answer, found)
                if progress:
                    progress(found.tried, total)
    return ReviewReport(
        path=os.fspath(out),
        outputs=found.outputs,
        tried=found.tried,
        sound=found.sound,
        unlisted=found.unlisted,
        failed=found.failed,
        bytes=found.bytes,
        seconds=time.monotonic() - began,
        problems=tuple(found.problems),
    )


def _present(outputs: Outputs, found: _Found) -> Iterator[Output]:
    """Outputs that are there; those that should be are noted."""
    for one in outputs.each():
        found.outputs += 1
        found.unlisted += one.row is None
        if one.there:
            yield one
        else:
            found.gone(one.name)


def _drawn(outputs: Iterator[Output], sample: int | None, draw: random.Random) -> Iterator[Output] | list[Output]:
    """All, as they come; or so many of them, in the order of the disk."""
    if sample is None:
        return outputs
    numbered = ((draw.random(), number, one) for number, one in enumerate(outputs))
    kept = heapq.nsmallest(sample, numbered)
    return [one for _, _, one in sorted(kept, key=lambda item: item[1])]


def _note(one: Output, answer: Answer, found: _Found) -> None:
    found.tried += 1
    head = head_of(one.path)
    found.bytes += head[1] if head else 0
    if answer.code:
        found.fail(one.name, answer.code, answer.error)
    elif one.row is not None and one.row.state == DONE and head != (one.row.head, one.row.bytes_out):
        found.fail(
            one.name,
            FormatError.exit_code,
            f"{shown(one.name)} is sound, but another file than the one that was judged; start the archive again",
        )
    else:
        found.sound += 1


def try_again(job: Job) -> Answer:
    """The task: every checksum and symbol of `job.target`."""
    began = time.perf_counter()
    with errors_said() as failure:
        verify(job.target, **job.limits)
    return Answer(seconds=time.perf_counter() - began, place=place(), **failure.fields)

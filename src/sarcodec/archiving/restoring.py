"""The verb restore_archive: every output back into a GeoTIFF or a product, under its old name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from sarcodec.api import choices
from sarcodec.api.decompression import decompress
from sarcodec.archiving.completing import complete
from sarcodec.archiving.crew import AHEAD, crew, each, worker_count
from sarcodec.archiving.outputs import Output, Outputs
from sarcodec.archiving.report import RestoreReport
from sarcodec.archiving.tally import Findings
from sarcodec.archiving.tasks import Answer, Job, errors_said, make_folders, place
from sarcodec.decoding.workers import thread_count
from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec.products.output import is_product_name
from sarcodec.storage.objects import is_object
from sarcodec.storage.refusals import shown
from sarcodec.storage.workspace import clear_leftovers


@dataclass
class _Found(Findings):
    restored: int = 0
    kept: int = 0


def restore_archive(
    out: choices.Path,
    target: choices.Path,
    *,
    reconstruct: choices.Reconstruct = "power",
    speckle: choices.Speckle = "keep",
    workers: int | None = None,
    executor: Executor | None = None,
    threads: int = 1,
    memory: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> RestoreReport:
    """Decode every output of an archive to a GeoTIFF or product under its old name in another folder. What is there stays, so that it can be started again; a product that lost files since gets them back.

    Args:
        out: the archive's folder.
        target: the folder of the GeoTIFFs, which is made.
        reconstruct, speckle: as `sarcodec.decompress` has them.
        workers, executor, threads, memory: as `archive` has them.
        progress: called with the number of outputs that are done and that there are.

    Raises InvalidArgument where `out` is no folder, or no archive, and where `target` is in a bucket.
    """
    if is_object(target):
        raise InvalidArgument("restored scenes go into a folder of this machine; name one")
    began, found, count = time.monotonic(), _Found(), worker_count(workers)
    options: dict[str, object] = {"threads": thread_count(threads), "reconstruct": reconstruct, "speckle": speckle}
    options |= {} if memory is None else {"memory": memory}
    with Outputs(out) as outputs, crew(executor, count, out) as workforce:
        total = outputs.count()
        jobs = _jobs(outputs, os.path.abspath(os.fsdecode(target)), options, found)
        for one, answer in each(workforce, restore, jobs, AHEAD * count):
            if answer.code:
                found.fail(one.name, answer.code, answer.error)
            elif isinstance(answer, Restoration) and answer.kept:
                found.kept += 1
            else:
                found.restored += 1
            if progress:
                progress(found.restored + found.kept + found.failed, total)
    return RestoreReport(
        path=os.fspath(target),
        outputs=found.outputs,
        restored=found.restored,
        kept=found.kept,
        failed=found.failed,
        seconds=time.monotonic() - began,
        problems=tuple(found.problems),
    )


def _jobs(outputs: Outputs, target: str, options: dict[str, object], found: _Found) -> Iterator[tuple[Output, Job]]:
    """What is to be done; an output that is gone is a failure."""
    cleared = ""
    for one in outputs.each():
        found.outputs += 1
        path = os.path.join(target, *one.restored_name.split("/"))
        if os.path.dirname(path) != cleared:
            cleared = os.path.dirname(path)
            clear_leftovers(Path(cleared))
        if not one.there:
            found.gone(one.name)
        elif os.path.lexists(path) and not is_product_name(path):
            if os.path.isfile(path) and os.path.getsize(path):  # what is in it is not read
                found.kept += 1
            else:
                found.fail(
                    one.name,
                    OutputExists.exit_code,
                    f"{shown(path)} is there, and is not what was archived; move it away",
                )
        else:
            yield one, Job(one.path, path, options)


@dataclass(frozen=True, kw_only=True)
class Restoration(Answer):
    """kept: all was there already."""

    kept: bool = False


def restore(job: Job) -> Restoration:
    """The task: decompress; of a product that is there, what it has lost since. The folders around its output are made."""
    began, kept = time.perf_counter(), False
    with errors_said() as failure:
        target = Path(job.target)
        if os.path.lexists(target):
            kept = not complete(job.source, job.target, job.options)
        else:
            make_folders(target)
            decompress(job.source, target, **job.options)
    return Restoration(seconds=time.perf_counter() - began, place=place(), kept=kept, **failure.fields)

"""The verb archive: a folder or a list of scenes in; a file for each, a table and a report out. The outputs are the truth: it may be cut at any time and started again."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from sarcodec.api import choices
from sarcodec.api.compression import compress
from sarcodec.api.memory import checked_memory
from sarcodec.archiving.crew import AHEAD, crew, worker_count
from sarcodec.archiving.deciding import Step, Wishes, step_of
from sarcodec.archiving.items import Items, write_items
from sarcodec.archiving.judge import judge
from sarcodec.archiving.judging import asked_of
from sarcodec.archiving.locking import LOCK, ArchiveLock
from sarcodec.archiving.names import Listing, Shard, no_scene
from sarcodec.archiving.places import Place, place_of
from sarcodec.archiving.records import bring, folder_for, send
from sarcodec.archiving.report import ArchiveReport, report_of
from sarcodec.archiving.running import Plan, Run
from sarcodec.archiving.table import Table
from sarcodec.archiving.tally import Tally
from sarcodec.archiving.tasks import Codec, make
from sarcodec.decoding.workers import thread_count
from sarcodec.errors import InvalidArgument
from sarcodec.storage.objects import is_object
from sarcodec.storage.refusals import shown

CODEC = Codec(make, judge)
TARGETS = ("quality", "target_bpp", "target_size", "target_rmse_db", "quality_class", "max_error_db", "lossless")
OPTIONS = (*TARGETS, "domain", "exact_bands", "effort", "independent_bands", "model", "memory", "as_is")
_FREE = ("threads", "memory")  # which change no file


def archive(
    source: choices.Path,
    out: choices.Path,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    shard: tuple[int, int] = (1, 1),
    retry: bool = False,
    delete_source: bool = False,
    table: choices.Path | None = None,
    threads: int = 1,
    progress: Callable[[Tally], None] | None = None,
    **options: Any,
) -> ArchiveReport:
    """Compress every scene of a folder or a list to a file of its own, judge each file in another process, and write down what became of it.

    Started again, it goes on: outputs that are there and agree with the table stay, those without a row are compared with their source and entered, and
    what failed for want of disk, memory or network is tried again. `OUT/archive.sqlite` has a row a scene. One scene that is refused or fails does not stop the rest.
    At the end `OUT/items.parquet` has a STAC item of each output that says when and where it was taken (`items.ndjson` without the extra `parquet`).

    Args:
        source: a folder, searched with all below it for .tif, .tiff and products (folders .SAFE, and zip archives of one); or a text file with one name a line,
            relative to the current folder; or one product; or an address in a bucket (s3://, gs://, az://), with all below it.
        out: the folder of outputs, which is made, or an address in a bucket; `a/b.tif` or `a/b.SAFE` becomes `OUT/a/b.sarc`.
        workers: how many scenes are worked on at once; default one a core.
        executor: who works, such as `distributed.Client(...).get_executor(pure=False)`; default processes of this machine. Its workers have to see the same files under
            the same names. It is not shut down.
        shard: (I, N): only the I-th of N parts of the scenes, so that N machines share the work. Each has a table of its own, `OUT/archive-I-of-N.sqlite`.
        retry: also try again what was refused or failed for good.
        delete_source: remove a scene's source once its output was judged in this run.
        table: folder of this machine for the table of an archive in a bucket, which has no place for it; a copy is put beside the outputs at the end.
        threads: of each worker.
        progress: called with the counts so far, often.
        **options: keywords of `sarcodec.compress` that say how good, how small and how; the same for the whole archive, which is held to it.

    Raises:
        InvalidArgument: for a source without scenes, two scenes that would share an output, a folder that another archive writes to or that was begun with other
            options, and what `compress` says of its keywords.
        ModelError: where the model is not here.
        SarcodecError: where the disk refuses, or ten scenes in a row failed for want of disk or memory. What is done stays.
    """
    part, promised = Shard(*shard), _checked({**options, "threads": thread_count(threads)})
    if delete_source and is_object(source):
        raise InvalidArgument(
            "scenes in a bucket are not deleted, as a delete cannot be tied to the object that was judged. Leave --delete-source out, and delete afterwards those that the "
            "table calls done: SELECT source FROM scenes WHERE state = 'done'"
        )
    count, folder = worker_count(workers), folder_for(out, table)
    # A folder may be empty where the run that deleted its scenes was cut before it was over.
    emptied = os.path.isdir(source) and (Path(folder) / f"archive{part.suffix}.sqlite").is_file()
    listing = Listing(source, part, may_be_empty=emptied)
    folder, place = _made(folder), place_of(out)
    sees = os.fsdecode(out) if is_object(out) else folder / LOCK
    with ArchiveLock(folder, part) as lock, _opened(folder, part, lock, out) as rows:
        _hold_to(rows, folder, promised)
        if listing.is_empty and not rows.has_deleted():
            raise no_scene(source)
        if part.count == 1:
            for other in sorted(folder.glob("archive-*-of-*.sqlite")):
                rows.adopt(other)
        tally, plan = Tally(listing.count), Plan(place, promised, AHEAD * count, Wishes(retry, delete_source))
        with crew(executor, count, sees) as workforce:
            run = Run(plan, workforce, CODEC, rows, tally, progress or (lambda tally: None))
            run.go(steps(listing, plan, rows))
        # An executor that was given may have tried again by itself, and not say so.
        _clear(place, itertools.chain(run.unclean, (scene.output for scene in listing) if executor else ()))
        items = write_items(rows, folder, place.path) if part.count == 1 else Items()
    if is_object(out):
        send([folder / f"archive{part.suffix}.sqlite", *([Path(items.path)] if items.path else [])], os.fsdecode(out))
    return report_of(os.fspath(out), tally, items)


def _opened(folder: Path, part: Shard, lock: ArchiveLock, out: choices.Path) -> Table:
    """The table; of an archive in a bucket the newest."""
    if is_object(out):
        bring(os.fsdecode(out), folder)
    return Table(folder / f"archive{part.suffix}.sqlite", locks=lock.locks)


def steps(listing: Listing, plan: Plan, table: Table) -> Iterator[Step]:
    """What is to be done, scene by scene. What a killed run left in a folder goes before the first of its scenes."""
    cleared = None
    for scene in listing:
        if os.path.dirname(scene.output) != cleared:
            plan.place.clear(scene.output)
            cleared = os.path.dirname(scene.output)
        yield step_of(scene, plan.place, table.get(scene.output), plan.wishes)


def _clear(place: Place, outputs: Iterable[str]) -> None:
    for _, group in itertools.groupby(outputs, os.path.dirname):
        place.clear(next(group))


def _checked(options: dict[str, Any]) -> dict[str, Any]:
    """Raises InvalidArgument for what means nothing, before any work."""
    unknown = sorted(set(options) - {*OPTIONS, "threads"})
    if unknown:
        raise InvalidArgument(
            f"archive knows no option {', '.join(unknown)}; of compress it takes {', '.join(OPTIONS)}"
        )
    asked_of(options)
    if options.get("memory") is not None:
        checked_memory(options["memory"])
    return {name: value for name, value in options.items() if value is not None}


def _made(out: choices.Path) -> Path:
    try:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InvalidArgument(f"{shown(out)} is a file; expected the name of a folder for the outputs") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InvalidArgument(f"cannot make the folder {shown(out)} ({reason}); take another one") from error
    return folder


def _hold_to(table: Table, folder: Path, options: dict[str, Any]) -> None:
    """An archive has one set of options: who asks for others would find old files that they do not fit."""
    usual = {name: one.default for name, one in inspect.signature(compress).parameters.items()}
    told = [f"{name} {value}" for name, value in sorted(options.items()) if name not in _FREE and value != usual[name]]
    asked = ", ".join(told) or "defaults"
    first = table.settle("options", asked)
    if first != asked:
        raise InvalidArgument(
            f"{shown(folder)} was begun with other options ({first}), and now there are: {asked}; give the same, or take another folder"
        )

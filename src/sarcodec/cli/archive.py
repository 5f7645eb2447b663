"""`sarcodec archive SOURCE OUT`: every scene of a folder or a list into a file of its own, judged; and an archive read again, or turned back into GeoTIFFs."""

from __future__ import annotations

import argparse
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sarcodec.cli.compress import add_as_is, add_quality
from sarcodec.cli.options import add_saying, add_verb, add_working, positive
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sarcodec.archiving.report import ArchiveReport, EstimateReport, RestoreReport, ReviewReport

EXAMPLES = (
    "sarcodec archive scenes small --class archive    # again: goes on",
    "sarcodec archive list.txt small --shard 3/100    # on one machine of many",
    "sarcodec archive scenes small --scheduler tcp://host:8786",
    "sarcodec archive --verify small --sample 100",
    "sarcodec archive --restore small back",
)
_ABOUT = (
    "SOURCE is a folder or a bucket (s3://...), searched for .tif, .tiff and\n"
    "products (.SAFE, .zip), or a text file with one name a line. Every output is\n"
    "decoded in another process and compared with its source before it counts as\n"
    "done. What became of each scene stands in OUT/archive.sqlite. Start it again\n"
    "after whatever ended it: it goes on."
)
_OF_ARCHIVE_ALONE = ("delete_source", "retry", "shard", "dry_run", "table")


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    usage = "[OPTIONS] SOURCE OUT | --verify OUT | --restore OUT TO"
    parser = add_verb(
        verbs, "archive", "compress all scenes of a folder or a list, and judge each", run, EXAMPLES, _ABOUT, usage
    )
    parser.add_argument(
        "source", metavar="SOURCE", help="folder or list of scenes; with --verify and --restore: the archive"
    )
    parser.add_argument("out", metavar="OUT", nargs="?", help="folder of the outputs; with --restore: of the GeoTIFFs")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument(
        "--verify",
        action="store_true",
        help="read the outputs of an archive again: every checksum and symbol, and its table",
    )
    ways.add_argument(
        "--restore",
        action="store_true",
        help="decompress an archive into GeoTIFFs and products under the old names; those that are there stay",
    )
    parser.add_argument(
        "--sample", type=positive, metavar="N", help="with --verify: only so many outputs, drawn at random"
    )
    parser.add_argument(
        "--workers", type=positive, metavar="N", help="how many scenes are worked on at once (default: one a core)"
    )
    parser.add_argument(
        "--table",
        metavar="FOLDER",
        help="of this machine, for the table of an archive whose OUT is in a bucket (s3://, gs://, az://)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="let the workers of a Dask cluster do the work, such as tcp://host:8786; they have to see the same files",
    )
    parser.add_argument(
        "--shard",
        type=_shard,
        metavar="I/N",
        help="only the I-th of N parts of the scenes; the others elsewhere, into the same OUT",
    )
    parser.add_argument(
        "--retry", action="store_true", help="also try again what was refused or failed for good in an earlier run"
    )
    parser.add_argument(
        "--delete-source", action="store_true", help="delete each source once its output was judged in this run"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing; estimate bytes and hours from one tile each of eight scenes",
    )
    add_quality(parser)
    add_as_is(parser)
    add_working(parser)
    parser.set_defaults(threads=1)
    add_saying(parser)


def _shard(text: str) -> tuple[int, int]:
    number, slash, count = text.partition("/")
    if not (
        slash
        and number.isascii()
        and number.isdigit()
        and count.isascii()
        and count.isdigit()
        and 1 <= int(number) <= int(count)
    ):
        raise argparse.ArgumentTypeError(f"{text!r} is no part such as 3/100; expected I/N with I from 1 to N")
    return int(number), int(count)


def run(options: argparse.Namespace) -> int:
    """0 where all is done, sound or restored; 1 where something failed. Refused scenes are told, and do not count as failed."""
    _check(options)
    ways = {"verify": _verify, "restore": _restore, "dry_run": _estimate}
    return next((way for name, way in ways.items() if getattr(options, name)), _archive)(options)


def _check(options: argparse.Namespace) -> None:
    if options.verify and options.out is not None:
        raise InvalidArgument(f"--verify takes one folder, and there is a second name, {options.out}; leave one out")
    if options.out is None and not options.verify:
        raise InvalidArgument(
            f"{options.source} is the only name; expected SOURCE OUT, --restore OUT TARGET or --verify OUT"
        )
    if options.sample is not None and not options.verify:
        raise InvalidArgument("--sample says how many outputs --verify reads; give --verify, or leave it out")
    if options.dry_run and options.scheduler:
        raise InvalidArgument("--dry-run works here alone, on one tile each of eight scenes; leave --scheduler out")
    if options.dry_run and options.delete_source:
        raise InvalidArgument(
            "--dry-run judges nothing, and --delete-source deletes only what was judged; leave one out"
        )
    idle = [name for name in _OF_ARCHIVE_ALONE if getattr(options, name, None)]
    if (options.verify or options.restore) and idle:
        raise InvalidArgument(
            f"--{idle[0].replace('_', '-')} belongs to compressing; leave it out with {'--verify' if options.verify else '--restore'}"
        )


def _given(options: argparse.Namespace) -> dict[str, Any]:
    """Keywords of `sarcodec.compress`."""
    from sarcodec.archiving.verb import OPTIONS

    return {name: getattr(options, name) for name in OPTIONS}


@contextmanager
def _crew(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Who works, as keywords of the verbs."""
    if options.scheduler is None:
        yield {"workers": options.workers}
        return
    from sarcodec.archiving.cluster import cluster

    with cluster(options.scheduler) as (executor, at_once):
        yield {"executor": executor, "workers": options.workers or at_once}


def _estimate(options: argparse.Namespace) -> int:
    import sarcodec
    from sarcodec.cli.output import tell

    shard = options.shard or (1, 1)
    report = sarcodec.estimate_archive(
        options.source, options.out, workers=options.workers, shard=shard, **_given(options)
    )
    tell(report, _estimated(report), options)
    return 0


def _archive(options: argparse.Namespace) -> int:
    import sarcodec
    from sarcodec.cli.archive_progress import archive_progress
    from sarcodec.cli.output import tell

    given = {name: getattr(options, name) for name in ("threads", "retry", "delete_source", "table")} | _given(options)
    with _crew(options) as crew, archive_progress(options.progress, options.quiet) as watch:
        report = sarcodec.archive(
            options.source, options.out, shard=options.shard or (1, 1), progress=watch, **crew, **given
        )
    tell(report, _archived(report), options)
    _list(report)
    return 0 if report.passed else 1


def _verify(options: argparse.Namespace) -> int:
    import sarcodec
    from sarcodec.cli.output import tell
    from sarcodec.cli.progress import progress

    with _crew(options) as crew, progress("verify", options.progress, options.quiet) as watch:
        report = sarcodec.verify_archive(
            options.source,
            sample=options.sample,
            **crew,
            threads=options.threads,
            memory=options.memory,
            progress=watch,
        )
    tell(report, _reviewed(report), options)
    _list(report)
    return 0 if report.passed else 1


def _restore(options: argparse.Namespace) -> int:
    import sarcodec
    from sarcodec.cli.output import tell
    from sarcodec.cli.progress import progress

    with _crew(options) as crew, progress("restore", options.progress, options.quiet) as watch:
        report = sarcodec.restore_archive(
            options.source,
            options.out,
            **crew,
            threads=options.threads,
            memory=options.memory,
            progress=watch,
        )
    tell(report, _restored(report), options)
    _list(report)
    return 0 if report.passed else 1


def _list(report: ArchiveReport | ReviewReport | RestoreReport) -> None:
    """What is not done, a line each on stderr."""
    from sarcodec.cli.output import say
    from sarcodec.storage.refusals import shown

    for one in report.problems:
        say(f"sarcodec: {one.state}: {shown(one.source)}: {one.error}")
    left = report.failed + getattr(report, "refused", 0) - len(report.problems)
    if left > 0:
        say(f"sarcodec: and {left} more, which the table names")


def _archived(report: ArchiveReport) -> Iterator[str]:
    from sarcodec.cli.brief import size

    before = f", {report.kept} of them before" if report.kept else ""
    found = f", {report.entered} found there and judged" if report.entered else ""
    yield f"{report.path}: {report.done} of {report.scenes} scenes are done{before}{found}; {report.failed} failed, {report.refused} refused"
    if report.bytes_out:
        times = report.bytes_in / report.bytes_out
        yield f"{size(report.bytes_in)} in {size(report.bytes_out)}, {times:.3g} times smaller; each was decoded and keeps what was promised"
    if report.items_path:
        hint = "" if report.items_path.endswith(".parquet") else " (GeoParquet: pip install 'sarcodec[parquet]')"
        none = (
            f"; {report.without_item} outputs have none, as they do not say when and where"
            if report.without_item
            else ""
        )
        yield f"{report.items_path}: {report.items} STAC items{hint}{none}"


def _estimated(report: EstimateReport) -> Iterator[str]:
    from sarcodec.cli.archive_progress import span
    from sarcodec.cli.brief import size

    there = f", {report.there} are done" if report.there else ""
    are = "1 scene of {} is" if report.scenes == 1 else f"{report.scenes} scenes of {{}} are"
    yield f"{are.format(size(report.bytes_in))} to be compressed{there}"
    if report.bytes_out is None or report.hours is None or report.core_hours is None:
        yield f"nothing can be said of them: of {report.sampled} that were tried none was taken"
        return
    taken = f"a tile each of {report.sampled - report.refused} scenes" + (
        f"; {report.refused} were refused" if report.refused else ""
    )
    yield f"about {size(report.bytes_out)}, in {span(3600 * report.hours)} with {report.workers} at once ({report.core_hours:.3g} core hours); from {taken}"


def _reviewed(report: ReviewReport) -> Iterator[str]:
    from sarcodec.cli.brief import size

    unlisted = f", {report.unlisted} without a row in the table" if report.unlisted else ""
    yield f"{report.path}: {report.outputs} outputs{unlisted}; {report.sound} of {report.tried} that were read ({size(report.bytes)}) are sound"
    yield f"{report.failed} failed"


def _restored(report: RestoreReport) -> Iterator[str]:
    yield f"{report.path}: {report.restored} of {report.outputs} scenes restored, {report.kept} were there already; {report.failed} failed"

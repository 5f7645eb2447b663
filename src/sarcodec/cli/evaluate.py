"""`sarcodec evaluate ORIGINAL.tif DECODED.tif`: how far decoded pixels are from the original ones."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from sarcodec.cli.options import add_domain, add_overwrite, add_saying, add_verb
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.api.comparison import Comparison
    from sarcodec.quality.classes import Verdict

EXAMPLES = (
    "sarcodec evaluate scene.tif back.tif",
    "sarcodec evaluate scene.tif back.tif --report a.html --compressed scene.sarc",
)


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "evaluate",
        "measure the error of decoded pixels in dB",
        run,
        EXAMPLES,
        usage="[OPTIONS] ORIGINAL.tif DECODED.tif",
    )
    parser.add_argument(
        "original", metavar="ORIGINAL.tif", help="the scene as it was; its nodata counts for both; '-': from stdin"
    )
    parser.add_argument("decoded", metavar="DECODED.tif", help="the scene as it came back: same size, bands and dtype")
    parser.add_argument("--report", metavar="OUT.html", help="also write a page with verdicts, charts and pictures")
    parser.add_argument("--compressed", metavar="FILE.sarc", help="with --report: show the bits that each tile took")
    add_domain(parser)
    add_overwrite(parser)
    add_saying(parser)


def run(options: argparse.Namespace) -> int:
    """0, or 1 when a valid pixel became invalid or an invalid one did not come back bit by bit."""
    from sarcodec.api.comparison import compare_scenes
    from sarcodec.cli.brief import compared
    from sarcodec.cli.output import tell
    from sarcodec.cli.report import write_report
    from sarcodec.storage import local_inputs

    if options.compressed is not None and options.report is None:
        raise InvalidArgument("--compressed tells a page what tiles took, and there is none; give --report too")
    names = options.original, options.decoded
    with local_inputs(*names) as (options.original, options.decoded):
        if options.report is not None:
            comparison = write_report(options, names)
        else:
            found = compare_scenes(options.original, options.decoded, options.domain)
            comparison = replace(found, original=names[0], decoded=names[1])
    shown = comparison if options.json else _in_words(comparison)
    tell(shown, compared(comparison), options, to_stderr=options.report == "-")
    return 0 if comparison.passed else 1


def _in_words(comparison: Comparison) -> dict[str, object]:
    """The same with each verdict in a few words: people have the figures in the lines above it."""

    def words(verdict: Verdict) -> str:
        return "passed" if verdict.passed else "failed: " + ", ".join(c.name for c in verdict.checks if not c.passed)

    figures = {field.name: getattr(comparison, field.name) for field in fields(comparison)}
    bands = [
        {field.name: getattr(band, field.name) for field in fields(band)}
        | {"classes": {verdict.quality_class: words(verdict) for verdict in band.classes}}
        for band in comparison.bands
    ]
    return figures | {"bands": bands}

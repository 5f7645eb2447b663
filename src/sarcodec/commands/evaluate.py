"""`sarcodec evaluate ORIGINAL.tif DECODED.tif`: how far decoded pixels are from the original ones."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from sarcodec.commands.options import add_domain, add_json, add_overwrite, add_verb
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.commands.comparison import Comparison
    from sarcodec.fidelity.classes import Verdict


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "evaluate", "measure the error of decoded pixels in dB", run)
    parser.add_argument("original", metavar="ORIGINAL.tif", help="the scene as it was; its nodata counts for both")
    parser.add_argument("decoded", metavar="DECODED.tif", help="the scene as it came back: same size, bands and dtype")
    parser.add_argument("--report", metavar="OUT.html", help="also write a page with verdicts, charts and pictures")
    parser.add_argument("--compressed", metavar="FILE.sarc", help="with --report: show the bits that each tile took")
    add_domain(parser)
    add_overwrite(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """0, or 1 when a valid pixel became invalid or an invalid one did not come back bit by bit."""
    from sarcodec.commands.comparison import compare_scenes
    from sarcodec.commands.output import show
    from sarcodec.commands.report import write_report

    if options.report:
        comparison = write_report(options)
    elif options.compressed:
        raise InvalidArgument("--compressed tells a page what tiles took, and there is none; give --report too")
    else:
        comparison = compare_scenes(options.original, options.decoded, options.domain)
    show(comparison if options.json else _brief(comparison), options.json)
    return 0 if comparison.passed else 1


def _brief(comparison: Comparison) -> Comparison:
    """The same with each verdict in a few words: people have the figures in the lines above it."""

    def words(verdict: Verdict) -> str:
        return "passed" if verdict.passed else "failed: " + ", ".join(c.name for c in verdict.checks if not c.passed)

    bands = (replace(band, classes={v.quality_class: words(v) for v in band.classes}) for band in comparison.bands)
    return replace(comparison, bands=tuple(bands))

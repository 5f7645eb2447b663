"""`sarcodec evaluate ORIGINAL.tif DECODED.tif`: how far decoded pixels are from the original ones."""

from __future__ import annotations

import argparse

from sarcodec.commands.options import add_domain, add_json, add_verb


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "evaluate", "measure the error of decoded pixels in dB", run)
    parser.add_argument("original", metavar="ORIGINAL.tif", help="the scene as it was; its nodata counts for both")
    parser.add_argument("decoded", metavar="DECODED.tif", help="the scene as it came back: same size, bands and dtype")
    add_domain(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """0, or 1 when a valid pixel became invalid or an invalid one did not come back bit by bit."""
    from sarcodec.commands.comparison import compare_scenes
    from sarcodec.commands.output import show

    comparison = compare_scenes(options.original, options.decoded, options.domain)
    show(comparison, options.json)
    return 0 if comparison.passed else 1

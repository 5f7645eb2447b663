"""`sarcodec verify FILE`: decode everything, try every checksum, and compare with an original."""

from __future__ import annotations

import argparse

from sarcodec.commands.options import add_effort, add_json, add_verb
from sarcodec.commands.progress import progress


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "verify", "check that a compressed file is sound", run)
    parser.add_argument("file", metavar="FILE", help="the compressed file")
    parser.add_argument("--against", metavar="ORIGINAL.tif", help="also compare the pixels with these")
    add_effort(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """0 when the file is sound; a damaged file ends in the error that says how."""
    import sarcodec
    from sarcodec.commands.output import show

    with progress("verify", options.progress) as watch:
        report = sarcodec.verify(options.file, against=options.against, threads=options.threads, progress=watch)
    show(report, options.json)
    return 0 if report.passed else 1

"""`sarcodec verify FILE`: decode everything, try every checksum, and compare with an original."""

from __future__ import annotations

import argparse
from dataclasses import replace

from sarcodec.commands.options import add_effort, add_json, add_verb
from sarcodec.commands.progress import progress


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "verify", "check that a compressed file is sound", run)
    parser.add_argument("file", metavar="FILE", help="the compressed file; '-': from standard input")
    parser.add_argument("--against", metavar="ORIGINAL.tif", help="also compare with this: pixels, masks and all it says")
    add_effort(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """0 when the file is sound and of its original; 1 when it is of another; a damaged file ends in the error that says how."""
    import sarcodec
    from sarcodec.commands.output import say, show
    from sarcodec.storage import local_inputs

    with (
        local_inputs(options.file, options.against) as (file, against),
        progress("verify", options.progress) as watch,
    ):
        found = sarcodec.verify(file, against=against, threads=options.threads, progress=watch)
    differences = getattr(found.comparison, "description_differences", ())
    report = replace(found, path=options.file, passed=found.passed and not differences)
    show(report, options.json)
    if differences:
        say(f"sarcodec: {options.file} and {options.against} differ in what they say: {', '.join(differences)}")
    return 0 if report.passed else 1

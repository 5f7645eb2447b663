"""`sarcodec verify FILE`: decode everything, try every checksum, and compare with an original."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from sarcodec.cli.options import add_saying, add_verb, add_working
from sarcodec.cli.progress import progress

EXAMPLES = ("sarcodec verify scene.sarc", "sarcodec verify scene.sarc --against scene.tif")


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(
        verbs,
        "verify",
        "check that a compressed file is sound, and of its original",
        run,
        EXAMPLES,
        usage="[OPTIONS] FILE",
    )
    parser.add_argument("file", metavar="FILE", help="the compressed file; '-': from standard input")
    parser.add_argument(
        "--against", metavar="ORIGINAL.tif", help="also compare with this: pixels, masks and all it says"
    )
    add_working(parser)
    add_saying(parser)


def run(options: argparse.Namespace) -> int:
    """0 when the file is sound and of its original; 1 when it is of another; a damaged file ends in the error that says how."""
    import sarcodec
    from sarcodec.cli.brief import verified
    from sarcodec.cli.output import say, tell
    from sarcodec.storage import local_inputs

    with (
        local_inputs(options.file, options.against) as (file, against),
        progress("verify", options.progress, options.quiet) as watch,
    ):
        assert file is not None  # only `against` may be left out
        found = sarcodec.verify(file, against=against, threads=options.threads, memory=options.memory, progress=watch)
    differences = getattr(found.comparison, "description_differences", ())
    report = replace(found, path=options.file, passed=found.passed and not differences)
    tell(report, verified(report, options.against, differences), options)
    if differences:
        say(f"sarcodec: {options.file} and {options.against} differ in what they say: {', '.join(differences)}")
    return 0 if report.passed else 1

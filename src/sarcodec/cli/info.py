"""`sarcodec info FILE`: what a compressed file says about itself, without its pixels."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from sarcodec.cli.options import add_saying, add_verb

EXAMPLES = ("sarcodec info scene.sarc", "sarcodec info scene.sarc --json")


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "info", "say what a compressed file holds, without its pixels", run, EXAMPLES)
    parser.add_argument("file", metavar="FILE", help="the compressed file; '-': from standard input")
    add_saying(parser)


def run(options: argparse.Namespace) -> int:
    """Read the head and show it."""
    import sarcodec
    from sarcodec.cli.brief import described
    from sarcodec.cli.output import tell
    from sarcodec.storage import local_input

    with local_input(options.file) as file:
        report = replace(sarcodec.info(file), path=options.file)
    tell(report, described(report), options)
    return 0

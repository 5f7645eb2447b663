"""`sarcodec info FILE`: what a compressed file says about itself, without its pixels."""

from __future__ import annotations

import argparse
from dataclasses import replace

from sarcodec.commands.options import add_json, add_verb


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "info", "say what a compressed file holds", run)
    parser.add_argument("file", metavar="FILE", help="the compressed file; '-': from standard input")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Read the head and show it."""
    import sarcodec
    from sarcodec.commands.output import show
    from sarcodec.storage import local_input

    with local_input(options.file) as file:
        report = replace(sarcodec.info(file), path=options.file)
    show(report, options.json)
    return 0

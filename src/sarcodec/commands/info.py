"""`sarcodec info FILE`: what a compressed file says about itself, without its pixels."""

from __future__ import annotations

import argparse

from sarcodec.commands.options import add_json, add_verb


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "info", "say what a compressed file holds", run)
    parser.add_argument("file", metavar="FILE", help="the compressed file")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Read the head and show it."""
    import sarcodec
    from sarcodec.commands.output import show

    show(sarcodec.info(options.file), options.json)
    return 0

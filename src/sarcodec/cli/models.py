"""`sarcodec models list`: the published models that are installed here."""

from __future__ import annotations

import argparse

from sarcodec.cli.options import add_json, add_verb


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verb and what can be done with it."""
    parser = add_verb(verbs, "models", "list the published models", run)
    actions = parser.add_subparsers(metavar="list", dest="action", required=True)
    add_json(add_verb(actions, "list", "list the published models", run))


def run(options: argparse.Namespace) -> int:
    """One paragraph a model."""
    from sarcodec.cli.output import show
    from sarcodec.models import published

    names = ("id", "default", "description", "digest_hex", "bytes")
    cards = [{name: getattr(card, name) for name in names} for card in published.available()]
    show({"models": cards}, options.json)
    return 0

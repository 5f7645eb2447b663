"""`sarcodec models list`: the published models that are installed here."""

from __future__ import annotations

import argparse
from typing import Any

from sarcodec.cli.options import add_saying, add_verb

EXAMPLES = ("sarcodec models list", "sarcodec models list --json")


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb and what can be done with it."""
    parser = add_verb(verbs, "models", "list the published models", run, EXAMPLES)
    actions = parser.add_subparsers(title="verbs", metavar="VERB", dest="action", required=True)
    add_saying(add_verb(actions, "list", "list the published models", run, EXAMPLES))


def run(options: argparse.Namespace) -> int:
    """One line a model."""
    from sarcodec.cli.brief import listed
    from sarcodec.cli.output import tell
    from sarcodec.models import published

    names = ("id", "default", "description", "digest_hex", "bytes")
    cards = published.available()
    shown = [{name: getattr(card, name) for name in names} for card in cards]
    tell({"models": shown}, map(listed, cards), options)
    return 0

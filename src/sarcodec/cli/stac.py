"""`sarcodec stac FILE`: the STAC item of a compressed file."""

from __future__ import annotations

import argparse
from typing import Any

from sarcodec.cli.options import add_verb

EXAMPLES = ("sarcodec stac scene.sarc --datetime 2024-05-31T05:43:21Z > scene.json",)


def add(verbs: argparse._SubParsersAction[Any]) -> None:
    """Declare the verb."""
    parser = add_verb(verbs, "stac", "print the STAC item of a compressed file, from its head", run, EXAMPLES)
    parser.add_argument("file", metavar="FILE", help="the compressed file, or its address")
    parser.add_argument(
        "--datetime", metavar="TIME", help="when the scene was taken, where neither the file's name nor its tags say so"
    )
    parser.add_argument("--href", metavar="URL", help="where the file will be; default its name")
    parser.add_argument("--checksum", action="store_true", help="with the file's SHA-256, for which all of it is read")


def run(options: argparse.Namespace) -> int:
    """Read the head, print JSON."""
    import json

    from sarcodec.doors.stac_item import item

    found = item(options.file, when=options.datetime, href=options.href, checksum=options.checksum)
    print(json.dumps(found, indent=2, allow_nan=False))
    return 0

"""Options that several verbs share, and a parser whose errors take one line. Knows no verb."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from sarcodec.storage.refusals import shown

USAGE_ERROR = 2


class Parser(argparse.ArgumentParser):
    """argparse with errors as every other error of this program: one line on stderr."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to get help; exit code 2."""
        self.exit(USAGE_ERROR, f"sarcodec: {shown(message)}; see {self.prog} --help\n")


def one_line(message: str) -> str:
    """A message without line breaks; what else cannot be printed is escaped."""
    return shown(" ".join(message.split()))


def add_verb(
    verbs: argparse._SubParsersAction, name: str, summary: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """A sub-parser whose options come to `run`."""
    parser = verbs.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json: what the verb found as one JSON object on stdout."""
    parser.add_argument("--json", action="store_true", help="write JSON to stdout")


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """--overwrite: an output that is there is replaced once the new one is whole."""
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")


def add_effort(parser: argparse.ArgumentParser) -> None:
    """--threads and --progress."""
    parser.add_argument("--threads", type=positive, metavar="N", help="how many threads work (default: one a core)")
    parser.add_argument("--progress", action="store_true", help="progress on stderr even if that is not a terminal")


def add_domain(parser: argparse.ArgumentParser) -> None:
    """--domain: what the pixels of the original are."""
    parser.add_argument(
        "--domain",
        choices=("auto", "amplitude", "power", "db"),
        default="auto",
        help="what pixels are: amplitude (DN), linear power (sigma nought), dB; auto looks at units, tags and values",
    )


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return _whole(text, 1)


def not_negative(text: str) -> int:
    """A whole number of at least 0."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    try:
        number = int(text)
    except ValueError:
        number = least - 1
    if number < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
    return number


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data: the folder of images that training and comparing read."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path(os.environ.get("SARCODEC_DATA", "../shared/data")),
        help="folder with index.csv and the images (default: $SARCODEC_DATA, or ../shared/data)",
    )

"""Options that several verbs share, and the types of their values. Knows no verb.

Units and counts are the same everywhere: pixels are COL ROW WIDTH HEIGHT with the first column and row 0, bands count from 1, sizes are bytes.
"""

from __future__ import annotations

import argparse
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

from sarcodec.cli.parser import add_verb

__all__ = [
    "add_data",
    "add_domain",
    "add_overwrite",
    "add_saying",
    "add_verb",
    "add_working",
    "band_list",
    "byte_count",
    "not_negative",
    "number",
    "positive",
]
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|[kmg]i?b?|b)", re.IGNORECASE)
_UNITS = {"b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def add_saying(parser: argparse.ArgumentParser) -> None:
    """--verbose, --quiet and --json: how much is said. One of them."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("-v", "--verbose", action="store_true", help="say all that is known")
    how.add_argument("-q", "--quiet", action="store_true", help="say nothing but notes and errors")
    how.add_argument("--json", action="store_true", help="write all that is known as JSON to stdout")


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """--overwrite: an output that is there is replaced once the new one is whole."""
    parser.add_argument("--overwrite", action="store_true", help="replace the output if it exists")


def add_working(parser: argparse.ArgumentParser) -> None:
    """--threads, --memory and --progress."""
    parser.add_argument("--threads", type=positive, metavar="N", help="how many threads work (default: one a core)")
    parser.add_argument(
        "--memory",
        type=byte_count,
        default=1 << 30,
        metavar="BYTES",
        help="memory that the process may take, whatever the size of the scene: 512MiB, 2GB; at least 256MiB (default: 1GiB)",
    )
    parser.add_argument("--progress", action="store_true", help="progress on stderr even if that is not a terminal")


def add_domain(parser: argparse.ArgumentParser) -> None:
    """--domain: what the pixels of the original are."""
    parser.add_argument(
        "--domain",
        choices=("auto", "amplitude", "power", "db"),
        default="auto",
        help="what pixels are: amplitude (DN), linear power (sigma nought), dB; auto looks at units, tags and values "
        "(default: auto)",
    )


def band_list(text: str) -> tuple[int, ...]:
    """Numbers of different bands, from 1, with commas."""
    try:
        bands = tuple(int(word) for word in text.split(","))
    except ValueError:
        bands = (0,)
    if min(bands) < 1 or len(set(bands)) < len(bands):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of different bands such as 1,3; the first is 1")
    return bands


def byte_count(text: str) -> int:
    """A size of at least one byte: 20000, 10kB, 5M (thousands) or 1.5MiB (1,024s)."""
    found = _SIZE.fullmatch(text.strip())
    size = math.floor(float(found[1]) * _UNITS[found[2].lower().removesuffix("b") or "b"]) if found else 0
    if size < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; expected bytes, such as 20000, 10kB, 5MB or 1.5MiB")
    return size


def number(least: float, most: float = math.inf) -> Callable[[str], float]:
    """A type for numbers from `least` to `most`; without `most`: above `least`."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        inside = least <= value <= most if math.isfinite(most) else least < value < most
        if not inside:
            expected = f"from {least:g} to {most:g}" if math.isfinite(most) else f"above {least:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {expected}")
        return value

    return parse


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

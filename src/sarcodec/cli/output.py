"""Reports as lines for people or as one JSON object, and notes on stderr. In: frozen dataclasses; out: text."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

_LONGEST_LIST = 8


def tell(report: object, brief: Iterable[str], options: argparse.Namespace, *, to_stderr: bool = False) -> None:
    """What a verb found: `brief` lines, with --verbose every figure of the report too, with --quiet its notes alone, or JSON.

    to_stderr: where standard output holds the bytes of a file.
    """
    if options.json:
        show(report, as_json=True, to_stderr=to_stderr)
        return
    if not options.quiet:
        _print("\n".join(brief), to_stderr)
    if options.verbose:
        show(report, as_json=False, to_stderr=to_stderr)
    else:
        say_notes(report)


def show(report: object, as_json: bool, *, to_stderr: bool = False) -> None:
    """Print a report: JSON if asked for, or else one line a figure. Its notes go to stderr, and into JSON as well.

    to_stderr: where standard output holds the bytes of a file.
    """
    value = _figures(report)
    notes = say_notes(report)
    if notes is not None and not as_json:
        value = {name: item for name, item in value.items() if name != "notes"}
    _print(json.dumps(value, indent=2, allow_nan=False) if as_json else "\n".join(_lines(value)), to_stderr)


def say_notes(report: object) -> list[str] | None:
    """Each of a report's notes as a line on stderr; gives them, or None where the report has no such field."""
    notes = _figures(report).get("notes")
    if not isinstance(notes, list):
        return None
    for note in notes:
        say("sarcodec: note: " + " ".join(str(note).split()))
    return [str(note) for note in notes]


def say(line: str) -> None:
    """One line on stderr."""
    _print(line, to_stderr=True)


def _print(text: str, to_stderr: bool) -> None:
    stream = sys.stderr if to_stderr else sys.stdout
    if stream is not None:  # None where the caller has closed it; print would take the other one
        print(text, file=stream, flush=True)


def plain(value: object) -> object:
    """`value` out of what JSON knows. Numbers that JSON has no word for become "NaN", "Infinity" and "-Infinity"."""
    numpy = sys.modules.get("numpy")  # nobody has one of its numbers who has not loaded it, which takes a while
    if numpy and isinstance(value, numpy.generic):
        value = value.item()
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return value.hex() if isinstance(value, bytes) else str(value)


def _figures(report: object) -> dict[str, object]:
    value = plain(report)
    return value if isinstance(value, dict) else {}


def _lines(value: Mapping[str, object], indent: str = "") -> Iterator[str]:
    for name, item in value.items():
        label = f"{indent}{_spoken(name)}:"
        if isinstance(item, dict):
            yield label
            yield from _lines(item, indent + "  ")
        elif isinstance(item, list) and item and all(isinstance(part, dict) for part in item):
            yield from _list_lines(label, item, indent + "  ")
        else:
            yield f"{label} {_short(item)}"


def _list_lines(label: str, items: list[dict[str, object]], indent: str) -> Iterator[str]:
    yield f"{label} {len(items)}"
    if len(items) > _LONGEST_LIST:
        return
    for item in items:
        first, *others = _lines(item, indent + "  ")
        yield f"{indent}- {first.strip()}"
        yield from others


def _spoken(name: str) -> str:
    words = name.split("_")
    return " ".join("dB" if word == "db" else word for word in words)


def _short(item: object) -> str:
    if item is None:
        return "none"
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, float):
        return f"{item:.6g}"
    if isinstance(item, list):
        return f"{len(item)} of them" if len(item) > _LONGEST_LIST else ", ".join(map(_short, item)) or "none"
    return str(item)

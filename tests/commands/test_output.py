"""Reports as text: strict JSON, and lines that a person can read."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.commands.output import plain, show


@dataclass(frozen=True)
class Inner:
    nodata: tuple[float | None, ...]
    rmse_db: float


@dataclass(frozen=True)
class Report:
    path: Path
    count: np.int64
    whole: bool
    bands: tuple[Inner, ...]
    digest: bytes


REPORT = Report(Path("a.sarc"), np.int64(7), True, (Inner((float("nan"), None), -np.inf),), b"\x01\xff")


def test_plain_has_only_what_json_knows():
    text = json.dumps(plain(REPORT), allow_nan=False)
    assert json.loads(text) == {
        "path": "a.sarc",
        "count": 7,
        "whole": True,
        "bands": [{"nodata": ["NaN", None], "rmse_db": "-Infinity"}],
        "digest": "01ff",
    }


def test_json_is_one_object(capsys):
    show(REPORT, as_json=True)
    assert json.loads(capsys.readouterr().out) == plain(REPORT)


def test_lines_for_people(capsys):
    show(REPORT, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "path: a.sarc",
        "count: 7",
        "whole: yes",
        "bands: 1",
        "  - nodata: NaN, none",
        "    rmse dB: -Infinity",
        "digest: 01ff",
    ]


def test_long_lists_are_counted(capsys):
    show({"points": [{"row": row} for row in range(210)], "numbers": list(range(9))}, as_json=False)
    assert capsys.readouterr().out.splitlines() == ["points: 210", "numbers: 9 of them"]


@dataclass(frozen=True)
class Noted:
    path: str
    notes: tuple[str, ...]


def test_notes_go_to_stderr_and_into_json(capsys):
    show(Noted("a.sarc", ("The statistics\nare gone.", "So is this.")), as_json=False)
    said = capsys.readouterr()
    assert said.out == "path: a.sarc\n"
    assert said.err == "sarcodec: note: The statistics are gone.\nsarcodec: note: So is this.\n"
    show(Noted("a.sarc", ("Gone.",)), as_json=True)
    said = capsys.readouterr()
    assert json.loads(said.out)["notes"] == ["Gone."] and said.err == "sarcodec: note: Gone.\n"


def test_a_report_makes_room_for_the_bytes_of_a_file(capsys):
    show(Noted("-", ()), as_json=True, to_stderr=True)
    said = capsys.readouterr()
    assert said.out == "" and json.loads(said.err) == {"path": "-", "notes": []}

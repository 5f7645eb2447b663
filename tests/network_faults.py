"""What a reader makes of a server that goes wrong: reads by all roads, and whether what came is right, refused, or neither."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np

import sarcodec
from faulty_server import Case, Faulty, drawn
from sarcodec.errors import SarcodecError
from sarcodec.format import ranged, reader, remote
from sarcodec.storage import objects

RIGHT, REFUSED, WRONG = "right", "refused", "wrong pixels"
MOST_S = 30.0
"""A read that takes longer counts as one without an end: four rounds of as long as a request may be tried, and a machine that has other things to do."""
WINDOW = ((300, 700), (500, 900))


@dataclass(frozen=True)
class Outcome:
    """said: RIGHT, REFUSED, WRONG, or the words of an error that is not sarcodec's; asked: requests that the server saw."""

    kind: str
    what: str
    said: str
    seconds: float
    asked: int


def read_window(name: str | bytes) -> Any:
    with sarcodec.open(name, threads=1) as scene:
        return scene.read(window=WINDOW)


def read_overview(name: str | bytes) -> Any:
    with sarcodec.open(name, threads=1) as scene:
        return scene.read(reduce=8)


def read_whole(name: str | bytes) -> Any:
    with sarcodec.open(name, threads=1) as scene:
        return scene.read()


def verify(name: str | bytes) -> Any:
    report = sarcodec.verify(name, threads=1)
    if not report.passed:
        raise SarcodecError("verify did not pass")
    return np.array([report.tiles])


def attachment(name: str | bytes) -> Any:
    with sarcodec.open(name, threads=1) as scene:
        return np.frombuffer(scene.attachment("words"), np.uint8)


ROADS: dict[str, Callable[[str | bytes], Any]] = {
    "window": read_window, "overview": read_overview, "whole": read_whole, "verify": verify, "attachment": attachment,
}  # fmt: skip


def small_file(seed: int) -> bytes:
    """Two by three tiles of two bands, and an attachment."""
    rng = np.random.default_rng(seed)
    pixels = rng.gamma(5, 40, (2, 800, 1300)).astype(np.uint16)
    words = rng.bytes(3000)
    return sarcodec.encode(pixels, quality=40, effort=0, domain="amplitude", attachments={"words": words})


@contextmanager
def short_waits() -> Iterator[None]:
    """As a user has it, but that nobody waits long, and that little is asked for at once, so that a small file takes several requests."""
    changed = {
        (objects, "RETRIES"): 2,
        (objects, "LONGEST_RETRY"): timedelta(seconds=3),
        (objects, "LONGEST_ANSWER"): timedelta(seconds=1),
        (remote, "FIRST_BYTES"): 3000,
        (reader, "FIRST_BYTES"): 3000,
        (ranged, "GAP_BYTES"): 4000,
    }
    before = {place: getattr(*place) for place in changed}
    try:
        for (module, name), value in changed.items():
            setattr(module, name, value)
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)


class Judge:
    """Tries faults on one server. data: the file; other: the one that may take its place."""

    def __init__(self, faulty: Faulty, data: bytes, other: bytes) -> None:
        self._faulty, self._data, self._other = faulty, data, other
        self._right = {what: (road(data), road(other)) for what, road in ROADS.items()}

    def outcome(self, number: int, seed: int = 0) -> Outcome:
        """Of the fault of this number."""
        plan, what = drawn(number, seed), list(ROADS)[number % len(ROADS)]
        case = Case(plan, self._data, self._other)
        name = self._faulty.add(f"{seed}-{number}.sarc", case)
        began = time.monotonic()
        try:
            found = ROADS[what](name)
            of_other = plan.kind == "replaced" and plan.first == 1  # before anything was read: it is simply that file
            said = RIGHT if np.array_equal(found, self._right[what][of_other]) else WRONG
        except SarcodecError:
            said = REFUSED
        except Exception:  # what is looked for
            said = "".join(traceback.format_exc().splitlines(True)[-6:])
        return Outcome(plan.kind, what, said, time.monotonic() - began, case.asked)

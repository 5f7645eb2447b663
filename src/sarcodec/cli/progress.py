"""Progress on stderr: how much of a verb's work is done. Silent where nobody looks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def is_terminal() -> bool:
    """Whether stderr is a terminal where a line can be drawn again: none that says it cannot, and not the one that a notebook gives to its `!` commands,
    where every drawing stays."""
    usable = os.environ.get("TERM") != "dumb" and "JPY_PARENT_PID" not in os.environ
    return usable and sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def progress(word: str, wanted: bool, quiet: bool = False) -> Iterator[Callable[[int, int], None] | None]:
    """A callable (done, total): one line that changes on a terminal, a line a tenth elsewhere if `wanted`, or None.

    quiet: nothing on a terminal either, unless it is `wanted`.
    """
    terminal = is_terminal() and (wanted or not quiet)
    if sys.stderr is None or (not terminal and not wanted):
        yield None
        return
    try:
        yield _redraw(word) if terminal else _tenths(word)
    finally:
        if terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _redraw(word: str) -> Callable[[int, int], None]:
    def draw(done: int, total: int) -> None:
        print(f"\r\x1b[K{word}: {100 * done // max(1, total)} %", end="", file=sys.stderr, flush=True)

    return draw


def _tenths(word: str) -> Callable[[int, int], None]:
    said = -1

    def say(done: int, total: int) -> None:
        nonlocal said
        tenth = 10 * done // max(1, total)
        if tenth > said:
            said = tenth
            print(f"{word}: {10 * tenth} %", file=sys.stderr, flush=True)

    return say

"""Progress of an archive on stderr: share, rate, bytes saved, time left. In: tallies, often; out: a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sarcodec.cli.brief import size
from sarcodec.cli.progress import is_terminal

if TYPE_CHECKING:
    from sarcodec.archiving.tally import Tally

_TERMINAL_S, _LOG_S = 0.2, 30.0


@contextmanager
def archive_progress(wanted: bool, quiet: bool) -> Iterator[Callable[[Tally], None] | None]:
    """A callable for tallies: one line that changes on a terminal, a line every half minute and at the end elsewhere if `wanted`, or None."""
    terminal = is_terminal() and (wanted or not quiet)
    if sys.stderr is None or (not terminal and not wanted):
        yield None
        return
    before, after = ("\r\x1b[K", "") if terminal else ("", "\n")
    said, every = [0.0], _TERMINAL_S if terminal else _LOG_S

    def watch(tally: Tally) -> None:
        now = time.monotonic()
        if now - said[0] >= every or tally.seen == tally.total:
            said[0] = now
            print(before + line(tally), end=after, file=sys.stderr, flush=True)

    try:
        yield watch
    finally:
        if terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def line(tally: Tally) -> str:
    """How far it is."""
    parts = [f"archive: {100 * tally.seen // max(1, tally.total)} %, {tally.seen:,} of {tally.total:,} scenes"]
    if tally.worked:
        parts.append(f"{60 * tally.worked / max(tally.seconds, 1e-9):.3g} a minute")
    parts.append(f"{size(max(0, tally.bytes_in - tally.bytes_out))} saved")
    if tally.failed or tally.refused:
        parts.append(f"{tally.failed} failed, {tally.refused} refused")
    if tally.left_s is not None and tally.seen < tally.total:
        parts.append(f"{span(tally.left_s)} left")
    return ", ".join(parts)


def span(seconds: float) -> str:
    """Time for people."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 72 * 60 else f"{minutes / 1440:.0f} days"

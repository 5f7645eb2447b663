"""What a start does with a scene, from what lies on the disk and what the table says of it. Reads the head of an output, never its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from sarcodec.archiving.names import Scene
from sarcodec.archiving.places import Place
from sarcodec.archiving.sources import state_of
from sarcodec.archiving.table import DONE, FAILED, REFUSED, Row
from sarcodec.archiving.tasks import DIED
from sarcodec.errors import InvalidArgument, SarcodecError, Unreachable

Action: TypeAlias = Literal["keep", "pass", "judge", "make"]
"""keep: it is done; pass: it was refused or failed before, for good; judge: an output is there, is it of this scene?; make: compress."""

_PASSING = (SarcodecError.exit_code, InvalidArgument.exit_code, Unreachable.exit_code, DIED)
"""What may be otherwise at another start: the disk, what is there, the network, memory."""


@dataclass(frozen=True)
class Step:
    """An action, and what was known before. ours: an output of this name was entered by this archive, so that it may be replaced."""

    scene: Scene
    action: Action
    row: Row | None = None
    ours: bool = False


@dataclass(frozen=True)
class Wishes:
    """retry: also what was refused or failed for good; delete: sources go, so that each has to be judged in this run."""

    retry: bool = False
    delete: bool = False


def step_of(scene: Scene, place: Place, row: Row | None, wishes: Wishes) -> Step:
    """The action. place: of the output."""
    there = place.there(scene.output)
    source = scene.state or state_of(scene.source)
    same = row is not None and source in (None, (row.bytes_in, row.modified_ns))
    if not there:
        final = row is not None and row.state in (REFUSED, FAILED) and row.exit_code not in _PASSING
        return Step(scene, "pass" if final and same and not wishes.retry else "make", row)
    ours = row is not None and row.head is not None
    if row is not None and row.state == DONE and same and place.same(row):
        return Step(scene, "judge" if wishes.delete and source else "keep", row, ours)
    return Step(scene, "judge", row, ours)

"""The search for the choices of a tile: shifts of its scales by frequency, and the larger trellis (docs/format.md, 9.11).

In: a function that codes a tile by such choices and says what the symbols would cost under scales beside its own; out: the cheapest attempt.
Knows no model, no stream and no transform.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import numpy as np

from sarcodec.decoding.tile import Known
from sarcodec.entropy.prior import CHANNELS
from sarcodec.entropy.shifts import BINS, channel_bins
from sarcodec.format.choices import SHIFT_MAX, Choices
from sarcodec.format.sections import Section

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

WEIGHED: Final = 9  # shifts whose cost coding tells, from four steps down to four up
BIT: Final = 64
ROUNDS: Final = 2
Coded: TypeAlias = tuple[Section, Section]


@dataclass(frozen=True, eq=False)
class Attempt:
    """A tile as it was coded. cost: bits, and what the error is worth in bits."""

    sections: Coded
    known: Known
    cost: float


class Coding(Protocol):
    """Codes a tile. costs: int64 zeros (1024, WEIGHED), filled with 1/64 bits of each channel under shifts from four down to four up."""

    def __call__(self, choices: Choices, costs: Integers | None = None) -> Attempt: ...


def searched(code: Coding, thorough: bool) -> Attempt:
    """The cheapest attempt that is found. thorough: bin by bin, with a whole coding of the tile for each trial."""
    best = _Best(code)
    choices = Choices()
    for _ in range(ROUNDS):
        choices = _shifted(choices, best.weighed(choices))
        if choices == Choices():
            break
    best.take(choices)
    if thorough:
        _climb(best)
    return min(best.attempt, code(replace(best.choices, large=True)), key=lambda attempt: attempt.cost)


class _Best:
    """The cheapest of what was tried."""

    def __init__(self, code: Coding) -> None:
        self._code, self.choices = code, Choices()
        self._attempt: Attempt | None = None

    @property
    def attempt(self) -> Attempt:
        assert self._attempt is not None
        return self._attempt

    def weighed(self, choices: Choices) -> Integers:
        """Tries choices; gives what bins would cost (64, WEIGHED) under shifts from four down to four up, in 1/64 bit."""
        costs = np.zeros((CHANNELS, WEIGHED), np.int64)
        self.take(choices, costs)
        bins = np.zeros((BINS, WEIGHED), np.int64)
        np.add.at(bins, channel_bins(), costs)
        return bins

    def take(self, choices: Choices, costs: Integers | None = None) -> bool:
        """Tries choices; whether they are the cheapest so far."""
        found = self._code(choices, costs)
        cheaper = self._attempt is None or found.cost < self._attempt.cost
        if cheaper:
            self._attempt, self.choices = found, choices
        return cheaper


def _shifted(choices: Choices, costs: Integers) -> Choices:
    """The shifts that would have been the cheapest for symbols as they are, with their own bits."""
    now = np.zeros(BINS, np.int64)
    now[: len(choices.shifts)] = choices.shifts
    reach = np.clip(now[:, None] + np.arange(WEIGHED) - WEIGHED // 2, -SHIFT_MAX, SHIFT_MAX)
    own = 2 * np.floor(np.log2(2 * np.abs(reach) + 1)).astype(np.int64) + 1
    return _of(reach[np.arange(BINS), (costs + BIT * own).argmin(1)])


def _climb(best: _Best) -> None:
    """One bin after another, as long as another step in one direction makes the tile cheaper."""
    for number in range(BINS):
        for direction in (1, -1):
            while best.take(_moved(best.choices, number, direction)):
                pass


def _moved(choices: Choices, number: int, by: int) -> Choices:
    shifts = np.zeros(BINS, np.int64)
    shifts[: len(choices.shifts)] = choices.shifts
    shifts[number] = np.clip(shifts[number] + by, -SHIFT_MAX, SHIFT_MAX)
    return _of(shifts)


def _of(shifts: Integers) -> Choices:
    """Zeros at the end left out."""
    used = np.flatnonzero(shifts)
    return Choices(shifts=tuple(int(s) for s in shifts[: used[-1] + 1 if used.size else 0]))

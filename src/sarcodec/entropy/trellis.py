"""The trellises of dependent quantisation: whole numbers that encoder and decoder share.

Two quantisers stand on one grid of half steps: Q0 at the even places 2 k, Q1 at 0 and the odd places 2 k - sign(k). The state names
the quantiser of the next symbol k, the parity of k moves the state. The encoder searches the cheapest path, the decoder follows it. A tile has
the usual trellis of 256 states, or names the one of 1,024, whose paths lie closer and take four times as long to search.
Trellis-coded quantisation: Marcellin and Fischer, 1990; the code: Ungerboeck, 1982; in image coding: Schwarz et al., DCC 2019.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

# A half step is 21/32 of the channel's step: the error is then about that of a uniform quantiser of that step.
HALF_STEP = 21


@dataclass(frozen=True, eq=False)
class Trellis:
    """parity_polynomials: h0 and h1 of the systematic feedback code of rate 1/2 for amplitudes."""

    memory_bits: int
    parity_polynomials: tuple[int, int]

    @property
    def states(self) -> int:
        return 1 << self.memory_bits

    @cached_property
    def quantiser(self) -> Integers:
        """Of each state, int8 (states,)."""
        return np.array([s & 1 for s in range(self.states)], np.int8)

    @cached_property
    def next_state(self) -> Integers:
        """By state and parity, uint16 (states, 2)."""
        return np.array([[self._next(s, p) for p in (0, 1)] for s in range(self.states)], np.uint16)

    def _next(self, state: int, parity: int) -> int:
        """Observer form: the lowest bit of the state is its quantiser q; shift down, then add h0 where q and h1 where the parity is 1."""
        h0, h1 = (h >> 1 for h in self.parity_polynomials)
        return state >> 1 ^ (h0 if state & 1 else 0) ^ (h1 if parity else 0)


USUAL = Trellis(8, (0o515, 0o362))
LARGE = Trellis(
    10, (0o2055, 0o506)
)  # the best of some 400 whose h0 is primitive, by the costs of latents (docs/decisions/0006)


def places(symbols: Integers, quantiser: Integers) -> Integers:
    """Symbols and their quantisers (0 or 1) -> places on the grid of half steps, int64."""
    return 2 * symbols.astype(np.int64) - quantiser * np.sign(symbols)

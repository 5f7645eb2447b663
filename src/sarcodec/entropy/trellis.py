"""The 256-state trellis of dependent quantisation: whole numbers that encoder and decoder share.

Two quantisers stand on one grid of half steps: Q0 at the even places 2 k, Q1 at 0 and the odd places 2 k - sign(k). The state names
the quantiser of the next symbol k, the parity of k moves the state. The encoder searches the cheapest path, the decoder follows it.
Trellis-coded quantisation: Marcellin and Fischer, 1990; the code: Ungerboeck, 1982; in image coding: Schwarz et al., DCC 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

MEMORY_BITS = 8
STATES = 1 << MEMORY_BITS
PARITY_POLYNOMIALS = (0o515, 0o362)  # h0 and h1 of the systematic feedback code of rate 1/2 for amplitudes
# A half step is 21/32 of the channel's step: the error is then about that of a uniform quantiser of that step.
HALF_STEP = 21


def _next_state(state: int, parity: int) -> int:
    """Observer form: the lowest bit of the state is its quantiser q; shift down, then add h0 where q and h1 where the parity is 1."""
    h0, h1 = (h >> 1 for h in PARITY_POLYNOMIALS)
    return state >> 1 ^ (h0 if state & 1 else 0) ^ (h1 if parity else 0)


QUANTISER = np.array([s & 1 for s in range(STATES)], np.int8)
NEXT_STATE = np.array([[_next_state(s, p) for p in (0, 1)] for s in range(STATES)], np.uint8)


def places(symbols: Integers, quantiser: Integers) -> Integers:
    """Symbols and their quantisers (0 or 1) -> places on the grid of half steps, int64."""
    return 2 * symbols.astype(np.int64) - quantiser * np.sign(symbols)

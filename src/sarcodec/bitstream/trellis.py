"""The eight-state trellis of dependent quantisation: whole numbers that encoder and decoder share.

Two quantisers stand on one grid of half steps: Q0 at the even places 2 k, Q1 at 0 and the odd places 2 k - sign(k). The parity of
each coded symbol k moves the state, the state names the quantiser of the next symbol. The encoder searches the cheapest path, the
decoder follows it. Trellis-coded quantisation: Marcellin and Fischer 1990; in image coding: Schwarz et al., DCC 2019.
"""
import numpy as np

NEXT_STATE = np.array([[0, 2], [5, 7], [1, 3], [6, 4], [2, 0], [4, 6], [3, 1], [7, 5]], np.int8)
QUANTISER = np.array([0, 1, 0, 1, 0, 1, 0, 1], np.int8)
# A half step is 21/32 of the channel's step: the error is then about that of a uniform quantiser of that step.
HALF_STEP = 21


def places(symbols: np.ndarray, quantiser: np.ndarray) -> np.ndarray:
    """Symbols and their quantisers (0 or 1) -> places on the grid of half steps, int64."""
    return 2 * symbols.astype(np.int64) - quantiser * np.sign(symbols)

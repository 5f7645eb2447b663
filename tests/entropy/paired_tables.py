"""For tests of dependent quantisation: tables where the trellis looks for them, and a walk along it."""

import numpy as np

from sarcodec.entropy.tables import FrozenTables, from_weights
from sarcodec.entropy.trellis import USUAL


def paired(first: list, second: list, first_shift: list[int], second_shift: list[int], rest: list) -> FrozenTables:
    """Tables 0, 1, ... of quantiser 0, 256, 257, ... of quantiser 1, then the rest from 512; empty weights: skipped."""
    fill = [np.zeros(0)] * (256 - len(first))
    weights = [*first, *fill, *second, *fill, *rest]
    shift = [*first_shift, *[0] * len(fill), *second_shift, *[0] * (len(fill) + len(rest))]
    return from_weights(weights, np.array(shift), np.array([w.size == 0 for w in weights]))


def trellis_path(symbols, skipped, state: int) -> tuple[np.ndarray, int]:
    """The quantiser of each symbol along the trellis, and the state at the end."""
    quantisers = []
    for symbol, skip in zip(symbols, skipped, strict=True):
        quantisers.append(USUAL.quantiser[state])
        if not skip:
            state = int(USUAL.next_state[state, symbol % 2])
    return np.array(quantisers, int), state

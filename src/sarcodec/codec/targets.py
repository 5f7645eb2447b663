"""The search for a step index that meets a target: at most four tries on one monotone curve. Numbers only.

`miss(step)` is a logarithm that falls as the step grows and is 0 at the target.
"""
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sarcodec.bitstream.steps import STEP_COUNT

MOST_PASSES = 4
# Bits a pixel that the shipped model took on training images at some step indices: where a search begins.
TYPICAL_STEPS = (0, 128, 272, 320, 368, 416, 464, 512, 560, 639)
TYPICAL_BITS = (5.2, 3.4, 1.62, 1.1, 0.71, 0.43, 0.24, 0.12, 0.06, 0.02)
RATE_SLOPE = -0.0105     # natural logarithm of bits a step index
ERROR_SLOPE = 0.0076     # natural logarithm of RMSE in dB a step index


@dataclass(frozen=True)
class Try:
    """A step index and how far it missed."""

    step: int
    miss: float


def first_step_for_bits(bits_per_pixel: float) -> int:
    """Where the search for a rate begins."""
    logs = np.log(TYPICAL_BITS)[::-1]
    return int(round(float(np.interp(math.log(bits_per_pixel), logs, TYPICAL_STEPS[::-1]))))


def first_step_for_rmse(rmse_db: float) -> int:
    """Where the search for an error begins: RMSE is about step / 3.5 for fine steps, less for coarse ones."""
    return int(np.clip(round(64 * (math.log2(rmse_db * 4.0) + 4)), 0, STEP_COUNT - 1))


def search(measure: Callable[[int], float], first: int, slope: float, good: Callable[[float], bool]) -> list[Try]:
    """Tries in order; ends when one is good, when steps repeat, or after four. slope: of the miss, a step, below 0."""
    tries, step = [], int(np.clip(first, 0, STEP_COUNT - 1))
    while len(tries) < MOST_PASSES:
        tries.append(Try(step, measure(step)))
        if good(tries[-1].miss):
            break
        step = _next_step(tries, slope)
        if step in [t.step for t in tries]:
            break
    return tries


def _next_step(tries: list[Try], slope: float) -> int:
    above = max((t for t in tries if t.miss > 0), key=lambda t: t.step, default=None)
    below = min((t for t in tries if t.miss <= 0), key=lambda t: t.step, default=None)
    if above and below:
        part = above.miss / (above.miss - below.miss)
        guess = above.step + part * (below.step - above.step)
        return int(np.clip(round(guess), above.step + 1, max(above.step + 1, below.step - 1)))
    last = tries[-1]
    if len(tries) > 1 and tries[-2].step != last.step:
        measured = (last.miss - tries[-2].miss) / (last.step - tries[-2].step)
        slope = measured if measured < 0 else slope
    return int(np.clip(round(last.step - last.miss / slope), 0, STEP_COUNT - 1))

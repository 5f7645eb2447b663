"""The search for a step index that meets a target: at most four tries on one monotone curve. Numbers only.

`miss(step)` falls as the step grows, nearly as a straight line, and is 0 at the target.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sarcodec.entropy.step_index import STEP_COUNT

MOST_PASSES = 4
# Bits a pixel that the shipped model took on training images at some step indices: where a search begins. A scene takes more or
# fewer, but its curve is about this one moved along the steps; so beyond both ends the table goes on as its ends do.
TYPICAL_STEPS = (-640, 0, 128, 272, 320, 368, 416, 464, 512, 560, 639, 1279)
TYPICAL_BITS = (15.0, 5.2, 3.4, 1.62, 1.1, 0.71, 0.43, 0.24, 0.12, 0.06, 0.02, 2e-6)
RATE_SLOPE = -1.5  # steps that the typical curve moves, a step: a scene of more bits has a steeper curve
LEAN = 1 / 16  # of the bracket that is left at the last try, and of a bracket of 16 steps where there is none
ERROR_SLOPE = 0.0076  # natural logarithm of RMSE in dB a step index


@dataclass(frozen=True)
class Try:
    """A step index and how far it missed."""

    step: int
    miss: float


def typical_step(bits_per_pixel: float) -> float:
    """The step, within -640..1279, at which a typical scene takes so many bits a pixel. Between knots logarithms are linear."""
    logs = np.log(TYPICAL_BITS)[::-1]
    return float(np.interp(math.log(bits_per_pixel), logs, TYPICAL_STEPS[::-1]))


def first_step_for_rmse(rmse_db: float) -> int:
    """Where the search for an error begins: RMSE is about step / 3.5 for fine steps, less for coarse ones."""
    return int(np.clip(round(64 * (math.log2(rmse_db * 4.0) + 4)), 0, STEP_COUNT - 1))


def search(
    measure: Callable[[int], float], first: float, slope: float, good: Callable[[Try], bool], lean: bool = False
) -> list[Try]:
    """Tries in order; ends when one is good, when steps repeat, or after four. slope: of the miss, a step, below 0.

    lean: the last try goes a little to the coarse side, so that it is likely to stay below a limit.
    """
    tries: list[Try] = []
    step = int(np.clip(round(first), 0, STEP_COUNT - 1))
    while len(tries) < MOST_PASSES:
        tries.append(Try(step, measure(step)))
        if good(tries[-1]):
            break
        step = _next_step(tries, slope, LEAN if lean and len(tries) == MOST_PASSES - 1 else 0.0)
        if lean and min(t.miss for t in tries) > 0:  # still above the limit: one step at least
            step = min(max(step, 1 + max(t.step for t in tries)), STEP_COUNT - 1)
        if step in [t.step for t in tries]:
            break
    return tries


def _next_step(tries: list[Try], slope: float, lean: float) -> int:
    above = max((t for t in tries if t.miss > 0), key=lambda t: t.step, default=None)
    below = min((t for t in tries if t.miss <= 0), key=lambda t: t.step, default=None)
    if above and below:
        part = above.miss / (above.miss - below.miss)
        guess = above.step + part * (below.step - above.step) + math.ceil(lean * max(16, below.step - above.step))
        return int(np.clip(round(guess), above.step + 1, max(above.step + 1, below.step - 1)))
    last = tries[-1]
    if len(tries) > 1 and tries[-2].step != last.step:
        measured = (last.miss - tries[-2].miss) / (last.step - tries[-2].step)
        slope = measured if measured < 0 else slope
    return int(np.clip(round(last.step - last.miss / slope) + math.ceil(lean * 16), 0, STEP_COUNT - 1))

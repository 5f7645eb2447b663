"""The law of quantiser steps: quality, step index, step. step_db(s) = 2 ** (s / 64 - 4) dB for s = 0..639; quality 100 is s = 0.

Knows no channels and no arrays.
"""

from __future__ import annotations

import math

from sarcodec.errors import InvalidArgument

STEP_COUNT = 640


def step_db(step: float) -> float:
    """The step in dB of a step index."""
    return float(2.0 ** (step / 64 - 4))


def step_of_quality(quality: float) -> int:
    """Step index of a quality between 0 and 100: round(640 (1 - quality / 100)), at most 639."""
    if not 0 <= quality <= 100:
        raise InvalidArgument(f"quality is {quality}, expected a number from 0 (smallest file) to 100 (finest)")
    return min(STEP_COUNT - 1, math.floor(640 * (1 - quality / 100) + 0.5))


def quality_of_step(step: int) -> float:
    """The quality that a step index stands for."""
    return round(100 * (1 - step / 640), 6)

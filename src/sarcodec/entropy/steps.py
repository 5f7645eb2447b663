"""The law of quantiser steps: quality, step index, and each channel's step, from whole numbers alone.

step_db(s) = 2 ** (s / 64 - 4) dB for s = 0..639; quality 100 is s = 0. A channel's step is that times a factor that the
model states as whole 1/1024 octaves at 11 knots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.integer_layers import at_step
from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

STEP_COUNT = 640
OCTAVE = 1024  # logarithms are in 1/1024 octave
OFFSET_MAX = 2047
DEVIATION_RANGE = (-4096, 8191)  # with the offsets' limit, ratios of deviations and steps stay within 2^14, and the walk's products within 64 bits
POWER_BITS = 20  # power table: round(2 ** (i / 1024) * 2 ** 20)


def step_db(step: float) -> float:
    """The step in dB of a step index."""
    return float(2.0 ** (step / 64 - 4))


def step_of_quality(quality: float) -> int:
    """Step index of a quality between 0 and 100: round(640 (1 - quality / 100)), at most 639."""
    if not 0 <= quality <= 100:
        raise InvalidArgument(f"quality is {quality}, expected a number from 0 (smallest file) to 100 (finest)")
    return min(STEP_COUNT - 1, int(np.floor(640 * (1 - quality / 100) + 0.5)))


def quality_of_step(step: int) -> float:
    """The quality that a step index stands for."""
    return round(100 * (1 - step / 640), 6)


@dataclass(frozen=True)
class StepLaw:
    """log2 of channel steps and typical deviations in 1/1024 octave, and a table of powers; all whole numbers.

    offsets (1024, 11), deviation (1024,), powers (1024,).
    """

    offsets: Integers
    deviation: Integers
    powers: Integers

    def log2_steps(self, step: int) -> Integers:
        """log2 of each channel's step in dB, in 1/1024 octave (1024,) int64."""
        return 16 * int(step) - 4 * OCTAVE + at_step(self.offsets, step)

    def power(self, exponent: Integers, bits: int) -> Integers:
        """floor(2 ** (exponent / 1024 + bits)), int64, from the table; exponent int64."""
        octave, part = exponent >> 10, exponent & (OCTAVE - 1)
        shift = octave + (bits - POWER_BITS)
        mantissa = self.powers[part].astype(np.int64)
        found: Integers = np.where(shift >= 0, mantissa << np.maximum(shift, 0), mantissa >> np.maximum(-shift, 0))
        return found

    def steps_db(self, step: int) -> Floats:
        """Each channel's step in dB (1024,) float32, the same on every machine."""
        exponent = self.log2_steps(step)
        mantissa = self.powers[exponent & (OCTAVE - 1)].astype(np.float64)
        found: Floats = np.ldexp(mantissa, (exponent >> 10) - POWER_BITS).astype(np.float32)
        return found

"""Each channel's quantiser step at a step index (entropy/step_index.py), from whole numbers alone.

A channel's step is that of the index times a factor that the model states as whole 1/1024 octaves at 11 knots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.integer_layers import at_step

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

OCTAVE = 1024  # logarithms are in 1/1024 octave
OFFSET_MAX = 2047
DEVIATION_RANGE = (
    -4096,
    8191,
)  # with the offsets' limit, ratios of deviations and steps stay within 2^14, and the walk's products within 64 bits
POWER_BITS = 20  # power table: round(2 ** (i / 1024) * 2 ** 20)


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

"""Which targets are worth taking out of the levels before analysis: bits that their bumps save.

In: sums of squared levels around targets, with and without their bumps; out: bits. Numbers alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.signal.lapped import BLOCK

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats
    from sarcodec.encoding.target_finding import Found

LEAST_WORTH_BITS = 300.0  # of a bump that is taken out, in the currency of `worth_bits`; it takes about 25
SQUARES_A_STEP = 9.4  # the quantiser's error is the squared step over this (docs/format.md, 9.9)


def taken_out(found: Found, step_db: float) -> Bools:
    """Which targets to take out before analysis, by the original and the step alone, so that neighbouring tiles agree."""
    return worth_bits(found.clutter, found.before, found.after, step_db) > LEAST_WORTH_BITS


def ever_taken_out(clutter: Floats, before: Floats) -> Bools:
    """Which targets would be at some step if a bump were all that they are."""
    return worth_bits(np.maximum(clutter, np.float32(1e-6)), before, np.zeros_like(before), 0.0) > LEAST_WORTH_BITS


def worth_bits(clutter: Floats, before: Floats, after: Floats, step_db: float) -> Floats:
    """Bits that a block would save if it were a Gaussian source, as many as its variance over the quantiser's says at high rate.

    clutter: variance of the ground in dB^2; before, after: sums of squared levels with and without the target. Of what is saved in truth it is a third at most:
    other targets of the block have widened the tables already.
    """
    noise = step_db**2 / SQUARES_A_STEP
    whole, rest = (np.log2(noise + clutter + squares / BLOCK**2) for squares in (before, after))
    worth: Floats = BLOCK**2 / 2 * (whole - rest)
    return worth

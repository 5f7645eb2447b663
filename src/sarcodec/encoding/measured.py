"""What an encoder measures of a band while it encodes: sums over tiles, then figures. Knows no file.

In: a tile's original and what it decodes to; out: sums that add up in the order of tiles, so that a file is the same for any number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.encoding.texture_sums import power_of
from sarcodec.format.bands import BandField
from sarcodec.format.claims import BandClaims
from sarcodec.format.sections import Payload

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats


@dataclass(frozen=True)
class Measured:
    """Of some tiles of a band. valid: pixels, of all; compared: those that errors were measured on; squares of their errors in dB^2; before, after: their power;
    windows, and how the looks of each, restored, relate to the original's (sum of the logarithm)."""

    valid: int = 0
    compared: int = 0
    squares: float = 0.0
    before: float = 0.0
    after: float = 0.0
    windows: int = 0
    looks: float = 0.0

    def __add__(self, other: Measured) -> Measured:
        return Measured(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def claims(self, field: BandField, pixels: int) -> BandClaims:
        """Figures of a band of so many pixels."""
        return BandClaims(
            rmse_db=float(f"{math.sqrt(self.squares / self.compared):.4g}") if self.compared else None,
            bias_power_db=self._bias_db(),
            max_error_db=field.max_error_db,
            enl_ratio_restored=round(math.exp(self.looks / self.windows), 3) if self.windows else None,
            invalid_share=float(f"{1 - self.valid / pixels:.6g}"),
        )

    def _bias_db(self) -> float | None:
        if not (self.before > 0 and self.after > 0):
            return None
        return round(10 * math.log10(self.after / self.before), 4) + 0.0  # no -0.0


NOTHING = Measured()
MOST_BELS = 290.0  # Powers of float64 that are larger have no sum that float64 holds; their ratio is the same.


@dataclass(frozen=True)
class Encoded:
    """A tile of one band or mask, whatever its kind: what the file keeps, and what was measured of it."""

    payload: Payload
    measured: Measured = NOTHING


def squares_of(levels: Floats, valid: Bools, decoded: Floats) -> float:
    """Sum of the squared errors (rows, cols) in dB^2 where pixels are valid; levels are finite everywhere."""
    error = decoded - levels
    error *= valid
    return float(np.square(error, out=error).sum(dtype=np.float64))


def measured(levels: Floats, valid: Bools, decoded: Floats, rounding: float = 0.0) -> Measured:
    """Of levels (rows, cols) in dB and what they decode to, where they are valid; rounding: the power that it adds to each pixel.

    Powers are relative to the mean level within, so that they fit float32; sums are float64.
    """
    before, after = levels[valid], decoded[valid]
    if not before.size:
        return Measured()
    scale_db = float(before.mean(dtype=np.float64))
    power = [float(power_of(side - np.float32(scale_db)).sum(dtype=np.float64)) for side in (before, after)]
    factor = 10 ** min(scale_db / 10, MOST_BELS)
    return Measured(
        0,
        before.size,
        squares_of(levels, valid, decoded),
        power[0] * factor,
        power[1] * factor + rounding * before.size,
    )

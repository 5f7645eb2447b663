"""How the pixels of a band become levels in dB: domain, scale and offset, and the values that are no measurement.

A frozen value that rooms hand to each other. Imports the errors only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sarcodec.errors import InvalidArgument

DOMAINS = ("amplitude", "power", "db")


@dataclass(frozen=True)
class Measure:
    """Physical value = pixel * scale + offset; level = 20 log10 of an amplitude, 10 log10 of power, or the value in dB itself.

    nodata: declared, or None; fills: undeclared fill values, as exact values of the pixel type: invalid wherever they are. Raises
    InvalidArgument for another domain, a scale of 0 and numbers that are not finite.
    """

    domain: str
    scale: float = 1.0
    offset: float = 0.0
    nodata: float | None = None
    fills: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise InvalidArgument(f"domain is {self.domain!r}; expected auto, {', '.join(DOMAINS)}")
        if not (math.isfinite(self.scale) and math.isfinite(self.offset) and self.scale):
            raise InvalidArgument(f"scale {self.scale} and offset {self.offset}; expected finite numbers, a scale other than 0")

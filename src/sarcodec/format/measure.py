"""How the pixels of a band become levels in dB: the domain, scale and offset, and which values are no measurement.

Shared by the rooms that know rasters and those that know files. Imports the errors alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sarcodec.errors import InvalidArgument

DOMAINS = ("amplitude", "power", "db")
MOST_FILLS = 15


@dataclass(frozen=True)
class Measure:
    """Physical value = pixel * scale + offset, of a domain: amplitude, power, or dB itself.

    nodata is what the band declares. fills are finite values that mean nothing although nobody declares them; both are
    invalid wherever they are. Raises InvalidArgument for numbers that measure nothing: a scale of 0, or below 0 where
    the domain is not dB, an offset that is not finite, more than 15 fills.
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
            raise InvalidArgument(
                f"scale {self.scale} and offset {self.offset}; expected finite numbers, a scale other than 0"
            )
        if self.scale < 0 and self.domain != "db":
            raise InvalidArgument(
                f"scale {self.scale} with {self.domain}; expected one above 0. Below 0 only dB makes sense"
            )
        if len(self.fills) > MOST_FILLS or not all(map(math.isfinite, self.fills)):
            raise InvalidArgument(f"fills are {self.fills}; expected at most {MOST_FILLS} finite values")

    @property
    def is_plain(self) -> bool:
        """Whether pixels are physical values as they stand."""
        return self.scale == 1 and self.offset == 0

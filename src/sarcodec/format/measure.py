"""How the pixels of a band become levels in dB: the domain, scale and offset, and which values are no measurement.

Shared by the rooms that know rasters and those that know files. Imports the errors alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sarcodec.errors import InvalidArgument

DOMAINS = ("amplitude", "power", "db")
MOST_FILLS = 15

Number = np.integer | np.floating
"""One pixel."""


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


def nodata_pixel(dtype: np.dtype, nodata: float | None) -> Number | None:
    """The value of `dtype` that means nodata; None if no finite pixel can have it."""
    if nodata is None or not math.isfinite(nodata):
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            value = dtype.type(nodata)
        return value if np.isfinite(value) else None
    limits = np.iinfo(dtype)
    return dtype.type(int(nodata)) if nodata == int(nodata) and limits.min <= nodata <= limits.max else None


def meaningless_pixels(dtype: np.dtype, measure: Measure) -> tuple[Number, ...]:
    """The finite values of `dtype` that are nodata or fill, rising, each once."""
    found = {nodata_pixel(dtype, value) for value in (measure.nodata, *measure.fills)}
    return tuple(sorted((value for value in found if value is not None), key=float))

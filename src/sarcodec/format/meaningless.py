"""The values of a dtype that are no measurement: nodata, and fills (format/measure.py)."""

from __future__ import annotations

import math

import numpy as np

from sarcodec.format.measure import Measure

Number = np.integer | np.floating
"""One pixel."""


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

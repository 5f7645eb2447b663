"""What every use of GDAL needs: which errors it raises, what they say, windows as it takes them, and equal CRS."""

from __future__ import annotations

import re

from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError
from rasterio.windows import Window as RasterioWindow

from sarcodec.errors import InvalidArgument
from sarcodec.raster.tiling import Window

GDAL_ERRORS = (RasterioError, CRSError, CPLE_BaseError, OSError)
_CODE = re.compile(r'(?:AUTHORITY|ID)\["([^"]+)","?([^"\]]+)"?\]\]\s*$')  # at the end of a WKT: that of the whole CRS


def reason(error: BaseException) -> str:
    """What GDAL said first: rasterio hides it behind 'see previous exception'."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip() or type(error).__name__


def to_rasterio(window: Window) -> RasterioWindow:
    """The same window, columns first."""
    return RasterioWindow(window.col, window.row, window.cols, window.rows)


def check_band(band: int, count: int) -> None:
    """Raises InvalidArgument unless there is a band `band` (the first is 0)."""
    if not 0 <= band < count:
        raise InvalidArgument(f"band index is {band}; this scene has the bands 0..{count - 1}")


def same_crs(first: str | None, second: str | None) -> bool:
    """Whether two texts are one CRS: the same official one, however it is spelt, or else the same word for word."""
    if first == second:
        return True
    if first is None or second is None:
        return False
    ours, theirs = _CODE.search(first), _CODE.search(second)
    try:
        official = ours and theirs and ours.groups() == theirs.groups()
        return bool(official) and CRS.from_wkt(first) == CRS.from_wkt(second)
    except CRSError:
        return False

"""What every use of GDAL needs: which errors it raises, what they say, and windows as it takes them."""

from __future__ import annotations

from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, RasterioError
from rasterio.windows import Window as RasterioWindow

from sarcodec.errors import InvalidArgument
from sarcodec.raster.tiling import Window

GDAL_ERRORS = (RasterioError, CRSError, CPLE_BaseError, OSError)


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

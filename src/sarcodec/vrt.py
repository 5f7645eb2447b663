"""VRTs over compressed files: `build` and `write` make them, and `pixels` is the function in them, the one that GDAL has to trust.

GDAL_VRT_ENABLE_PYTHON=TRUSTED_MODULES GDAL_VRT_PYTHON_TRUSTED_MODULES=sarcodec.vrt; see docs/how-to/rasterio.md. GDAL imports this module in its
own process, so it loads neither rasterio nor the code that makes VRTs before somebody asks for that.
"""

from typing import TYPE_CHECKING, Any

from sarcodec.doors.vrt_pixels import pixels

if TYPE_CHECKING:
    from sarcodec.doors.vrt_file import build, write

__all__ = ["build", "pixels", "write"]


def __getattr__(name: str) -> Any:
    if name in ("build", "write"):
        from sarcodec.doors import vrt_file

        return getattr(vrt_file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The engine "sarcodec" of xarray: xr.open_dataset("scene.sarc", engine="sarcodec"). Its entry point; see docs/how-to/xarray.md."""

from sarcodec.doors.extras import needs

with needs("xarray"):
    from sarcodec.doors.xarray_backend import SarcodecBackend

__all__ = ["SarcodecBackend"]

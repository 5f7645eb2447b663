"""xarray: xr.open_dataset("scene.sarc", engine="sarcodec"), xr.open_datatree, to_sarc and the accessor `.sarcodec`. Its entry point; see docs/how-to/xarray.md."""

from sarcodec.doors.extras import needs
from sarcodec.doors.to_sarc import to_sarc

with needs("xarray"):
    from sarcodec.doors.xarray_backend import SarcodecBackend
    from sarcodec.doors.xarray_writer import SarcodecAccessor

__all__ = ["SarcodecAccessor", "SarcodecBackend", "to_sarc"]

"""`sarcodec.to_sarc`, which is there whether xarray is or not: its work is that of `doors.xarray_writer`, loaded when it is called."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from sarcodec.doors.extras import needs

if TYPE_CHECKING:
    import xarray as xr


def to_sarc(
    data: xr.Dataset | xr.DataArray, path: str | os.PathLike[str], *, overwrite: bool = False, **options: Any
) -> None:
    """Write an xarray Dataset or DataArray as a compressed file; what `xr.open_dataset(path, engine="sarcodec")` opens again.

    Args:
        data: a Dataset of variables with the same two dimensions, each of which becomes a band of its name; or a DataArray of two dimensions, or of three whose first are bands. The
            last two dimensions are rows and columns. All bands need one dtype. CRS, transform and control points come from `spatial_ref` as rioxarray writes it, else the
            transform from evenly spaced coordinates; nodata, scale, offset and units from attributes and encoding; the other attributes become tags. Float NaN is invalid.
        path: of the file.
        overwrite: replace it if it is there, once the new one is whole.
        options: as in `sarcodec.encode`: quality, target_bpp, max_error_db, lossless, domain, effort, threads, memory, ... What they say of the array (crs, nodata, ...)
            takes the place of what xarray says.

    Raises what `encode` raises; OutputExists; InvalidArgument where the variables do not fit each other; ModuleNotFoundError without the extra `xarray`.
    """
    with needs("xarray"):
        from sarcodec.doors.xarray_writer import write
    write(data, path, overwrite, options)

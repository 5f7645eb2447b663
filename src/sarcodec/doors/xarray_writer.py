"""xarray's arrays into a compressed file: bands with what xarray and rioxarray say of them.

In: a Dataset whose variables are bands, or a DataArray; out: a file. Arrays of Dask go through a temporary file beside the output, a chunk after the other, so that they may be larger than memory.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from sarcodec.api.arrays import encode
from sarcodec.doors.georeferenced import GRID_MAPPING
from sarcodec.errors import InvalidArgument
from sarcodec.storage.forms import SARCODEC
from sarcodec.storage.output import Output

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS, _COLS = ("y", "lat", "latitude", "line", "azimuth"), ("x", "lon", "longitude", "pixel", "range")
_NOT_TAGS = frozenset("_FillValue missing_value scale_factor add_offset units grid_mapping coordinates".split())
_UNEVEN = 1e-3  # of a pixel, that coordinates may be off an even grid


def write(
    data: xr.Dataset | xr.DataArray, path: str | os.PathLike[str], overwrite: bool, options: dict[str, Any]
) -> None:
    """What `doors.to_sarc` says."""
    bands = _bands(data)
    about = {**_about(data, bands), **options}
    with Output(path, overwrite=overwrite, form=SARCODEC) as output:
        pixels = _stored(bands, os.fspath(output.folder / "pixels"))
        output.write(encode(pixels, **about))


def _bands(data: xr.Dataset | xr.DataArray) -> list[xr.DataArray]:
    """Two-dimensional arrays, one a band, all alike."""
    if isinstance(data, xr.Dataset):
        found = [data[name] for name in data.data_vars if data[name].ndim]
    elif data.ndim == 3:
        found = [data.isel({data.dims[0]: n}) for n in range(data.shape[0])]
    else:
        found = [data]
    if not found or any(band.dims != found[0].dims or band.ndim != 2 for band in found):
        shapes = ", ".join(f"{band.name} {band.dims}" for band in found) or "none"
        raise InvalidArgument(
            f"found the variables {shapes}; expected some of the same two dimensions, rows and columns"
        )
    if len({band.dtype for band in found}) > 1:
        kinds = ", ".join(f"{band.name} {band.dtype}" for band in found)
        raise InvalidArgument(
            f"found the variables {kinds}; a file has one dtype: convert them, or write several files"
        )
    rows, cols = (str(n).lower() for n in found[0].dims)
    if rows in _COLS or cols in _ROWS:
        raise InvalidArgument(
            f"the dimensions are {rows} and {cols}; expected rows first: data.transpose('{cols}', '{rows}')"
        )
    return found


def _about(data: xr.Dataset | xr.DataArray, bands: list[xr.DataArray]) -> dict[str, Any]:
    """Keywords of `encode`, as far as something is said."""
    several = [{**band.encoding, **band.attrs} for band in bands]
    nodata = [said.get("_FillValue", said.get("missing_value")) for said in several]
    own = "scale_factor" in bands[0].attrs or np.dtype(bands[0].dtype).kind in "iu"
    found: dict[str, Any] = {
        "descriptions": _descriptions(data, bands),
        "nodata": [None if n is None else float(n) for n in nodata] if own or _is_nan(nodata) else None,
        "scales": [float(said.get("scale_factor", 1)) for said in several] if own else None,
        "offsets": [float(said.get("add_offset", 0)) for said in several] if own else None,
        "units": [said.get("units") for said in several],
        "tags": _tags(data.attrs) if isinstance(data, xr.Dataset) else None,
        "band_tags": [_tags(band.attrs) for band in bands],
        **_place(bands[0]),
    }
    return {key: value for key, value in found.items() if value is not None and value != [None] * len(bands)}


def _is_nan(nodata: list[Any]) -> bool:
    return all(n is not None and np.isnan(n) for n in nodata)


def _descriptions(data: xr.Dataset | xr.DataArray, bands: list[xr.DataArray]) -> list[str | None]:
    if isinstance(data, xr.Dataset) or data.ndim == 2:
        return [None if band.name is None else str(band.name) for band in bands]
    axis, long_names = data.dims[0], data.attrs.get("long_name")
    if axis in data.coords and data.coords[axis].dtype.kind in "UO":
        return [str(name) for name in data.coords[axis].values.tolist()]
    if isinstance(long_names, (list, tuple)) and len(long_names) == len(bands):  # rioxarray's
        return [str(name) for name in long_names]
    return [None] * len(bands)


def _tags(attrs: dict[Any, Any]) -> dict[str, str]:
    """Attributes that are no words of CF, as text."""
    kept = {str(k): v for k, v in attrs.items() if k not in _NOT_TAGS}
    return {k: v if isinstance(v, str) else json.dumps(v, default=str) for k, v in kept.items()}


def _place(band: xr.DataArray) -> dict[str, Any]:
    """crs, transform and gcps."""
    said = band.coords[GRID_MAPPING].attrs if GRID_MAPPING in band.coords else {}
    crs, numbers = said.get("crs_wkt") or said.get("spatial_ref"), said.get("GeoTransform")
    points = [_point(feature) for feature in json.loads(said["gcps"])["features"]] if said.get("gcps") else []
    if numbers:
        c, a, b, f, d, e = map(float, str(numbers).split())
        transform: tuple[float, ...] | None = (a, b, c, d, e, f)
    else:
        transform = _even(band)
    found: dict[str, Any] = {"transform": transform}
    if points:
        found["gcps"] = (points, crs)
    if crs and (transform or not points):
        found["crs"] = crs
    return found


def _point(feature: dict[str, Any]) -> Any:
    from rasterio.control import GroundControlPoint

    properties, (x, y, *z) = feature["properties"], feature["geometry"]["coordinates"]
    return GroundControlPoint(
        properties["row"], properties["col"], x, y, z[0] if z else 0.0, properties.get("id"), properties.get("info")
    )


def _even(band: xr.DataArray) -> tuple[float, ...] | None:
    """The transform of coordinates that are evenly spaced; None where there are none."""
    steps = []
    for dim in band.dims:
        if dim not in band.coords or band.sizes[dim] < 2:
            return None
        values = np.asarray(band.coords[dim].values)
        if values.dtype.kind not in "iuf":
            return None
        step = (float(values[-1]) - float(values[0])) / (values.size - 1)
        if step == 0 or np.abs(np.diff(values) - step).max() > _UNEVEN * abs(step):
            return None
        steps.append((float(values[0]) - step / 2, step))
    (top, down), (left, right) = steps
    return (right, 0.0, left, 0.0, down, top)


def _stored(bands: list[xr.DataArray], path: str) -> NDArray[Any]:
    """(bands, rows, cols): in memory, or of Dask's chunks in a file."""
    if all(band.chunks is None for band in bands):
        return np.stack([np.asarray(band.values) for band in bands])
    import dask.array

    target = np.memmap(path, bands[0].dtype, "w+", shape=(len(bands), *bands[0].shape))
    for band, plane in zip(bands, target):
        dask.array.store(band.data, plane, lock=True) if band.chunks else plane.__setitem__(..., band.values)
    target.flush()
    return cast("NDArray[Any]", target)


@xr.register_dataset_accessor("sarcodec")
@xr.register_dataarray_accessor("sarcodec")
class SarcodecAccessor:
    """`data.sarcodec.to_sarc(path, quality=60)`, once `sarcodec.xarray` was imported."""

    def __init__(self, data: xr.Dataset | xr.DataArray) -> None:
        self._data = data

    def to_sarc(self, path: str | os.PathLike[str], *, overwrite: bool = False, **options: Any) -> None:
        """As `sarcodec.to_sarc`."""
        write(self._data, path, overwrite, options)

"""A compressed file as one array of Zarr, of which the file itself is the one chunk: nothing is copied.

In: a file; out: the metadata of the array, or VirtualiZarr's store of it. Reads the head alone.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import numpy as np

from sarcodec.api.scene import Scene
from sarcodec.api.scene import open as open_scene
from sarcodec.doors.chunks import settings_of
from sarcodec.doors.extras import needs
from sarcodec.doors.georeferenced import grid_mapping

if TYPE_CHECKING:
    from sarcodec.api.choices import Compressed
    from sarcodec.format.scene import SceneInfo

DIMENSIONS = ("band", "y", "x")
_ATTRIBUTES_OF_BANDS = ("descriptions", "units", "scales", "offsets")


def metadata(path: Compressed, **settings: Any) -> dict[str, Any]:
    """The metadata of an array (bands, rows, cols) of Zarr version 3, what stands in its zarr.json. The file is its chunk 0/0/0.

    settings: reconstruct and speckle, as in sarcodec.open. Attributes: names, units, scales and offsets of the bands, where they are said; crs_wkt, GeoTransform
    and gcps as rioxarray has them on `spatial_ref`; _FillValue as xarray writes it, where all bands have one nodata. Raises what sarcodec.open raises.
    """
    with open_scene(path) as scene:
        return _metadata(scene, settings)


def _metadata(scene: Scene, settings: dict[str, Any]) -> dict[str, Any]:
    info, shape = scene.info, list(scene.array_shape)
    nodata = info.nodata[0] if len(set(map(repr, info.nodata))) == 1 else None
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": info.dtype,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": shape}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": _fill(nodata, info.dtype),
        "codecs": [{"name": "sarcodec", "configuration": settings_of(settings).words}],
        "attributes": _attributes(info, nodata),
        "dimension_names": list(DIMENSIONS),
    }


def _fill(nodata: float | None, dtype: str) -> Any:
    """Of chunks that are not there, of which there are none; as JSON has it."""
    if np.dtype(dtype).kind != "f":
        return int(nodata) if nodata is not None and float(nodata).is_integer() else 0
    if nodata is None or math.isfinite(nodata):
        return nodata or 0.0
    return "NaN" if math.isnan(nodata) else "Infinity" if nodata > 0 else "-Infinity"


def _attributes(info: SceneInfo, nodata: float | None) -> dict[str, Any]:
    found: dict[str, Any] = {name: list(getattr(info, name)) for name in _ATTRIBUTES_OF_BANDS}
    plain = {"scales": {1.0}, "offsets": {0.0}}
    found = {name: value for name, value in found.items() if set(value) - plain.get(name, {None, ""})}
    found |= grid_mapping(info)
    if nodata is not None and np.dtype(info.dtype).kind == "f":
        found["_FillValue"] = base64.standard_b64encode(struct.pack("<d", nodata)).decode()
    elif nodata is not None and float(nodata).is_integer():
        found["_FillValue"] = int(nodata)
    return found


class SarcodecParser:
    """For VirtualiZarr: `virtualizarr.open_virtual_dataset(url, registry=..., parser=SarcodecParser())`. One variable (band, y, x), a chunk each file.

    name: of the variable; settings: reconstruct and speckle, as in sarcodec.open. Needs the extra `virtualizarr`.
    """

    def __init__(self, name: str = "pixels", **settings: Any) -> None:
        self._name, self._settings = name, settings
        settings_of(settings)

    def __call__(self, url: str, registry: Any) -> Any:
        """The ManifestStore of a file. Raises what sarcodec.open raises."""
        with needs("virtualizarr"):
            import obstore
            from virtualizarr.manifests import ChunkManifest, ManifestArray, ManifestGroup, ManifestStore
            from zarr.core.metadata.v3 import ArrayV3Metadata

        store, path = registry.resolve(url)
        size = int(obstore.head(store, path)["size"])
        with open_scene(cast("BinaryIO", obstore.open_reader(store, path, buffer_size=1 << 16))) as scene:
            said = _metadata(scene, self._settings)
        chunk = {"path": url, "offset": 0, "length": size}
        array = ManifestArray(ArrayV3Metadata.from_dict(cast("Any", said)), ChunkManifest({"0.0.0": chunk}))
        return ManifestStore(ManifestGroup(arrays={self._name: array}), registry=registry)

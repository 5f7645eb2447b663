"""Where a scene lies, in the words of CF and rioxarray: the variable `spatial_ref`, and coordinates x and y.

In: a SceneInfo; out: attributes and arrays. Nothing is invented: a scene with control points has no transform here, and so no coordinates.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sarcodec.format.scene import GroundControlPoint, SceneInfo

GRID_MAPPING = "spatial_ref"


def grid_mapping(info: SceneInfo) -> dict[str, Any]:
    """Attributes of `spatial_ref`: crs_wkt and spatial_ref (the same, as GDAL calls it), GeoTransform, and gcps as GeoJSON.

    Where there is no transform, the CRS is that of the control points, as rioxarray has it.
    """
    wkt = info.crs_wkt or info.gcp_crs_wkt
    found: dict[str, Any] = {"crs_wkt": wkt, "spatial_ref": wkt} if wkt else {}
    if info.transform is not None:
        a, b, c, d, e, f = info.transform
        found["GeoTransform"] = " ".join(map(repr, (c, a, b, f, d, e)))
    if info.gcps:
        features = [_feature(point) for point in info.gcps]
        found["gcps"] = json.dumps({"type": "FeatureCollection", "features": features})
    return found


def _feature(point: GroundControlPoint) -> dict[str, Any]:
    properties = {"id": point.id, "info": point.info, "row": point.row, "col": point.col}
    place = {"type": "Point", "coordinates": [point.x, point.y, point.z]}
    return {"type": "Feature", "properties": properties, "geometry": place}


def axes(info: SceneInfo) -> dict[str, NDArray[Any]]:
    """x and y of the centres of pixels, float64; none where the scene is rotated or has no transform."""
    if info.transform is None or info.transform[1] or info.transform[3]:
        return {}
    a, _, c, _, e, f = info.transform
    return {"y": f + e * (np.arange(info.rows) + 0.5), "x": c + a * (np.arange(info.cols) + 0.5)}

"""Where a scene lies on the earth, as GeoJSON: the ring around its outermost control points, or the edge of its grid.

In: a SceneInfo; out: a geometry in WGS 84 and its bounding box. No transform is made up of control points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from sarcodec.format.scene import GroundControlPoint, SceneInfo

Ring: TypeAlias = list[tuple[float, float]]
"""Places (longitude, latitude); the first is not repeated."""

_EDGE_POINTS = 8  # along each edge of a grid, which is bent on the earth
_DECIMALS = 6  # of degrees: 0.1 m
_WGS84 = "EPSG:4326"


def footprint(info: SceneInfo) -> tuple[dict[str, Any] | None, list[float] | None]:
    """Polygon, or MultiPolygon of two where it crosses the antimeridian, and bbox (west, south, east, north).

    (None, None) for a scene that does not say where it lies, and for one around a pole.
    """
    if info.transform is not None and info.crs_wkt:
        ring = _on_earth(_edge(info), info.crs_wkt)
    elif len(info.gcps) > 2 and info.gcp_crs_wkt:
        ring = _on_earth([(p.x, p.y) for p in outermost(info.gcps)], info.gcp_crs_wkt)
    else:
        return None, None
    unwrapped = _unwrapped(ring)
    if unwrapped is None:
        return None, None
    parts = [part for part in _split(unwrapped) if len(part) > 2]
    rings = [[[*map(list, part), list(part[0])]] for part in map(_counterclockwise, parts)]
    box = _box(parts)
    return (
        {"type": "Polygon", "coordinates": rings[0]}
        if len(rings) == 1
        else {"type": "MultiPolygon", "coordinates": rings}
    ), box


def outermost(points: Sequence[GroundControlPoint]) -> list[GroundControlPoint]:
    """Control points around all others in the image, one after the other, those on straight edges too."""
    ordered = sorted(points, key=lambda p: (p.col, p.row))
    lower, upper = _chain(ordered), _chain(ordered[::-1])
    return lower[:-1] + [p for p in upper[:-1] if p not in lower[1:-1]]


def _chain(points: Sequence[GroundControlPoint]) -> list[GroundControlPoint]:
    """One half of the hull (Andrew's monotone chain)."""
    chain: list[GroundControlPoint] = []
    for p in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], p) < 0:
            chain.pop()
        chain.append(p)
    return chain


def _turn(a: GroundControlPoint, b: GroundControlPoint, c: GroundControlPoint) -> float:
    return (b.col - a.col) * (c.row - a.row) - (b.row - a.row) * (c.col - a.col)


def _edge(info: SceneInfo) -> Ring:
    """Places of the transform around the grid."""
    assert info.transform is not None
    a, b, c, d, e, f = info.transform
    steps = [i / _EDGE_POINTS for i in range(_EDGE_POINTS)]
    along = (
        [(t, 0.0) for t in steps]
        + [(1.0, t) for t in steps]
        + [(1 - t, 1.0) for t in steps]
        + [(0.0, 1 - t) for t in steps]
    )
    places = [(col * info.cols, row * info.rows) for col, row in along]
    return [(a * col + b * row + c, d * col + e * row + f) for col, row in places]


def _on_earth(ring: Ring, wkt: str) -> Ring:
    from rasterio.crs import CRS
    from rasterio.env import ensure_env
    from rasterio.warp import transform

    xs, ys = ensure_env(transform)(CRS.from_wkt(wkt), CRS.from_string(_WGS84), *zip(*ring))
    return [(float(x), float(y)) for x, y in zip(xs, ys)]


def _unwrapped(ring: Ring) -> Ring | None:
    """Longitudes without a jump, from within -180 and 180 on; None for a ring around a pole."""
    found = [((ring[0][0] + 180) % 360 - 180, ring[0][1])]
    for x, y in [*ring[1:], ring[0]]:
        step = (x - found[-1][0] + 180) % 360 - 180
        found.append((found[-1][0] + step, y))
    return found[:-1] if abs(found[-1][0] - found[0][0]) < 180 else None


def _split(ring: Ring) -> list[Ring]:
    """At the antimeridian, the western part first; each part within -180 and 180."""
    least, most = min(x for x, _ in ring), max(x for x, _ in ring)
    if least < -180:
        ring = [(x + 360, y) for x, y in ring]
    if least >= -180 and most <= 180:
        return [ring]
    beyond = [(x - 360, y) for x, y in _clipped(ring, 180.0, -1)]
    return [_clipped(ring, 180.0, 1), beyond]


def _clipped(ring: Ring, limit: float, side: int) -> Ring:
    """What of a ring lies west (1) or east (-1) of a meridian (Sutherland and Hodgman)."""
    found: Ring = []
    for (x0, y0), (x1, y1) in zip(ring[-1:] + ring[:-1], ring):
        inside0, inside1 = side * (limit - x0) >= 0, side * (limit - x1) >= 0
        if inside0 != inside1:
            found.append((limit, y0 + (y1 - y0) * (limit - x0) / (x1 - x0)))
        if inside1:
            found.append((x1, y1))
    return found


def _counterclockwise(ring: Ring) -> Ring:
    """As GeoJSON wants an outer ring, rounded."""
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring[-1:] + ring[:-1], ring))
    rounded = [(round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in ring]
    return rounded if area > 0 else rounded[::-1]


def _box(parts: Sequence[Ring]) -> list[float]:
    """Of two parts it begins in the west of the first and ends in the east of the second, across the antimeridian (RFC 7946, 5.2)."""
    ys = [y for part in parts for _, y in part]
    west, east = min(x for x, _ in parts[0]), max(x for x, _ in parts[-1])
    return [round(value, _DECIMALS) for value in (west, min(ys), east, max(ys))]

"""An array and what is said of it, as a SceneInfo and its pixels. rasterio's objects are taken as they are, and not imported for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.format.scene import DTYPES, GroundControlPoint, SceneInfo, Tags

_WKT = re.compile(r"\s*[A-Z][A-Z0-9_]*\s*\[.*\]\s*$", re.DOTALL)
AXES_NAMESPACE, AXES = "SARCODEC", (("AXES", "3"),)
"""The mark of an array (1, rows, cols), which else would come back as (rows, cols)."""

TagsLike = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Words:
    """The keywords of `encode` that describe an array."""

    crs: object
    transform: Sequence[float] | None
    gcps: tuple[Iterable[Any], object] | None
    nodata: float | Sequence[float | None] | None
    descriptions: str | Sequence[str | None] | None
    units: str | Sequence[str | None] | None
    scales: float | Sequence[float] | None
    offsets: float | Sequence[float] | None
    tags: TagsLike | None
    band_tags: Sequence[TagsLike] | None


def pixels_of(array: ArrayLike) -> NDArray[Any]:
    """(bands, rows, cols), native byte order. Raises InvalidArgument for other shapes, UnsupportedScene for other types."""
    pixels = np.asarray(array)
    if pixels.ndim not in (2, 3) or not pixels.size:
        raise InvalidArgument(
            f"the array has the shape {pixels.shape}; expected (rows, cols) or (bands, rows, cols), none of them 0"
        )
    pixels = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    if pixels.dtype.name not in DTYPES:
        raise UnsupportedScene(
            f"the array holds {pixels.dtype.name} pixels; expected one of {', '.join(DTYPES)}. Convert it with astype to one "
            "that holds its values; of complex pixels take the amplitude: numpy.abs(array)"
        )
    return pixels[None] if pixels.ndim == 2 else pixels


def masks_of(array: ArrayLike, mask: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """(planes, rows, cols): none, one for all bands, or one a band; 255 is valid. Of a masked array its own, if no other is given."""
    if mask is None and isinstance(array, np.ma.MaskedArray) and array.mask is not np.ma.nomask:
        mask = ~np.ma.getmaskarray(array)
    if mask is None:
        return np.empty((0, *shape[1:]), np.uint8)
    values = np.asarray(mask)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * np.uint8(255)
    values = values[None] if values.ndim == 2 else values
    if values.dtype != np.uint8 or values.shape not in (shape, (1, *shape[1:])):
        raise InvalidArgument(
            f"the mask is {values.dtype} of shape {values.shape}; expected uint8 (255 is valid, 0 is not) or bool (True is valid) "
            f"of shape {shape[1:]}, or {shape} for one a band"
        )
    return values if len(values) == 1 or (values != values[:1]).any() else values[:1]


def info_of(pixels: NDArray[Any], planes: int, words: Words, keep_axis: bool) -> SceneInfo:
    """keep_axis: the array is to come back as (1, rows, cols)."""
    count, rows, cols = pixels.shape
    points, gcp_crs = words.gcps or ((), None)
    gcps = tuple(_point(point) for point in points)
    tags = _tags(words.tags) if words.tags else ()
    if keep_axis:
        tags = tuple(sorted((*(item for item in tags if item[0] != AXES_NAMESPACE), (AXES_NAMESPACE, AXES))))
    return SceneInfo(
        rows=rows,
        cols=cols,
        count=count,
        dtype=pixels.dtype.name,
        crs_wkt=_wkt(words.crs),
        transform=_transform(words.transform),
        gcps=gcps,
        gcp_crs_wkt=_wkt(gcp_crs) if gcps else None,
        nodata=_each(words.nodata, count, _number),
        tags=tags,
        band_tags=tuple(_tags(band) for band in words.band_tags or ()),
        descriptions=_each(words.descriptions, count, _text),
        units=_each(words.units, count, _text),
        scales=_each(words.scales, count, float),
        offsets=_each(words.offsets, count, float),
        mask=None if not planes else "dataset" if planes == 1 else "bands",
    )


def keeps_axis(count: int, tags: dict[str, str]) -> bool:
    """Whether an array came as (bands, rows, cols), by how many bands there are and the tags of the namespace of the mark."""
    return count > 1 or tags == dict(AXES)


def _each(value: Any, count: int, kind: Any) -> tuple[Any, ...]:
    """One a band, of one for all or of a sequence; () for None."""
    if value is None:
        return ()
    if isinstance(value, str) or np.ndim(value) == 0:
        return (kind(value),) * count
    return tuple(kind(item) for item in value)


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)


def _text(value: str | None) -> str | None:
    return None if value is None else str(value)


def _transform(transform: Sequence[float] | None) -> tuple[float, float, float, float, float, float] | None:
    """An identity is none: nothing is invented."""
    if transform is None:
        return None
    numbers = [float(value) + 0.0 for value in transform]
    if len(numbers) not in (6, 9) or not np.isfinite(numbers).all():
        raise InvalidArgument(
            f"transform is {transform!r}; expected an affine.Affine, or its six numbers a, b, c, d, e, f"
        )
    a, b, c, d, e, f = numbers[:6]
    return None if (a, b, c, d, e, f) == (1, 0, 0, 0, 1, 0) else (a, b, c, d, e, f)


def _wkt(crs: object) -> str | None:
    """WKT as it is; all else is what rasterio makes of it, such as its own CRS, 'EPSG:32633', or 32633."""
    if crs is None or crs == "":
        return None
    if isinstance(crs, str) and _WKT.match(crs):
        return crs
    from sarcodec.raster.description import crs_of, wkt_of

    return wkt_of(crs_of(crs))


def _point(point: Any) -> GroundControlPoint:
    """Of rasterio.control.GroundControlPoint, or of anything with its attributes."""
    numbers = (float(getattr(point, name) or 0.0) for name in ("row", "col", "x", "y", "z"))
    row, col, x, y, z = numbers
    return GroundControlPoint(row, col, x, y, z, str(point.id or ""), str(point.info or ""))


def _tags(tags: TagsLike) -> Tags:
    """{key: value} of the default namespace, {namespace: {key: value}} of others."""
    spaces: dict[str, dict[str, str]] = {}
    for key, value in tags.items():
        if isinstance(value, Mapping):
            spaces.setdefault(str(key), {}).update((str(k), str(v)) for k, v in value.items())
        else:
            spaces.setdefault("", {})[str(key)] = str(value)
    return tuple((name, tuple(sorted(items.items()))) for name, items in sorted(spaces.items()))

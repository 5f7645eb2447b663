"""SceneInfo and the words of an open rasterio dataset: what is taken, what is read, what is written.

In: a dataset. Out: a SceneInfo, an error for what sarcodec does not take, or a dataset that says what a SceneInfo says.
Opens no files and touches no pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import rasterio
from rasterio.control import GroundControlPoint as RasterioPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from sarcodec.errors import UnsupportedScene
from sarcodec.raster.scene import DTYPES, GroundControlPoint, SceneInfo, Tags

# GDAL makes these from the file itself; COG layout and statistics would also be untrue of a decoded copy. JSON domains
# are cut at their colons by rasterio, so they cannot be carried whole.
_COMPUTED_NAMESPACES = ("IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "SUBDATASETS")
_BLOCK_PX = 512
_STRIP_ROWS = 64


def check_supported(dataset: rasterio.DatasetReader, path: str) -> None:
    """Raise UnsupportedScene, saying what to do, unless the pixels are of a kind that sarcodec takes."""
    found = sorted(set(dataset.dtypes))
    if not found:
        parts = ", ".join(dataset.subdatasets[:4]) or "none"
        raise UnsupportedScene(f"{path} has no bands; expected at least one. Images within it: {parts}; name one")
    if len(found) > 1:
        raise UnsupportedScene(f"{path} mixes the pixel types {', '.join(found)}; expected one. Split it by band")
    dtype = found[0]
    if dtype.startswith("complex"):
        raise UnsupportedScene(
            f"{path} holds complex pixels ({dtype}); sarcodec compresses detected images, expected one of "
            f"{', '.join(DTYPES)}. Compress a detected product (GRD), or detect it first: amplitude = abs(pixel)"
        )
    if dtype not in DTYPES:
        raise UnsupportedScene(f"{path} holds {dtype} pixels; expected one of {', '.join(DTYPES)}. {_advice(dtype)}")
    if any(band.name == "palette" for band in dataset.colorinterp):
        raise UnsupportedScene(f"{path} holds palette indices; expected radar pixels. Compress the radar image itself")


def _advice(dtype: str) -> str:
    if dtype.startswith("float"):
        return "Convert it to float32, for instance with gdal_translate -ot Float32"
    return "Convert it to uint16 if its values fit, or else to float32, for instance with gdal_translate -ot Float32"


def read_info(dataset: rasterio.DatasetReader) -> SceneInfo:
    """All that a dataset says beside its pixels. An identity transform is none: nothing is invented."""
    points, gcp_crs = dataset.gcps
    transform = dataset.transform
    return SceneInfo(
        rows=dataset.height,
        cols=dataset.width,
        count=dataset.count,
        dtype=dataset.dtypes[0],
        crs_wkt=dataset.crs.to_wkt() if dataset.crs else None,
        transform=None if transform.is_identity else tuple(float(value) for value in transform[:6]),
        gcps=tuple(_from_rasterio(point) for point in points),
        gcp_crs_wkt=gcp_crs.to_wkt() if points and gcp_crs else None,
        nodata=tuple(None if value is None else float(value) for value in dataset.nodatavals),
        tags=_read_tags(dataset, 0),
        band_tags=tuple(_read_tags(dataset, band) for band in dataset.indexes),
        descriptions=tuple(text or None for text in dataset.descriptions),
        units=tuple(text or None for text in dataset.units),
        scales=tuple(float(value) for value in dataset.scales),
        offsets=tuple(float(value) for value in dataset.offsets),
        colorinterp=tuple(value.name for value in dataset.colorinterp),
    )


def _from_rasterio(point: RasterioPoint) -> GroundControlPoint:
    numbers = (float(value or 0.0) for value in (point.row, point.col, point.x, point.y, point.z))
    return GroundControlPoint(*numbers, point.id or "", point.info or "")


def _read_tags(dataset: rasterio.DatasetReader, band: int) -> Tags:
    """Sorted tags of the file (band 0) or of a band (from 1), without what GDAL computes and without statistics."""
    groups = []
    for namespace in ("", *sorted(dataset.tag_namespaces(band))):
        if namespace in _COMPUTED_NAMESPACES or namespace.startswith("json:"):
            continue
        items = dataset.tags(band, ns=namespace or None)
        kept = tuple((key, items[key]) for key in sorted(items) if _is_carried(key, items[key]))
        if kept:
            groups.append((namespace, kept))
    return tuple(groups)


def _is_carried(key: str, value: str) -> bool:
    # Area is what every reader assumes; Point moves the georeferencing by half a pixel, so it is kept.
    return not key.upper().startswith("STATISTICS_") and (key, value) != ("AREA_OR_POINT", "Area")


def creation_options(info: SceneInfo, threads: int) -> dict[str, object]:
    """Arguments of rasterio.open for a new GeoTIFF: DEFLATE, tiles of 512 (strips for a scene that is smaller)."""
    options: dict[str, object] = {
        "driver": "GTiff", "height": info.rows, "width": info.cols, "count": info.count, "dtype": info.dtype,
        "compress": "deflate", "zlevel": 1, "predictor": 3 if info.dtype == "float32" else 2, "interleave": "band",
        "bigtiff": "IF_SAFER", "num_threads": threads,
        "photometric": "RGB" if info.colorinterp[:3] == ("red", "green", "blue") else "MINISBLACK",
    }  # fmt: skip
    if min(info.rows, info.cols) >= _BLOCK_PX:
        options |= {"tiled": True, "blockxsize": _BLOCK_PX, "blockysize": _BLOCK_PX}
    else:
        options |= {"tiled": False, "blockysize": min(info.rows, _STRIP_ROWS)}
    if info.crs_wkt is not None:
        options["crs"] = CRS.from_wkt(info.crs_wkt)
    if info.transform is not None:
        options["transform"] = Affine(*info.transform)
    return options


def write_info(dataset: rasterio.io.DatasetWriter, info: SceneInfo) -> None:
    """Write all of `info` that creation_options does not hold. Call before the first pixel is written."""
    if info.gcps and info.transform is None:
        crs = CRS.from_wkt(info.gcp_crs_wkt) if info.gcp_crs_wkt else CRS()
        dataset.gcps = (_to_gdal_points(info), crs)
    dataset.colorinterp = [getattr(ColorInterp, name, ColorInterp.undefined) for name in info.colorinterp]
    declared = [value for value in info.nodata if value is not None]
    if declared:
        dataset.nodata = declared[0]  # A GeoTIFF has one for all bands.
    if info.scales != (1.0,) * info.count:
        dataset.scales = info.scales
    if info.offsets != (0.0,) * info.count:
        dataset.offsets = info.offsets
    _write_tags(dataset, 0, info.tags)
    for band in range(1, info.count + 1):
        _write_tags(dataset, band, info.band_tags[band - 1])
        if info.descriptions[band - 1]:
            dataset.set_band_description(band, info.descriptions[band - 1])
        if info.units[band - 1]:
            dataset.set_band_unit(band, info.units[band - 1])


def _to_gdal_points(info: SceneInfo) -> Sequence[RasterioPoint]:
    # With AREA_OR_POINT=Point GDAL adds half a pixel on reading, but (3.10) also on writing. So it is told to write
    # what it is given, and is given what reading turns into the wanted place.
    shift = 0.5 if ("AREA_OR_POINT", "Point") in dict(info.tags).get("", ()) else 0.0
    return [
        RasterioPoint(row=p.row - shift, col=p.col - shift, x=p.x, y=p.y, z=p.z, id=p.id, info=p.info)
        for p in info.gcps
    ]


def _write_tags(dataset: rasterio.io.DatasetWriter, band: int, tags: Tags) -> None:
    for namespace, items in tags:
        if namespace.startswith("xml:"):
            items = _as_assignments(items)
        if items:
            dataset.update_tags(band, ns=namespace or None, **dict(items))


def _as_assignments(items: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    # rasterio can only set KEY=VALUE, but an XML domain is one text. Cut at its first '=', it comes out whole.
    return [tuple(text.split("=", 1)) for _, text in items if "=" in text]

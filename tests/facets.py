"""What a raster says beside its pixels, as rasterio reads it: facets, a name and a value each. Knows nothing of sarcodec."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from rasterio.errors import NotGeoreferencedWarning, RasterioError

Facets = dict[str, object]
_BLACK = (0, 0, 0, 255)


def quiet_open(path: str | Path) -> rasterio.io.DatasetReader:
    """rasterio.open without the warning about a missing georeferencing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)


def describe(path: str | Path) -> Facets:
    """All that a raster says, bands counted from 1. Values are text, numbers and tuples that can be compared."""
    with quiet_open(path) as dataset:
        found = _of_file(dataset)
        for band in dataset.indexes:
            found |= {f"band {band} {name}": value for name, value in _of_band(dataset, band).items()}
        for band in (0, *dataset.indexes):
            _tags(dataset, band, {})  # GDAL reads some side files only now, and then knows more tags of other domains.
        words = _words(dataset)
        for band in (0, *dataset.indexes):
            prefix = f"band {band} " if band else ""
            found |= {prefix + name: value for name, value in _tags(dataset, band, words).items()}
            found |= {prefix + name: value for name, value in words.get(f"other {band}", {}).items()}
        found |= _attribute_tables(dataset.files)
    return {name: value for name, value in found.items() if value is not None}


def _of_file(dataset: rasterio.io.DatasetReader) -> Facets:
    points, points_crs = dataset.gcps
    numbers = tuple((p.id, p.info or "", p.row, p.col, p.x, p.y, p.z or 0.0) for p in points)
    return {
        "rows": dataset.height,
        "cols": dataset.width,
        "bands": dataset.count,
        "crs": dataset.crs or None,
        "crs wkt": dataset.crs.to_wkt() if dataset.crs else None,
        "transform": tuple(dataset.transform)[:6],
        "control points": numbers or None,
        "control points crs": points_crs if points and points_crs else None,
        "rpc": repr(dataset.rpcs) if dataset.rpcs else None,
        "mask form": _mask_form(dataset),
    }


def _mask_form(dataset: rasterio.io.DatasetReader) -> str | None:
    """Where the masks of a GeoTIFF are that are neither a band nor a value."""
    flags = {flag.name for flags in dataset.mask_flag_enums for flag in flags}
    if dataset.driver != "GTiff" or flags & {"alpha", "nodata"} or flags == {"all_valid"}:
        return None
    return "sidecar" if any(name.lower().endswith(".msk") for name in dataset.files) else "internal"


def _of_band(dataset: rasterio.io.DatasetReader, band: int) -> Facets:
    at = band - 1
    nodata = dataset.nodatavals[at]
    return {
        "type": dataset.dtypes[at],
        "nodata": None if nodata is None else repr(float(nodata)),
        "mask flags": tuple(sorted(flag.name for flag in dataset.mask_flag_enums[at])),
        "colour": dataset.colorinterp[at].name,
        "colour table": _colour_table(dataset, band),
        "description": dataset.descriptions[at] or None,
        "unit": dataset.units[at] or None,
        "scale": repr(float(dataset.scales[at])),
        "offset": repr(float(dataset.offsets[at])),
    }


def _colour_table(dataset: rasterio.io.DatasetReader, band: int) -> tuple | None:
    try:
        colours = sorted(dataset.colormap(band).items())
    except ValueError:
        return None
    while colours and colours[-1][1] == _BLACK:  # A TIFF's table is as long as the type allows, filled up with black.
        colours.pop()
    return tuple(colours)


def _tags(dataset: rasterio.io.DatasetReader, band: int, words: dict[str, Facets]) -> Facets:
    """Tags of the file (band 0) or of a band. Those of the default domain from `words`, as rasterio cuts keys at a colon."""
    found: Facets = {}
    for namespace in ("", *dataset.tag_namespaces(band)):
        try:
            items = dataset.tags(band, ns=namespace or None)
        except UnicodeDecodeError:
            items = {"": "bytes that are not UTF-8"}
        if namespace == "" and f"tags {band}" in words:
            items = words[f"tags {band}"]
        found |= {f"tag [{namespace}] {key}": value for key, value in items.items()}
    return found


def _words(dataset: rasterio.io.DatasetReader) -> dict[str, Facets]:
    """Tags of the default domain and category names as GDAL writes them into a VRT of the raster; {} where it makes none."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "words.vrt"
        try:
            rasterio.shutil.copy(dataset, target, driver="VRT")
            root = ElementTree.fromstring(_text(target.read_bytes()))
        except (RasterioError, OSError, ElementTree.ParseError, ValueError):
            return {}
    found = {"tags 0": _default_domain(root)}
    for band in root.findall("VRTRasterBand"):
        number = band.get("band")
        found[f"tags {number}"] = _default_domain(band)
        names = tuple(item.text or "" for item in band.findall("CategoryNames/Category"))
        found[f"other {number}"] = {"category names": names or None}
    return found


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _default_domain(element: ElementTree.Element) -> Facets:
    """Values of every key; several where GDAL cuts keys at a colon (S1:MODE, S1:ORBIT) and so has one key for all of them."""
    found: dict[str, list[str]] = {}
    for domain in element.findall("Metadata"):
        for item in [] if domain.get("domain") else domain.findall("MDI"):
            found.setdefault(item.get("key"), []).append(item.text or "")
    return {key: values[0] if len(values) == 1 else tuple(sorted(values)) for key, values in found.items()}


def _attribute_tables(files: list[str]) -> Facets:
    """Raster attribute tables of the side file, which is where a GeoTIFF has them."""
    found: Facets = {}
    for name in files:
        if not name.endswith(".aux.xml") or not Path(name).is_file():
            continue
        for band in ElementTree.fromstring(_text(Path(name).read_bytes())).findall("PAMRasterBand"):
            table = band.find("GDALRasterAttributeTable")
            if table is not None:
                text = ElementTree.canonicalize(ElementTree.tostring(table, "unicode"), strip_text=True)
                found[f"band {band.get('band')} attribute table"] = text
    return found

"""What a raster says beside its pixels, as rasterio reads it, how two rasters differ, and which differences are documented.

In: paths of rasters. Out: facets (a name and a value each), differences, and pixels that broke their promise. Knows nothing of
sarcodec: tests and benchmarks hold its outputs to this. docs/what-survives.md says the same in words.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.errors import NodataShadowWarning, NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

Facets = dict[str, object]
_BLACK = (0, 0, 0, 255)
_ROWS = 256  # read at a time
_HALF_PIXEL_ROUNDING = 1e-6


@dataclass(frozen=True)
class Difference:
    """A facet that is not the same: what it was and what it is, None where it is not there."""

    facet: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.facet}: {_short(self.before)} became {_short(self.after)}"


@dataclass(frozen=True)
class Allowance:
    """A facet (a pattern) that may differ, why, and the word that a note about it must hold (None: nothing need be said)."""

    facet: str
    reason: str
    note: str | None = None
    only: Callable[[object, object], bool] = lambda before, after: True


def _default_area(before: object, after: object) -> bool:
    return {before, after} <= {None, "Area"}


def _rounded(before: tuple, after: tuple) -> bool:
    """Whether two transforms put no corner of a pixel more than a millionth of a pixel apart."""
    size = max(map(abs, (before[0], before[1], before[3], before[4])))
    return all(abs(a - b) <= _HALF_PIXEL_ROUNDING * size for a, b in zip(before, after, strict=True))


def _same_numbers(before: str, after: str) -> bool:
    """Whether two texts hold the same numbers, however they are spelled."""
    try:
        return [float(word) for word in before.split()] == [float(word) for word in after.split()]
    except ValueError:
        return False


def _undefined(before: object, after: object) -> bool:
    return (before, after) == ("undefined", "gray")


def _empty(before: object, after: object) -> bool:
    return before is None and after == ""


def _was_not_seen(before: object, after: object) -> bool:
    return before is None


def _is_lost(before: object, after: object) -> bool:
    return after is None


ALLOWED = (
    Allowance(
        r"(band \d+ )?tag \[IMAGE_STRUCTURE\] (?!MINISWHITE)", "compression and layout belong to the file; the output has its own"
    ),
    Allowance(r"tag \[DERIVED_SUBDATASETS\] ", "GDAL computes them of any raster"),
    Allowance(r"tag \[SUBDATASETS\] ", "other images of the file that the scene came from; the output holds this one"),
    Allowance(r"tag \[SARCODEC\] ", "the record of what the pixels went through"),
    Allowance(r"tag \[xml:VRT\] ", "the recipe of a VRT; the output holds the pixels that it made"),
    Allowance(r"tag \[\] AREA_OR_POINT", "Area is what every reader assumes", only=_default_area),
    Allowance(r"tag \[RPC\] ", "the same numbers: GeoTIFF holds doubles, and GDAL spells them", only=_same_numbers),
    Allowance(r"band 1 colour$", "the first band of a GeoTIFF that says nothing of colour is gray", only=_undefined),
    Allowance(r"band \d+ colour table", "TIFF has one for the first band alone", "colour table of band", only=_is_lost),
    Allowance(r"band \d+ attribute table", "read from .aux.xml alone; other forms have it elsewhere", only=_was_not_seen),
    Allowance(r".*tag ", "GDAL does not show every empty tag that is in a file", only=_empty),
    Allowance(r"mask form", "the mask of a raster that is no GeoTIFF takes the form that a GeoTIFF has", only=_was_not_seen),
    Allowance(
        r"crs( wkt)?$",
        "GDAL shows no CRS of a GeoTIFF with control points, although it is in the file",
        "the CRS: GDAL does not show it",
        only=_is_lost,
    ),
    Allowance(r"crs wkt", "the same CRS: GeoTIFF holds keys, and GDAL spells the words from them"),
    Allowance(r"transform", "a GeoTIFF with AREA_OR_POINT=Point holds the centre of the first pixel, so last digits move", only=_rounded),
    Allowance(
        r"(band \d+ )?tag \[\] (STATISTICS_|TIFFTAG_M(IN|AX)SAMPLEVALUE)",
        "figures of the pixels before, untrue of those after",
        "statistic",
        only=_is_lost,
    ),
)  # fmt: skip
"""Everything that may differ after compress and decompress. Overviews are no facet: the output has none, gdaladdo makes them."""


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


def differences(before: Facets, after: Facets) -> list[Difference]:
    """Facets that are not equal, in the order in which they are said."""
    names = [*before, *(name for name in after if name not in before)]
    return [Difference(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]


def allowance(difference: Difference, notes: str) -> Allowance | None:
    """The entry of ALLOWED that covers a difference; `notes` is what was said on stderr or in the reports."""
    for entry in ALLOWED:
        if not re.match(entry.facet, difference.facet) or not _fits(entry, difference):
            continue
        if entry.note is None or re.search(entry.note, notes, re.IGNORECASE):
            return entry
    return None


def _fits(entry: Allowance, difference: Difference) -> bool:
    try:
        return entry.only(difference.before, difference.after)
    except (TypeError, AttributeError):  # one of them is not there
        return False


def faults(before: Facets, after: Facets, notes: str = "") -> list[str]:
    """Differences that nothing in ALLOWED covers, a line each."""
    return [str(found) for found in differences(before, after) if allowance(found, notes) is None]


def _short(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    if len(text) <= 80:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{text[:60]}... ({len(text)} characters, {digest})"


@dataclass(frozen=True)
class Promise:
    """Of the pixels of a band. domain None: every bit. bound_db None with a domain: only that the error is plausible.

    level = 20 log10(v) of amplitude, 10 log10(v) of power, or v in dB itself, where v = pixel * scale + offset.
    """

    domain: str | None = None
    bound_db: float | None = None
    scale: float = 1.0
    offset: float = 0.0


def promises(kinds: list[tuple[str, str | None]], bound_db: float | None, before: Facets) -> list[Promise]:
    """What is promised of each band, by its kind ('learned', 'bounded', 'lossless', 'exact') and domain as the file says them."""
    return [_promise(*kind, bound_db, before, band) for band, kind in enumerate(kinds, start=1)]


def _promise(kind: str, domain: str | None, bound_db: float | None, before: Facets, band: int) -> Promise:
    if kind in ("exact", "lossless") or (kind == "bounded" and not bound_db):
        return Promise()
    scale, offset = (float(before[f"band {band} {name}"]) for name in ("scale", "offset"))
    return Promise(
        domain, bound_db if kind == "bounded" else None, *((scale, offset) if domain == "db" else (1.0, 0.0))
    )


PLAUSIBLE_RMSE_DB = 1.5
"""Three times what quality 60 does to speckle: more says that the pixels were taken for something else."""


def strips(rows: int, cols: int) -> Iterator[Window]:
    """Windows over a raster, a few rows each."""
    for row in range(0, rows, _ROWS):
        yield Window(0, row, cols, min(_ROWS, rows - row))


def pixel_faults(before: str | Path, after: str | Path, promises: list[Promise]) -> list[str]:
    """Bands whose masks or pixels are not as promised, a line each. Raises rasterio's errors where pixels cannot be read."""
    with quiet_open(before) as old, quiet_open(after) as new, warnings.catch_warnings():
        warnings.simplefilter("ignore", NodataShadowWarning)
        if (old.shape, old.count, old.dtypes) != (new.shape, new.count, new.dtypes):
            return ["shape or type differ"]
        return [
            line
            for band, promise in zip(old.indexes, promises, strict=True)
            for line in _band_faults(old, new, band, promise)
        ]


def _band_faults(old, new, band: int, promise: Promise) -> list[str]:
    masks = bits = broken = valid_count = 0
    squares = 0.0
    for window in strips(*old.shape):
        hidden = old.read_masks(band, window=window)
        masks += int((hidden != new.read_masks(band, window=window)).sum())
        a, b = old.read(band, window=window), new.read(band, window=window)
        differ = _bits(a) != _bits(b)
        if promise.domain is None:
            bits += int(differ.sum())
            continue
        nodata = old.nodatavals[band - 1]
        valid = _valid(a, promise.domain, nodata)
        bits += int((differ & ~valid).sum()) + int((valid & ~_valid(b, promise.domain, nodata)).sum())
        valid &= _valid(b, promise.domain, nodata) & (hidden > 0)
        error = np.abs(_level_db(b[valid], promise) - _level_db(a[valid], promise))
        broken += int((error > (promise.bound_db or np.inf) * (1 + 1e-9) + 1e-9).sum())
        squares += float((error**2).sum())
        valid_count += error.size
    lines = [f"band {band}: the mask differs in {masks} pixels"] if masks else []
    lines += [f"band {band}: {bits} pixels that had to come back exactly did not"] if bits else []
    lines += [f"band {band}: {broken} pixels break the bound of {promise.bound_db:g} dB"] if broken else []
    rmse = (squares / valid_count) ** 0.5 if valid_count else 0.0
    if promise.bound_db is None and rmse > PLAUSIBLE_RMSE_DB:
        lines.append(f"band {band}: the error is {rmse:.2f} dB")
    return lines


def _bits(pixels: np.ndarray) -> np.ndarray:
    return pixels.view(f"u{pixels.itemsize}") if pixels.dtype.kind == "f" else pixels


def _valid(pixels: np.ndarray, domain: str, nodata: float | None) -> np.ndarray:
    valid = np.isfinite(pixels) if pixels.dtype.kind == "f" else np.ones(pixels.shape, bool)
    if domain != "db":
        valid &= pixels > 0
    if nodata is not None and np.isfinite(nodata):
        valid &= pixels != pixels.dtype.type(nodata)
    return valid


def _level_db(pixels: np.ndarray, promise: Promise) -> np.ndarray:
    physical = pixels.astype(np.float64) * promise.scale + promise.offset
    if promise.domain == "db":
        return physical
    with np.errstate(divide="ignore", invalid="ignore"):
        return (20 if promise.domain == "amplitude" else 10) * np.log10(np.abs(physical))

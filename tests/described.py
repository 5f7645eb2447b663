"""Small rasters with all that a raster can say: strategies of hypothesis, and the raster of a draw.

In: draws. Out: files in a folder, written by rasterio, with a .msk or a VRT where a GeoTIFF cannot hold it. Knows nothing of sarcodec.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import rasterio
import rasterio.shutil
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC
from rasterio.transform import Affine

DTYPES = ("uint8", "uint16", "int16", "float32", "int8", "int32", "uint32", "float64")
EXACT = {"angle": "incidence_angle", "flags": "layover_shadow_mask", "alpha": None, "classes": None}
"""Kinds of bands that are not radar, and the names by which they are known."""

_KEYS = st.sampled_from(
    ["POLARISATION", "S1:MODE", "S1:ORBIT", "key with spaces", "Größe", "a.b/c", "TIFFTAG_ARTIST", "TIFFTAG_SOFTWARE"]
)
_VALUES = st.sampled_from(["VV", "1", "", "a=b; c: d", "<&\">'", "Zürich, 東京", "x" * 3000, "two\nlines", "1e-300"])
_TAGS = st.dictionaries(_KEYS, _VALUES, max_size=4)
_DOMAINS = st.dictionaries(st.sampled_from(["", "PROCESSOR", "S1 orbit", "GEOLOCATION"]), _TAGS, max_size=3)
_CUSTOM_CRS = "+proj=laea +lat_0=51.5 +lon_0=7.25 +x_0=1000 +y_0=2000 +ellps=GRS80 +units=m +no_defs"
_CRS = st.sampled_from([None, "EPSG:32633", "EPSG:4326", "EPSG:3857", "EPSG:2056", _CUSTOM_CRS])
_TRANSFORMS = st.sampled_from(
    [
        None,
        Affine(10, 0, 500_000, 0, -10, 6_000_000),
        Affine(0.1, 0, 7.3, 0, -0.1, 51.7),
        Affine(7.07, 7.07, 400_000, 7.07, -7.07, 5_000_000),
        Affine(25, 0, -3, 0, 25, 4),
    ]
)


@dataclass(frozen=True)
class Described:
    """What a raster is to hold. bands: 'radar' or a key of EXACT, each; nodata: one a band, or none; side: has a .aux.xml."""

    seed: int
    rows: int
    cols: int
    dtype: str
    domain: str
    bands: tuple[str, ...]
    mask: str | None
    nodata: tuple[float, ...]
    crs: str | None
    transform: Affine | None
    points: tuple[GroundControlPoint, ...]
    rpc: bool
    point_pixels: bool
    scale: float
    offset: float
    tags: dict[str, dict[str, str]]
    band_tags: dict[str, dict[str, str]]
    described: bool
    side: bool

    @property
    def vrt(self) -> bool:
        """Whether a GeoTIFF that GDAL writes cannot hold it."""
        return len(set(map(repr, self.nodata))) > 1 or (bool(self.points) and self.transform is not None)


@st.composite
def described(draw: st.DrawFn) -> Described:
    """Any combination that has a meaning."""
    dtype = draw(st.sampled_from(DTYPES))
    is_float = dtype.startswith("float")
    domain = draw(
        st.sampled_from(("amplitude", "power", "db") if is_float else ("amplitude", "amplitude", "power", "db"))
    )
    if domain == "db" and dtype not in ("int16", "uint8", "float32", "float64"):
        domain = "amplitude"
    bands = _bands(draw, dtype)
    mask = draw(st.sampled_from([None, None, "internal", "sidecar", "bands"])) if "alpha" not in bands else None
    nodata = _nodata(draw, dtype, domain, len(bands)) if mask is None and "alpha" not in bands else ()
    points = draw(_points()) if draw(st.integers(0, 3)) == 0 else ()
    scale, offset = (
        {"int16": (0.01, -10.0), "uint8": (0.2, -40.0)}.get(dtype, (1.0, 0.0)) if domain == "db" else (1.0, 0.0)
    )
    transform = draw(_TRANSFORMS)
    return Described(
        seed=draw(st.integers(0, 1 << 20)),
        rows=draw(st.sampled_from([1, 7, 32, 64])),
        cols=draw(st.sampled_from([1, 9, 33, 64])),
        dtype=dtype,
        domain=domain,
        bands=bands,
        mask=mask,
        nodata=nodata,
        crs=draw(_CRS) if transform is not None or not points else None,
        transform=transform,
        points=points,
        rpc=draw(st.integers(0, 3)) == 0,
        point_pixels=draw(st.booleans()),
        scale=scale,
        offset=offset,
        tags=draw(_DOMAINS),
        band_tags=draw(_DOMAINS),
        described=draw(st.booleans()) or domain == "db",
        side=draw(st.booleans()),
    )


def _bands(draw: st.DrawFn, dtype: str) -> tuple[str, ...]:
    if dtype == "uint8" and draw(st.integers(0, 5)) == 0:
        return ("classes",)  # A GeoTIFF has a colour table for its only band.
    others = ["flags", "alpha"] if dtype in ("uint8", "uint16") else ["flags", "angle"]
    return ("radar",) * draw(st.integers(1, 2)) + tuple(draw(st.sampled_from([[], [], [others[0]], [others[1]]])))


def _nodata(draw: st.DrawFn, dtype: str, domain: str, count: int) -> tuple[float, ...]:
    if dtype.startswith("float"):
        values = [float("nan"), -9999.0, float(np.finfo(np.float32).min)] + ([] if domain == "db" else [0.0])
    else:
        values = [0.0, float(np.iinfo(dtype).max)]
    kind = draw(st.sampled_from(["none", "one", "by band"]))
    if kind == "none":
        return ()
    if kind == "one":
        return (draw(st.sampled_from(values)),) * count
    return tuple(draw(st.sampled_from(values)) for _ in range(count))


@st.composite
def _points(draw: st.DrawFn) -> tuple[GroundControlPoint, ...]:
    named = draw(st.booleans())
    places = [(row, col) for row in (0.0, 10.5, 63.0) for col in (0.5, 31.25, 64.0)][: draw(st.integers(4, 9))]
    return tuple(
        GroundControlPoint(
            row, col, 7 + col / 700, 51 - row / 900, 100.25 * number, f"p{number}" if named else str(number + 1)
        )
        for number, (row, col) in enumerate(places)
    )


def write(scene: Described, folder: Path) -> Path:
    """The raster of a draw in `folder`; gives the path to open."""
    path = folder / "scene.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        _write_tiff(scene, path)
        if scene.mask == "bands":
            _write_band_masks(scene, path)
        if scene.side and not scene.vrt:
            Path(f"{path}.aux.xml").write_text(_SIDE, encoding="utf-8")
        return _wrapped(scene, path) if scene.vrt else path


def _write_tiff(scene: Described, path: Path) -> None:
    shape = len(scene.bands), scene.rows, scene.cols
    tiff = replace(scene, points=(), nodata=()) if scene.vrt else scene
    options = {"crs": tiff.crs, "transform": tiff.transform} if not tiff.points else {}
    with rasterio.open(
        path, "w", driver="GTiff", count=shape[0], height=shape[1], width=shape[2], dtype=scene.dtype,
        **({"nodata": tiff.nodata[0]} if tiff.nodata else {}), **{k: v for k, v in options.items() if v is not None},
    ) as dataset:  # fmt: skip
        if scene.point_pixels:
            dataset.update_tags(AREA_OR_POINT="Point")
        if tiff.points:
            dataset.gcps = (list(tiff.points), CRS.from_epsg(4326))
        if scene.rpc:
            dataset.rpcs = _RPC
        _describe(dataset, scene)
        for band, pixels in enumerate(_pixels(scene), start=1):
            dataset.write(pixels, band)
        if scene.mask in ("internal", "sidecar"):
            with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=scene.mask == "internal"):
                dataset.write_mask(_hidden(scene, 0))


def _describe(dataset: rasterio.io.DatasetWriter, scene: Described) -> None:
    colours = {"alpha": ColorInterp.alpha, "classes": ColorInterp.palette}
    if "alpha" in scene.bands or "classes" in scene.bands:
        gray = [ColorInterp.gray] + [ColorInterp.undefined] * (len(scene.bands) - 1)
        dataset.colorinterp = [colours.get(kind, usual) for kind, usual in zip(scene.bands, gray, strict=True)]
    for namespace, items in scene.tags.items():
        dataset.update_tags(ns=namespace or None, **items)
    for band, kind in enumerate(scene.bands, start=1):
        for namespace, items in scene.band_tags.items():
            dataset.update_tags(band, ns=namespace or None, **items)
        if EXACT.get(kind):
            dataset.set_band_description(band, EXACT[kind])
        if kind == "classes":
            dataset.write_colormap(band, {n: (n, 255 - n, (7 * n) % 256, 255) for n in range(256)})
        if kind == "radar" and scene.described:
            dataset.set_band_description(band, f"Band {band}")
            dataset.set_band_unit(band, {"db": "dB", "power": "sigma0 power", "amplitude": "DN"}[scene.domain])
    if scene.scale != 1.0:
        dataset.scales = [scene.scale if kind == "radar" else 1.0 for kind in scene.bands]
        dataset.offsets = [scene.offset if kind == "radar" else 0.0 for kind in scene.bands]


_RPC = RPC(
    height_off=100.5, height_scale=500.25, lat_off=51.5, lat_scale=0.75, long_off=7.25, long_scale=1.5,
    line_off=32.0, line_scale=33.0, samp_off=31.0, samp_scale=32.5, err_bias=1.25, err_rand=0.5,
    line_num_coeff=[0.001953125 * n for n in range(20)], line_den_coeff=[1.0] + [0.0] * 19,
    samp_num_coeff=[-0.0009765625 * n for n in range(20)], samp_den_coeff=[1.0] + [0.25] * 19,
)  # fmt: skip


_SIDE = """<PAMDataset>
<Metadata><MDI key="S1:MODE">IW</MDI><MDI key="S1:ORBIT">7 &lt; 8</MDI><MDI key="SIDE">said beside</MDI></Metadata>
<Metadata domain="xml:HISTORY" format="xml"><steps><step n="1">calibrated</step></steps></Metadata>
<PAMRasterBand band="1">
<CategoryNames><Category>nothing</Category><Category>water &amp; ice</Category><Category></Category><Category>land</Category></CategoryNames>
<Metadata><MDI key="CALIBRATION">sigma nought</MDI></Metadata>
<GDALRasterAttributeTable tableType="thematic">
<FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
<FieldDefn index="1"><Name>Class</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
<Row index="0"><F>0</F><F>nothing</F></Row><Row index="1"><F>1</F><F>water</F></Row>
</GDALRasterAttributeTable>
</PAMRasterBand>
</PAMDataset>
"""


def _pixels(scene: Described) -> list[np.ndarray]:
    random = np.random.default_rng(scene.seed)
    found = []
    for band, kind in enumerate(scene.bands):
        pixels = _radar(scene, random) if kind == "radar" else _exact(scene, kind, random)
        if kind == "radar" and scene.nodata:
            pixels[random.random(pixels.shape) < 0.1] = scene.nodata[band]
        found.append(pixels)
    return found


def _radar(scene: Described, random: np.random.Generator) -> np.ndarray:
    power = random.gamma(4.4, 1 / 4.4, (scene.rows, scene.cols))
    if scene.domain == "db":
        values = (10 * np.log10(power) - 12 - scene.offset) / scene.scale
    else:
        values = power * 0.05 if scene.domain == "power" else 200 * np.sqrt(power)
    if scene.dtype.startswith("float"):
        return values.astype(scene.dtype)
    if scene.domain != "db":
        values = values / (4 if scene.dtype in ("uint8", "int8") else 1) if scene.domain == "amplitude" else 400 * power
        values = np.maximum(values, 1)
    limits = np.iinfo(scene.dtype)
    return np.clip(np.rint(values), limits.min + (scene.domain == "db"), limits.max - 1).astype(scene.dtype)


def _exact(scene: Described, kind: str, random: np.random.Generator) -> np.ndarray:
    shape = scene.rows, scene.cols
    if kind == "alpha":
        return np.where(random.random(shape) < 0.2, 0, np.iinfo(scene.dtype).max).astype(scene.dtype)
    if kind == "angle":
        return np.add.outer(np.linspace(0, 1, shape[0]), np.linspace(29, 46, shape[1])).astype(scene.dtype)
    return random.integers(0, 4, shape).astype(scene.dtype)


def _hidden(scene: Described, band: int) -> np.ndarray:
    """Mask values (rows, cols): 255 where a pixel is to be seen."""
    seen = np.random.default_rng([scene.seed, band]).random((scene.rows, scene.cols)) < 0.8
    return np.where(seen, 255, 0).astype(np.uint8)


def _write_band_masks(scene: Described, path: Path) -> None:
    """A .msk with a mask of its own for every band."""
    count = len(scene.bands)
    with rasterio.open(
        f"{path}.msk", "w", driver="GTiff", count=count, height=scene.rows, width=scene.cols, dtype="uint8"
    ) as dataset:
        dataset.update_tags(**{f"INTERNAL_MASK_FLAGS_{band}": "0" for band in range(1, count + 1)})
        for band in range(1, count + 1):
            dataset.write(_hidden(scene, band), band)


def _wrapped(scene: Described, path: Path) -> Path:
    """A VRT over the GeoTIFF that says what a GeoTIFF cannot."""
    target = path.with_suffix(".vrt")
    rasterio.shutil.copy(path, target, driver="VRT")
    tree = ElementTree.parse(target)
    root = tree.getroot()
    if scene.points:
        points = ElementTree.Element("GCPList", Projection="EPSG:4326")
        for p in scene.points:
            ElementTree.SubElement(
                points, "GCP", Id=p.id, Pixel=repr(p.col), Line=repr(p.row), X=repr(p.x), Y=repr(p.y), Z=repr(p.z)
            )
        root.insert(0, points)
    for band, nodata in zip(root.findall("VRTRasterBand"), scene.nodata):
        element = ElementTree.Element("NoDataValue")
        element.text = repr(nodata)
        band.insert(0, element)
    tree.write(target)
    return target

"""Rasters of every kind for the tests, and all that GDAL says of one."""

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.control import GroundControlPoint
from rasterio.io import MemoryFile

from sarcodec.format.scene import pack_scene, unpack_scene
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import SceneReader, SceneWriter
from sarcodec.raster.quiet import open_reader, open_writer

ROWS, COLS = 20, 30
UTM = "<SRS>EPSG:32633</SRS><GeoTransform>500000, 10, 0, 6000000, 0, -10</GeoTransform>"


def tiff(path, count=1, dtype="uint16", setup=None, rows=ROWS, cols=COLS, **options):
    """A GeoTIFF by GDAL, with its side files if it makes any; setup(dataset) says more of it."""
    pixels = (np.arange(count * rows * cols).reshape(count, rows, cols) % 100 + 1).astype(dtype)
    options = {"height": rows, "width": cols, "count": count, "dtype": dtype, "driver": "GTiff"} | options
    with open_writer(path, **options) as dataset:
        if setup:
            setup(dataset)
        dataset.write(pixels)
    return Path(path)


def vrt(path, source, body="", band_bodies=("",), dtype="UInt16", encoding="utf-8"):
    """A VRT over `source`, with XML about the dataset and about each band."""
    bands = "".join(
        f'<VRTRasterBand dataType="{dtype}" band="{band}">{extra}<SimpleSource><SourceFilename relativeToVRT="1">'
        f"{Path(source).name}</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band, extra in enumerate(band_bodies, 1)
    )
    words = f'<VRTDataset rasterXSize="{COLS}" rasterYSize="{ROWS}">{body}{bands}</VRTDataset>'
    Path(path).write_bytes(words.encode(encoding))
    return Path(path)


def raw_tiff(path, texts, order="<"):
    """A TIFF of one strip, written byte by byte, with text tags {code: bytes} as another program may write them."""
    data = np.ones((ROWS, COLS), order + "u2").tobytes()
    entries = {256: COLS, 257: ROWS, 258: 16, 259: 1, 262: 1, 277: 1, 278: ROWS, 339: 1}
    entries = {code: (3, 1, struct.pack(order + "HH", value, 0)) for code, value in entries.items()}
    entries[273] = (4, 1, struct.pack(order + "I", 8))
    entries[279] = (4, 1, struct.pack(order + "I", len(data)))
    tail, begin = b"", 8 + len(data)
    for code, words in texts.items():
        words += b"\0" * max(1, 5 - len(words))
        entries[code] = (2, len(words), struct.pack(order + "I", begin + len(tail)))
        tail += words + b"\0" * (len(words) % 2)
    table = b"".join(struct.pack(order + "HHI4s", code, *entries[code]) for code in sorted(entries))
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(order + "HI", 42, begin + len(tail))
    Path(path).write_bytes(head + data + tail + struct.pack(order + "H", len(entries)) + table + b"\0" * 4)
    return Path(path)


def gdal_metadata(*items):
    """Bytes of the TIFF tag GDAL_METADATA; items: (name, text) or (name, text, attributes)."""
    lines = (f'<Item name="{item[0]}"{" ".join(("", *item[2:]))}>{item[1]}</Item>' for item in items)
    return f"<GDALMetadata>{''.join(lines)}</GDALMetadata>".encode()


def points(count, ids=None):
    return [
        GroundControlPoint(
            row=i // 110 / 3, col=i % 110 * 2.5, x=12 + i * 1e-5, y=45 + i / 7e6, z=i % 7 / 3, id=ids or str(i + 1)
        )
        for i in range(count)
    ]


def round_trip(source, target, changes=None, **options):
    """Read a raster, pack and unpack what it says, write it. Returns all notes; masks and pixels are copied too."""
    with SceneReader(source) as reader:
        info, whole = reader.info, Window(0, 0, reader.info.rows, reader.info.cols)
        kept = unpack_scene(pack_scene(info), info.rows, info.cols, info.count, info.dtype)
        assert repr(kept) == repr(info)
        with SceneWriter(target, replace(kept, **changes or {}), **options) as writer:
            for band in range(info.count):
                writer.write(band, whole, reader.read(band, whole))
            for plane in range(info.mask_planes):
                writer.write_mask(plane, whole, reader.read_mask(plane, whole))
        return (*reader.notes, *writer.notes)


LAYOUT = (
    "INTERLEAVE",
    "COMPRESSION",
    "COMPRESSION_REVERSIBILITY",
    "LAYOUT",
    "NBITS",
    "PREDICTOR",
    "OVERVIEW_RESAMPLING",
)
DERIVED = ("DERIVED_SUBDATASETS", "LocationInfo")


def facts(path):
    """What GDAL says of a raster, by name, apart from how its pixels are laid out."""
    with open_reader(path) as d:
        found = {
            "size": (d.height, d.width, d.count, d.dtypes),
            "crs": (d.crs, d.crs.to_wkt() if d.crs else None),
            "transform": tuple(d.transform),
            "gcps": [p.asdict() | {"id": p.id, "info": p.info or ""} for p in d.gcps[0]],
            "gcp crs": (d.gcps[1], d.gcps[1].to_wkt() if d.gcps[1] else None),
            "rpcs": d.rpcs.to_dict() if d.rpcs else None,
            "descriptions": d.descriptions, "units": tuple(u or None for u in d.units), "scales": d.scales,
            "offsets": d.offsets, "nodata": repr(d.nodatavals), "colours": [c.name for c in d.colorinterp],
            "mask flags": d.mask_flag_enums, "masks": d.read_masks().tolist(), "pixels": d.read().tobytes(),
            "colour tables": [colormap(d, band) for band in d.indexes], "tags": [],
        }  # fmt: skip
        for band in (0, *d.indexes):
            for domain in ("", *d.tag_namespaces(band)):
                if domain.startswith("json:"):
                    continue  # rasterio cuts these, and crashes on a text without a colon
                items = d.tags(band, ns=domain or None)
                found["tags"] += [
                    (band, domain, key, value) for key, value in items.items()
                    if domain not in DERIVED and not (domain == "IMAGE_STRUCTURE" and key in LAYOUT)
                    and (key, value) != ("AREA_OR_POINT", "Area")
                ]  # fmt: skip
        found["tags"].sort()
        with MemoryFile(ext=".vrt") as memory:
            rasterio.shutil.copy(d, memory.name, driver="VRT")
            account = memory.read().decode("utf-8", "replace")
        for name in ("CategoryNames", "GDALRasterAttributeTable"):
            parts = account.split(f"<{name}")[1:]
            found[name] = ["".join(part.split(f"</{name}>")[0].split()) for part in parts]
        srs = account.split("<SRS")[1].split(">")[0] if "<SRS" in account else ""
        found["axes"] = srs
    return found


def colormap(dataset, band):
    try:
        return dataset.colormap(band)
    except ValueError:
        return None


def tag(path, key, band=0, domain=None):
    with open_reader(path) as dataset:
        return dataset.get_tag_item(key, domain, bidx=band)


def differing(first, second):
    """Names of the facts in which two rasters differ, with both."""
    first, second = facts(first), facts(second)
    return {name: (first[name], second[name]) for name in first if first[name] != second[name]}

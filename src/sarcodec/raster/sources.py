"""What can be read of a raster besides rasterio's words: GDAL's own account of it as XML, and the files behind it.

In: an open dataset. Out: Sources. Reads no pixels.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from sarcodec.errors import UnreadableScene
from sarcodec.raster import tiff_tags
from sarcodec.raster.gdal_xml import Item, decode, pam_items, pam_units, parse, tiff_items, tiff_units
from sarcodec.raster.masks import mask_kind
from sarcodec.raster.quiet import open_reader
from sarcodec.raster.tiff_tags import Tag

_DIRECTORY = re.compile(r"GTIFF_DIR:(?:(off):)?(\d+):.*", re.DOTALL)
_MOST_BYTES = 64 << 20
_STEADY = ("GTiff", "COG", "VRT")


@dataclass(frozen=True)
class Sources:
    """account: GDAL's XML of the dataset (a VRT of it); side: the .aux.xml; items: all words of metadata in any;
    directory: the TIFF's tags, empty for other rasters; extra_samples: what TIFF says of bands beyond the colours;
    whole: whether GDAL's tag of metadata is sound XML; with_units: bands (from 1) of which the file or a side file tells a unit."""

    account: ElementTree.Element
    side: ElementTree.Element | None
    items: tuple[Item, ...]
    directory: tuple[Tag, ...] = ()
    extra_samples: tuple[int, ...] = ()
    whole: bool = True
    with_units: frozenset[int] = frozenset()


def sources_of(dataset: rasterio.DatasetReader) -> Sources:
    """Raises UnreadableScene where a side file is there that cannot be read."""
    account = _account(dataset)
    path = next((name for name in dataset.files if os.path.isfile(name)), None)
    if dataset.driver == "VRT" and not os.path.isfile(dataset.name):
        path = None  # Made up of a name or a text: the first file is that of a source, with side files of its own.
    side = _side_file(f"{path}.aux.xml") if path else None
    if path:
        _check_mask(f"{path}.msk", dataset)
    own = _xml_file(path) if path and dataset.driver == "VRT" else None
    items = [*pam_items(own), *pam_items(side), *pam_items(account)]
    directory, extra = _tiff(dataset.name, path) if path and dataset.driver in ("GTiff", "COG") else ((), ())
    whole, units = True, set(pam_units(side))
    for tag in directory:
        if tag.code == tiff_tags.GDAL_METADATA:
            units.update(tiff_units(tag.data.rstrip(b"\0")))
            items += tiff_items(tag.data.rstrip(b"\0"))
            whole = parse(tag.data.rstrip(b"\0")) is not None
        elif tag.code == tiff_tags.XMP:
            items.append(Item(0, "xml:XMP", "xml:XMP", decode(tag.data.rstrip(b"\0"))))
    return Sources(account, side, tuple(items), directory, extra, whole, frozenset(units))


def _account(dataset: rasterio.DatasetReader) -> ElementTree.Element:
    """A VRT of the dataset holds all that GDAL knows of it, as far as a VRT can; empty where GDAL cannot make one."""
    if dataset.driver not in _STEADY:  # some (GeoPackage) forget tags while they are copied: another opening may
        with suppress(RasterioError, OSError), open_reader(dataset.name) as again:
            return _copied(again)
    return _copied(dataset)


def _copied(dataset: rasterio.DatasetReader) -> ElementTree.Element:
    found = None
    with suppress(RasterioError, OSError), MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(dataset, memory.name, driver="VRT")
        found = parse(memory.read())
    return found if found is not None else ElementTree.Element("VRTDataset")


def _side_file(path: str) -> ElementTree.Element | None:
    """GDAL passes over one that it cannot read, without a word."""
    found = _xml_file(path)
    if found is None and os.path.isfile(path):
        raise _damaged(path, "georeferencing and tags")
    return found


def _check_mask(path: str, dataset: rasterio.DatasetReader) -> None:
    listed = os.path.basename(path) in map(os.path.basename, dataset.files)
    if os.path.isfile(path) and not (listed and mask_kind(dataset).mask):
        raise _damaged(path, "mask")


def _damaged(path: str, what: str) -> UnreadableScene:
    return UnreadableScene(
        f"cannot read {path}, which may hold the scene's {what}; expected a sound side file. Copy it again, or remove it "
        "if the scene should be taken without"
    )


def _xml_file(path: str) -> ElementTree.Element | None:
    with suppress(OSError), open(path, "rb") as file:
        return parse(file.read(_MOST_BYTES))
    return None


def _tiff(name: str, path: str) -> tuple[tuple[Tag, ...], tuple[int, ...]]:
    index, offset = 0, None
    found = _DIRECTORY.fullmatch(name)
    if found and found[1]:
        offset = int(found[2])
    elif found:
        index = int(found[2]) - 1
    try:
        directory = tiff_tags.read_directory(path, index, offset)
        extra = [tiff_tags.integers(path, tag) for tag in directory if tag.code == tiff_tags.EXTRA_SAMPLES]
    except (tiff_tags.NotTiff, OSError):
        return (), ()  # GDAL opened it: a TIFF of a kind that is not known here.
    return directory, extra[0] if extra else ()


def usual_axes(wkt: str) -> str | None:
    """GDAL's mapping of axes for a CRS of which nothing else is said: the data's x is east (or as the CRS has it)."""
    root = ElementTree.Element("VRTDataset", rasterXSize="1", rasterYSize="1")
    ElementTree.SubElement(root, "SRS").text = wkt
    ElementTree.SubElement(root, "VRTRasterBand", dataType="Byte", band="1")
    with suppress(RasterioError, OSError), open_reader(ElementTree.tostring(root, encoding="unicode")) as dataset:
        element = _account(dataset).find("SRS")
        return element.get("dataAxisToSRSAxisMapping") if element is not None else None
    return None

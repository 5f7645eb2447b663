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

from sarcodec.raster import tiff_tags
from sarcodec.raster.gdal_xml import Item, decode, pam_items, parse, tiff_items
from sarcodec.raster.quiet import open_reader
from sarcodec.raster.tiff_tags import Tag

_DIRECTORY = re.compile(r"GTIFF_DIR:(?:(off):)?(\d+):.*", re.DOTALL)
_MOST_BYTES = 64 << 20


@dataclass(frozen=True)
class Sources:
    """account: GDAL's XML of the dataset (a VRT of it); side: the .aux.xml; items: all words of metadata in any of them;
    directory: the TIFF's tags, empty for other rasters; extra_samples: what TIFF says of bands beyond the colours."""

    account: ElementTree.Element
    side: ElementTree.Element | None
    items: tuple[Item, ...]
    directory: tuple[Tag, ...] = ()
    extra_samples: tuple[int, ...] = ()


def sources_of(dataset: rasterio.DatasetReader) -> Sources:
    account = _account(dataset)
    path = next((name for name in dataset.files if os.path.isfile(name)), None)
    side = _xml_file(f"{path}.aux.xml") if path else None
    own = _xml_file(path) if path and dataset.driver == "VRT" else None
    items = [*pam_items(own), *pam_items(side), *pam_items(account)]
    directory, extra = _tiff(dataset.name, path) if path and dataset.driver in ("GTiff", "COG") else ((), ())
    for tag in directory:
        if tag.code == tiff_tags.GDAL_METADATA:
            items += tiff_items(tag.data.rstrip(b"\0"))
        elif tag.code == tiff_tags.XMP:
            items.append(Item(0, "xml:XMP", "xml:XMP", decode(tag.data.rstrip(b"\0"))))
    return Sources(account, side, tuple(items), directory, extra)


def _account(dataset: rasterio.DatasetReader) -> ElementTree.Element:
    """A VRT of the dataset holds all that GDAL knows of it, as far as a VRT can; empty where GDAL cannot make one."""
    found = None
    with suppress(RasterioError, OSError), MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(dataset, memory.name, driver="VRT")
        found = parse(memory.read())
    return found if found is not None else ElementTree.Element("VRTDataset")


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

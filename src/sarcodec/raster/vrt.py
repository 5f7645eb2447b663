"""A VRT whose pixels a Python function gives: what a scene says, as GDAL itself would write it of the scene's GeoTIFF.

In: a SceneInfo and, for each image of the file, arguments of the function; out: the text of the VRT. Knows no compressed file. The words of
VRTs are those of GDAL's page on the driver (https://gdal.org/drivers/raster/vrt.html, pixel functions in Python).
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import rasterio.shutil

from sarcodec.errors import SarcodecError
from sarcodec.format.scene import SceneInfo, Tags
from sarcodec.raster.gdal import GDAL_ERRORS, reason
from sarcodec.raster.quiet import environment
from sarcodec.raster.sidecar import add_metadata, written
from sarcodec.raster.skeleton import BLOCK_PX, empty_geotiff

Arguments: TypeAlias = Callable[[int], Mapping[str, str]]
"""Of the pixel function, for a plane: a band, or a mask behind the bands, from 0."""
MASK_TYPE = "Byte"
_CLASS, _SOURCES = "VRTDerivedRasterBand", ("SimpleSource", "ComplexSource", "MaskBand", "Overview")


def vrt(
    function: str, info: SceneInfo, arguments: Arguments, overviews: Sequence[tuple[SceneInfo, Arguments]]
) -> bytes:
    """The text of a VRT in UTF-8.

    function: module and name of a pixel function, with dots between; info: what the scene says; overviews: the same of smaller pictures of it,
    with arguments of their own. These are VRTs within the VRT, so that it stays one file. Raises SarcodecError where GDAL refuses.
    """
    root = ET.fromstring(_said(info))
    _tell_numbers(root, info)
    inside = [ET.tostring(_plain(function, small, own), "unicode") for small, own in overviews]
    _tell_tags(root, info.tags)
    for plane, band in enumerate(root.findall("VRTRasterBand")):
        _tell_tags(band, info.band_tags[plane])
        _derive(band, function, arguments(plane), info)
        for text in inside:
            overview = ET.SubElement(band, "Overview")
            ET.SubElement(overview, "SourceFilename", relativeToVRT="0").text = text
            ET.SubElement(overview, "SourceBand").text = str(plane + 1)
    _add_masks(root, function, info, arguments)
    ET.indent(root)
    return (written(root) + "\n").encode()


def _said(info: SceneInfo) -> bytes:
    """GDAL's own VRT of a GeoTIFF that says `info`, with that file as the source of pixels."""
    try:
        with empty_geotiff(info) as (path, _):
            target = Path(path).with_suffix(".vrt")
            with environment(GDAL_PAM_ENABLED=True):
                rasterio.shutil.copy(str(path), str(target), driver="VRT")
            return target.read_bytes()
    except GDAL_ERRORS as error:
        raise SarcodecError(f"cannot describe the scene as a VRT: {reason(error)}") from error


def _tell_numbers(root: ET.Element, info: SceneInfo) -> None:
    """All digits of what GDAL rounds as it writes a VRT, which it reads again as they are."""
    for p, point in zip(info.gcps, root.iterfind("GCPList/GCP")):
        point.attrib |= {"Pixel": repr(p.col), "Line": repr(p.row), "X": repr(p.x), "Y": repr(p.y), "Z": repr(p.z)}
    for number, band in enumerate(root.findall("VRTRasterBand")):
        told = {"NoDataValue": info.nodata[number], "Scale": info.scales[number], "Offset": info.offsets[number]}
        for name, value in told.items():
            if (element := band.find(name)) is not None:
                element.text = repr(value)


def _tell_tags(element: ET.Element, tags: Tags) -> None:
    """Every word of metadata: GDAL copies only some domains into a VRT. What it found beside ours stays."""
    for domain, items in tags:
        theirs = [found for found in element.findall("Metadata") if found.get("domain", "") == domain]
        more = [(item.get("key", ""), item.text or "") for found in theirs for item in found.findall("MDI")]
        for found in theirs:
            element.remove(found)
        add_metadata(element, domain, {**dict(more), **dict(items)}.items())


def _derive(band: ET.Element, function: str, arguments: Mapping[str, str], info: SceneInfo) -> None:
    """Turn a band with a source into one whose pixels the function gives."""
    for name in _SOURCES:
        for child in band.findall(name):
            band.remove(child)
    band.set("subClass", _CLASS)
    band.set("blockXSize", str(min(BLOCK_PX, info.cols)))
    band.set("blockYSize", str(min(BLOCK_PX, info.rows)))
    ET.SubElement(band, "PixelFunctionType").text = function
    ET.SubElement(band, "PixelFunctionLanguage").text = "Python"
    ET.SubElement(band, "PixelFunctionArguments", dict(arguments))


def _plain(function: str, info: SceneInfo, arguments: Arguments) -> ET.Element:
    """A VRT of pixels, masks and nodata alone."""
    root = ET.Element("VRTDataset", rasterXSize=str(info.cols), rasterYSize=str(info.rows))
    for plane, nodata in enumerate(info.nodata):
        band = ET.SubElement(root, "VRTRasterBand", dataType=data_type(info.dtype), band=str(plane + 1))
        if nodata is not None:
            ET.SubElement(band, "NoDataValue").text = repr(nodata)
        _derive(band, function, arguments(plane), info)
    _add_masks(root, function, info, arguments)
    return root


def _add_masks(root: ET.Element, function: str, info: SceneInfo, arguments: Arguments) -> None:
    """The mask of all bands, or of each band that has one."""
    if info.mask == "dataset":
        _add_mask(root, function, info, arguments(info.count))
    elif info.mask == "bands":
        for plane, (band, own) in enumerate(zip(root.findall("VRTRasterBand"), info.masked_bands, strict=True)):
            if own:
                _add_mask(band, function, info, arguments(info.count + plane))


def _add_mask(parent: ET.Element, function: str, info: SceneInfo, arguments: Mapping[str, str]) -> None:
    band = ET.SubElement(ET.SubElement(parent, "MaskBand"), "VRTRasterBand", dataType=MASK_TYPE)
    _derive(band, function, arguments, info)


def data_type(dtype: str) -> str:
    """GDAL's name of a type of pixels, of NumPy's."""
    return "Byte" if dtype == "uint8" else dtype.replace("ui", "uI").capitalize().replace("Uint", "UInt")

"""The side file .aux.xml, where GDAL looks for what a GeoTIFF cannot hold.

In: a SceneInfo, and in what a GeoTIFF differs from it. Out: XML. Knows no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.comparing import Difference, merged
from sarcodec.raster.writing import colour_name

_ORDER = ("crs_wkt", "transform", "gcps")
_SPACE_FIRST = re.compile(r"(<[A-Za-z][^<>]*(?<!/)>)([ \t\n])(?=[^<]*</)")  # of an element without others in it
_UNTOLD = ("mask", "colormaps")  # GDAL takes neither from here


def compose(info: SceneInfo, missing: Iterable[Difference]) -> bytes | None:
    """The file, or None where nothing of what is missing can be said in it."""
    root = Element("PAMDataset")
    told = merged(difference for difference in missing if difference.field not in _UNTOLD)
    for difference in sorted(told, key=lambda d: _ORDER.index(d.field) if d.field in _ORDER else len(_ORDER)):
        if difference.band:
            _tell_band(_band_element(root, difference.band), info, difference)
        else:
            _tell_scene(root, info, difference)
    # Characters that XML cannot hold are left out, and the difference stays.
    return written(root).encode() if len(root) else None


def written(root: Element) -> str:
    """XML whose texts GDAL reads whole: it passes over spaces before a text unless they are references."""
    text = ElementTree.tostring(root, "unicode")
    return _SPACE_FIRST.sub(lambda found: f"{found[1]}&#{ord(found[2])};", text)


def _tell_scene(root: Element, info: SceneInfo, difference: Difference) -> None:
    if difference.field == "crs_wkt" and info.crs_wkt is not None:
        srs = SubElement(root, "SRS", _axes(info.crs_axes))
        srs.text = _held(info.crs_wkt)
        if info.crs_epoch is not None:
            srs.set("coordinateEpoch", repr(info.crs_epoch))
    elif difference.field == "transform" and info.transform is not None:
        a, b, c, d, e, f = info.transform
        SubElement(root, "GeoTransform").text = ", ".join(map(repr, (c, a, b, f, d, e)))
    elif difference.field == "gcps" and info.gcps:
        _tell_points(root, info)
    elif difference.field == "tags":
        _tell_tags(root, dict(info.tags)[difference.domain], difference)


def _axes(mapping: str | None) -> dict[str, str]:
    return {} if mapping is None else {"dataAxisToSRSAxisMapping": mapping}


def _tell_points(root: Element, info: SceneInfo) -> None:
    points = SubElement(root, "GCPList", _axes(info.gcp_crs_axes))
    points.set("Projection", _held(info.gcp_crs_wkt or ""))
    for p in info.gcps:
        numbers = {"Pixel": p.col, "Line": p.row, "X": p.x, "Y": p.y, "Z": p.z}
        words = {"Id": _held(p.id), "Info": _held(p.info)}
        SubElement(points, "GCP", words | {key: repr(value) for key, value in numbers.items()})


def _band_element(root: Element, band: int) -> Element:
    found = root.find(f"PAMRasterBand[@band='{band}']")
    return found if found is not None else SubElement(root, "PAMRasterBand", band=str(band))


def _tell_band(parent: Element, info: SceneInfo, difference: Difference) -> None:
    index = difference.band - 1
    single = {
        "nodata": ("NoDataValue", info.nodata[index]),
        "descriptions": ("Description", info.descriptions[index]),
        "units": ("UnitType", info.units[index]),
        "scales": ("Scale", info.scales[index]),
        "offsets": ("Offset", info.offsets[index]),
        "colorinterp": ("ColorInterp", colour_name(info.colorinterp[index])),
    }
    if difference.field in single:
        name, value = single[difference.field]
        if value is not None:
            SubElement(parent, name).text = _held(value) if isinstance(value, str) else repr(value)
    elif difference.field == "categories":
        names = SubElement(parent, "CategoryNames")
        for category in info.categories[index]:
            SubElement(names, "Category").text = _held(category)
    elif difference.field == "attribute_tables" and (table := info.attribute_tables[index]):
        with suppress(ElementTree.ParseError):  # What a corrupt file brings along stays out, and is named.
            parent.append(ElementTree.fromstring(table))
    elif difference.field == "tags":
        _tell_tags(parent, dict(info.band_tags[index])[difference.domain], difference)


def _tell_tags(parent: Element, items: Iterable[tuple[str, str]], difference: Difference) -> None:
    add_metadata(parent, difference.domain, [item for item in items if item[0] in difference.keys])


def add_metadata(parent: Element, domain: str, items: Iterable[tuple[str, str]]) -> None:
    """An element Metadata as GDAL has it in .aux.xml and in VRTs, with all items of a domain."""
    element = SubElement(parent, "Metadata", {"domain": _held(domain)} if domain else {})
    whole = dict(items)
    if domain.lower().startswith("json:"):
        element.set("format", "json")
        element.text = _held("".join(whole.values()))
    elif domain.lower().startswith("xml:"):
        element.set("format", "xml")
        with suppress(ElementTree.ParseError):
            element.append(ElementTree.fromstring("".join(whole.values())))
    else:
        for key, value in whole.items():
            SubElement(element, "MDI", key=_held(key)).text = _held(value)


def _held(words: str) -> str:
    """Without the characters that XML cannot hold."""
    return re.sub("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", words)

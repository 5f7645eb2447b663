"""Sentences about what of a raster will not come back, known when it is read.

In: an open dataset and what was found of it. Out: whole sentences, to be said when it is lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import rasterio

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.tags import FoundTags

if TYPE_CHECKING:
    from sarcodec.raster.sources import Sources

# Layout of the pixels, or read by GDAL and carried as what it means. Rows: baseline and extensions of TIFF 6, JPEG,
# XMP, GeoTIFF, EXIF and ICC, GDAL.
_READ_BY_GDAL = {
    *range(254, 260), 262, 266, 269, 270, 271, 272, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284, 296, 305, 306,
    315,
    316, 317, 318, 319, 320, 322, 323, 324, 325, 338, 339, 340, 341, 301, 292, 293,
    330, 347, 512, 513, 514, 515, 519, 520, 521, 529, 530, 531, 532, 700, 32995, 32996, 32997, 32998,
    33432, 33550, 33922, 34264, 34735, 34736, 34737,
    34665, 34675, 34853, 42112, 42113, 50674, 50844, 50909,
}  # fmt: skip
_ORIENTATION, _USUAL = 274, (b"\x01\0", b"\0\x01")


def lost_here(dataset: rasterio.DatasetReader, info: SceneInfo, sources: Sources, tags: FoundTags) -> tuple[str, ...]:
    """The sentences, in the order of their weight."""
    return tuple(
        sentence
        for part in (_words(sources, tags), _pixels(dataset, info, sources), _layout(dataset, sources))
        for sentence in part
    )


def _words(sources: Sources, tags: FoundTags) -> Iterator[str]:
    if not sources.whole:
        yield "The TIFF tag GDAL_METADATA is damaged: tags that GDAL cannot read of it will not come back."
    if tags.lost:
        yield f"These tags cannot be read and will not come back: {_listed(tags.lost)}."
    if tags.statistics:
        bands = sum(1 for band in tags.statistics if band)
        whose = f"{bands} band{'s' if bands != 1 else ''}" if bands else "the file"
        yield (
            f"The statistics of {whose} (tags STATISTICS_...) are dropped, since they would be wrong of decoded "
            "pixels; compute them anew with gdalinfo -stats."
        )


def _pixels(dataset: rasterio.DatasetReader, info: SceneInfo, sources: Sources) -> Iterator[str]:
    declared = {
        int(element.get("band", "0")): element.findtext("NoDataValue")
        for element in sources.account.findall("VRTRasterBand")
    }
    for band, nodata in enumerate(info.nodata, 1):
        if nodata is None and declared.get(band):
            yield (
                f"Band {band} declares the nodata {declared[band]}, which no {info.dtype} pixel can have; "
                "the declaration is dropped."
            )
    roots = (root for root in (sources.account, sources.side) if root is not None)
    if any(root.find(".//Histograms") is not None for root in roots):
        yield "The histograms are dropped, since they would be wrong of decoded pixels."
    colours = dataset.tags(ns="IMAGE_STRUCTURE").get("SOURCE_COLOR_SPACE")
    if colours and colours != "YCbCr":  # YCbCr is a way of storing red, green and blue.
        yield f"The file holds {colours} colours, which GDAL turns into red, green and blue: they come back as these."


def _layout(dataset: rasterio.DatasetReader, sources: Sources) -> Iterator[str]:
    counts = [len(dataset.overviews(band)) for band in dataset.indexes]
    if any(counts):
        yield f"The {max(counts)} overviews are not kept; make them anew with gdaladdo."
    if dataset.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG":
        yield "The order of a cloud-optimised GeoTIFF (COG) is not kept; make it anew with gdal_translate -of COG."
    foreign = sorted(tag.code for tag in sources.directory if _is_foreign(tag.code, tag.data))
    if foreign:
        yield f"TIFF tags that GDAL does not read are not kept: {_listed(map(str, foreign))}."


def _is_foreign(code: int, data: bytes) -> bool:
    if code == _ORIENTATION:
        return data[:2] not in _USUAL
    return code not in _READ_BY_GDAL or (code in (271, 272) and bool(data.strip(b"\0 ")))


def _listed(names: Iterable[str]) -> str:
    words = list(names)
    return ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")

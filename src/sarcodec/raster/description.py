"""What an open dataset says beside its pixels: whether it is taken, its SceneInfo, and what of it will not come back.

In: a dataset. Out: a Description, or an error for what sarcodec does not take. Touches no pixels and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from xml.etree import ElementTree

import rasterio
from rasterio.control import GroundControlPoint as RasterioPoint
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.transform import Affine

from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.format.scene import DTYPES, Colour, GroundControlPoint, SceneInfo, Tags, Transform
from sarcodec.raster.losses import lost_here
from sarcodec.raster.masks import mask_kind
from sarcodec.raster.sources import Sources, sources_of, usual_axes
from sarcodec.raster.tags import find_tags

_MOST_NAMES = 8
_ASSOCIATED_ALPHA = 1  # in the TIFF tag ExtraSamples: colours are multiplied by alpha already


@dataclass(frozen=True)
class Description:
    """What a raster says, and sentences about what of it will not come back."""

    info: SceneInfo
    notes: tuple[str, ...]


def check_supported(dataset: rasterio.DatasetReader, path: str) -> None:
    """Raise UnsupportedScene, saying what to do, unless it is one image whose pixels are of a kind that is taken."""
    with suppress(ValueError):  # Tags in that domain which name no images.
        if names := dataset.subdatasets:
            raise UnsupportedScene(_several_images(path, names))
    found = sorted(set(dataset.dtypes))
    if not found:
        raise UnsupportedScene(f"{path} has no bands; expected at least one")
    if len(found) > 1:
        raise UnsupportedScene(f"{path} mixes the pixel types {', '.join(found)}; expected one. Split it by band")
    dtype = found[0]
    if dtype.startswith("complex"):
        raise UnsupportedScene(
            f"{path} holds complex pixels ({dtype}); sarcodec compresses detected images, expected one of "
            f"{', '.join(DTYPES)}. Compress a detected product (GRD), or detect it first: amplitude = abs(pixel)"
        )
    if dtype not in DTYPES:
        raise UnsupportedScene(
            f"{path} holds {dtype} pixels; expected one of {', '.join(DTYPES)}. Convert it to a type that holds its "
            "values, for instance with gdal_translate -ot Float64"
        )


def _several_images(path: str, names: Sequence[str]) -> str:
    names = sorted(names, key=lambda name: [word.zfill(9) for word in re.split("([0-9]+)", name)])
    if len(names) == 1:
        return f"{path} is a container of images, expected one image. Name it: sarcodec compress '{names[0]}' out.sarc"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    listed = ", ".join(names[:_MOST_NAMES]) + more
    return (
        f"{path} holds {len(names)} images (subdatasets), expected one. Choose one by name, for instance: "
        f"sarcodec compress '{names[0]}' out.sarc. The names: {listed}"
    )


def read_info(dataset: rasterio.DatasetReader) -> SceneInfo:
    """All that a dataset says beside its pixels. An identity transform is none: nothing is invented."""
    return describe(dataset).info


def describe(dataset: rasterio.DatasetReader) -> Description:
    """read_info, and what will be lost."""
    sources = sources_of(dataset)
    tags, masks = find_tags(dataset, sources.items), mask_kind(dataset)
    points, gcp_crs = dataset.gcps
    transform: Affine = dataset.transform
    crs_wkt, gcp_crs_wkt = wkt_of(dataset.crs), wkt_of(gcp_crs) if points else None
    srs, gcp_list = sources.account.find("SRS"), sources.account.find("GCPList")
    bands = _Bands(dataset, sources)
    # Where a driver has no transform, rasterio may give what happens to be in memory.
    told = sources.account.find("GeoTransform") is not None or not len(sources.account)
    info = SceneInfo(
        rows=dataset.height,
        cols=dataset.width,
        count=dataset.count,
        dtype=dataset.dtypes[0],
        crs_wkt=crs_wkt,
        # Some drivers say -0.0.
        transform=None if not told or transform.is_identity else _numbers(transform),
        gcps=tuple(_from_rasterio(point) for point in points),
        gcp_crs_wkt=gcp_crs_wkt,
        nodata=tuple(None if value is None else float(value) for value in dataset.nodatavals),
        tags=_with_layout(tags.tags, _layout_of_dataset(dataset)),
        band_tags=bands.tags(tags.band_tags),
        descriptions=bands.words(lambda: dataset.descriptions, "Description"),
        units=bands.units(crs_wkt),
        scales=tuple(float(value) for value in dataset.scales),
        offsets=tuple(float(value) for value in dataset.offsets),
        colorinterp=tuple(value.name for value in dataset.colorinterp),
        crs_axes=_unusual_axes(srs, crs_wkt),
        gcp_crs_axes=_unusual_axes(gcp_list, gcp_crs_wkt),
        crs_epoch=_epoch(srs) if crs_wkt else None,
        mask=masks.mask,
        mask_form=masks.form,
        masked_bands=masks.bands,
        colormaps=bands.colormaps(),
        categories=bands.categories(),
        attribute_tables=bands.attribute_tables(),
    )
    return Description(info, lost_here(dataset, info, sources, tags))


def _numbers(transform: Affine) -> Transform:
    a, b, c, d, e, f = (float(value) + 0.0 for value in transform[:6])  # Some drivers say -0.0.
    return a, b, c, d, e, f


def _from_rasterio(point: RasterioPoint) -> GroundControlPoint:
    row, col, x, y, z = (float(value or 0.0) for value in (point.row, point.col, point.x, point.y, point.z))
    return GroundControlPoint(row, col, x, y, z, point.id or "", point.info or "")


def crs_of(given: object) -> CRS:
    """What rasterio makes a CRS of: WKT, 'EPSG:32633', 32633, an object with to_wkt. Raises InvalidArgument."""
    try:
        return CRS.from_user_input(given)
    except (CRSError, ValueError) as error:
        raise InvalidArgument(f"the CRS is {given!r}, which rasterio does not know: {error}") from error


def wkt_of(crs: CRS | None) -> str | None:
    """WKT 1, the shortest, where it says the same; else WKT 2."""
    if not crs:
        return None
    short = crs.to_wkt()
    with suppress(CRSError):
        whole, again = crs.to_wkt(version="WKT2_2019"), CRS.from_wkt(short)
        official = crs.to_authority() is not None and crs.to_authority() == again.to_authority()
        if again != crs or not (official or again.to_wkt(version="WKT2_2019") == whole):
            return str(whole)
    return str(short)


def _unusual_axes(element: ElementTree.Element | None, wkt: str | None) -> str | None:
    if element is None or not wkt:
        return None
    found = element.get("dataAxisToSRSAxisMapping")
    return found if found is not None and found != usual_axes(wkt) else None


def _epoch(srs: ElementTree.Element | None) -> float | None:
    epoch = srs.get("coordinateEpoch") if srs is not None else None
    with suppress(ValueError):
        return float(epoch) if epoch is not None else None
    return None


def _layout_of_dataset(dataset: rasterio.DatasetReader) -> tuple[tuple[str, str], ...]:
    found = dataset.tags(ns="IMAGE_STRUCTURE").get("MINISWHITE")
    return (("MINISWHITE", found),) if found else ()


def _with_layout(tags: Tags, items: tuple[tuple[str, str], ...]) -> Tags:
    return tuple(sorted((*tags, ("IMAGE_STRUCTURE", items)))) if items else tags


class _Bands:
    """What is said band by band and rasterio does not tell, or not always."""

    def __init__(self, dataset: rasterio.DatasetReader, sources: Sources) -> None:
        self._dataset = dataset
        found = {int(element.get("band", "0")): element for element in sources.account.findall("VRTRasterBand")}
        self._elements = [found.get(band, ElementTree.Element("VRTRasterBand")) for band in dataset.indexes]
        self._extra_samples = sources.extra_samples
        self._with_units = sources.with_units

    def words(self, read: Callable[[], Sequence[str | None]], name: str) -> tuple[str | None, ...]:
        """rasterio's words, or those of the XML where they are not UTF-8."""
        try:
            return tuple(text or None for text in read())
        except UnicodeDecodeError:
            return tuple(element.findtext(name) or None for element in self._elements)

    def units(self, crs_wkt: str | None) -> tuple[str | None, ...]:
        """GDAL gives the unit of a vertical CRS to every band of a GeoTIFF that has none; that is not the band's."""
        found = self.words(lambda: self._dataset.units, "UnitType")
        if self._dataset.driver not in ("GTiff", "COG") or not crs_wkt or not re.search("VERT_?(CS|CRS)", crs_wkt):
            return found
        return tuple(unit if band in self._with_units else None for band, unit in enumerate(found, 1))

    def tags(self, band_tags: Sequence[Tags]) -> tuple[Tags, ...]:
        return tuple(_with_layout(tags, self._layout(band)) for band, tags in zip(self._dataset.indexes, band_tags))

    def _layout(self, band: int) -> tuple[tuple[str, str], ...]:
        """Of IMAGE_STRUCTURE what changes the meaning of pixels; GDAL does not tell whether colours are multiplied by
        alpha.
        """
        items = []
        from_end = self._dataset.count - band
        is_alpha = self._dataset.colorinterp[band - 1].name == "alpha" and from_end < len(self._extra_samples)
        if is_alpha and self._extra_samples[len(self._extra_samples) - 1 - from_end] == _ASSOCIATED_ALPHA:
            items.append(("ALPHA", "PREMULTIPLIED"))
        bits = self._dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS")
        if bits and self.colormap(band):
            items.append(("NBITS", bits))  # A colour table is as long as the bits allow.
        return tuple(items)

    def colormap(self, band: int) -> tuple[Colour, ...]:
        try:
            found = self._dataset.colormap(band)
        except ValueError:  # as rasterio says that there is none
            return ()
        return tuple(found[value] for value in sorted(found))

    def colormaps(self) -> tuple[tuple[Colour, ...], ...]:
        return tuple(self.colormap(band) for band in self._dataset.indexes)

    def categories(self) -> tuple[tuple[str, ...], ...]:
        return tuple(
            tuple(item.text or "" for item in element.findall("CategoryNames/Category")) for element in self._elements
        )

    def attribute_tables(self) -> tuple[str | None, ...]:
        found = (element.find("GDALRasterAttributeTable") for element in self._elements)
        return tuple(None if table is None else _canonical(table) for table in found)


def _canonical(element: ElementTree.Element) -> str:
    return ElementTree.canonicalize(ElementTree.tostring(element, encoding="unicode"), strip_text=False)

"""What a SceneInfo says, put into a GeoTIFF: by GDAL while it is open, and into its tags once it is closed.

In: a SceneInfo. Out: options for a new file, a dataset that says what GDAL can be told, a file that also says what GDAL
cannot write (keys with a colon, texts in XML). Touches no pixels. What is left over is for sidecar.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import rasterio
from rasterio.control import GroundControlPoint as RasterioPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from sarcodec.format.scene import SceneInfo, Tags
from sarcodec.raster import tiff_tags
from sarcodec.raster.comparing import same_numbers
from sarcodec.raster.gdal_xml import Item, decode, tiff_colour, tiff_item
from sarcodec.raster.masks import layout_options
from sarcodec.raster.quiet import open_reader
from sarcodec.raster.tiff_tags import Tag

MOST_POINTS_IN_TIFF = 10_922
"""A TIFF tag written by GDAL holds 65,535 numbers, a control point takes six."""

_PREDICTOR = {"float32": 3, "float64": 3}
_ASSOCIATED_ALPHA = 1  # in the TIFF tag ExtraSamples
_BY_GDAL = ("RPC", "COLOR_PROFILE")  # domains for which GDAL has tags of their own
_RPC_KEYS = {
    *(f"{axis}_{word}" for axis in ("LINE", "SAMP", "LAT", "LONG", "HEIGHT") for word in ("OFF", "SCALE")),
    *(f"{axis}_{word}_COEFF" for axis in ("LINE", "SAMP") for word in ("NUM", "DEN")),
    "ERR_BIAS", "ERR_RAND",
}  # fmt: skip
_COLOUR_NAMES = {
    "gray": "Gray", "undefined": "Undefined", "palette": "Palette", "hue": "Hue", "saturation": "Saturation",
    "lightness": "Lightness", "Y": "YCbCr_Y", "Cb": "YCbCr_Cb", "Cr": "YCbCr_Cr", "rededge": "RedEdge", "nir": "NIR",
    "swir": "SWIR", "mwir": "MWIR", "lwir": "LWIR", "tir": "TIR", "other_ir": "OtherIR", "sar_ka": "SAR_Ka",
    "sar_k": "SAR_K", "sar_ku": "SAR_Ku", "sar_x": "SAR_X", "sar_c": "SAR_C", "sar_s": "SAR_S", "sar_l": "SAR_L",
    "sar_p": "SAR_P",
}  # fmt: skip


def colour_name(name: str) -> str:
    """GDAL's name of a colour interpretation, of rasterio's."""
    return _COLOUR_NAMES.get(name, name.capitalize())


def creation_options(info: SceneInfo, threads: int) -> dict[str, object]:
    """Arguments of rasterio.open for a new GeoTIFF."""
    options = layout_options(info, threads)
    options |= {"count": info.count, "dtype": info.dtype, "photometric": _photometric(info)}
    bits = next((bits for tags in info.band_tags if (bits := layout_of(tags).get("NBITS"))), None)
    if bits:
        options["nbits"] = bits
    else:
        options["predictor"] = _PREDICTOR.get(info.dtype, 2)
    if info.crs_wkt is not None:
        options["crs"] = CRS.from_wkt(info.crs_wkt)
    if info.transform is not None:
        options["transform"] = Affine(*info.transform)
    return options


def _photometric(info: SceneInfo) -> str:
    if info.colorinterp[:3] == ("red", "green", "blue"):
        return "RGB"
    if info.colorinterp[0] == "palette" and info.colormaps[0] and info.dtype in ("uint8", "uint16"):
        return "PALETTE"
    return "MINISWHITE" if "MINISWHITE" in layout_of(info.tags) else "MINISBLACK"


def layout_of(tags: Tags) -> dict[str, str]:
    """The items of the domain IMAGE_STRUCTURE."""
    return dict(dict(tags).get("IMAGE_STRUCTURE", ()))


def write_info(dataset: rasterio.io.DatasetWriter, info: SceneInfo, alone: bool = False) -> None:
    """Tell GDAL all of `info` that it can write and creation_options does not hold. Call before the first pixel is
    written. alone: there will be no side files, so what the TIFF can hold in part goes there."""
    if info.gcps and info.transform is None and len(info.gcps) <= MOST_POINTS_IN_TIFF:
        crs = CRS.from_wkt(info.gcp_crs_wkt) if info.gcp_crs_wkt else CRS()
        dataset.gcps = (_to_gdal_points(info), crs)
    if info.colormaps[0] and info.dtype in ("uint8", "uint16"):
        with suppress(RasterioError, ValueError):
            dataset.write_colormap(1, dict(enumerate(info.colormaps[0])))
    dataset.colorinterp = [getattr(ColorInterp, name, ColorInterp.undefined) for name in info.colorinterp]
    if len(set(map(repr, info.nodata))) == 1 and info.nodata[0] is not None:  # A GeoTIFF has one for all bands.
        with suppress(ValueError):
            dataset.nodata = info.nodata[0]
    if info.scales != (1.0,) * info.count:
        dataset.scales = info.scales
    if info.offsets != (0.0,) * info.count:
        dataset.offsets = info.offsets
    _write_own_tags(dataset, info, alone)
    for band in range(1, info.count + 1):
        if description := info.descriptions[band - 1]:
            dataset.set_band_description(band, plain(description))
        if unit := info.units[band - 1]:
            dataset.set_band_unit(band, plain(unit))


def plain(words: str) -> str:
    """What C and UTF-8 can hold."""
    return words.encode("utf-8", "replace").decode().replace("\0", "")


def is_point(info: SceneInfo) -> bool:
    """Whether places are those of the centres of pixels, by which GDAL shifts what a GeoTIFF says."""
    return ("AREA_OR_POINT", "Point") in dict(info.tags).get("", ())


def _to_gdal_points(info: SceneInfo) -> Sequence[RasterioPoint]:
    # With AREA_OR_POINT=Point GDAL adds half a pixel on reading, but (3.10) also on writing. So it is told to write
    # what it is given, and is given what reading turns into the wanted place.
    shift = 0.5 if is_point(info) else 0.0
    return [
        RasterioPoint(row=p.row - shift, col=p.col - shift, x=p.x, y=p.y, z=p.z, id=plain(p.id), info=plain(p.info))
        for p in info.gcps
    ]


def _write_own_tags(dataset: rasterio.io.DatasetWriter, info: SceneInfo, alone: bool) -> None:
    """What TIFF has tags of its own for, which GDAL writes."""
    for domain, items in info.tags:
        if domain == "RPC" and not alone and not _fits_rpc_tag(items):
            continue  # GDAL would not look at the side file's.
        if domain in _BY_GDAL:
            with suppress(RasterioError, ValueError, TypeError):
                dataset.update_tags(ns=domain, **{plain(key): plain(value) for key, value in items})
        elif not domain:
            own = {key: plain(value) for key, value in items if _is_own(key)}
            if own:
                dataset.update_tags(**own)


def _fits_rpc_tag(items: Sequence[tuple[str, str]]) -> bool:
    """The TIFF's own tag holds the usual polynomials, of which GDAL tells 15 digits."""
    try:
        return all(
            key in _RPC_KEYS and same_numbers(value, " ".join(f"{float(word):.15g}" for word in value.split()))
            for key, value in items
        )
    except ValueError:
        return False


def _is_own(key: str) -> bool:
    return key == "AREA_OR_POINT" or (key.startswith("TIFFTAG_") and key.isascii() and key.replace("_", "").isalnum())


def finish_tags(path: Path, info: SceneInfo) -> None:
    """Write into the closed GeoTIFF what GDAL cannot be told. Raises OSError, NotTiff."""
    directory = tiff_tags.read_directory(path)
    new = [*_metadata_tag(path, directory, info), *_xmp_tag(info), *_alpha_tag(path, directory, info)]
    if new:
        tiff_tags.set_tags(path, new)


def _metadata_tag(path: Path, directory: Sequence[Tag], info: SceneInfo) -> Iterator[Tag]:
    """GDAL_METADATA as GDAL wrote it (units, scales, ...), and every item of metadata."""
    ours = "".join((*map(tiff_item, _items(info)), *_colours(path, info)))
    if not ours:
        return
    theirs = next((decode(tag.data) for tag in directory if tag.code == tiff_tags.GDAL_METADATA), "")
    begin, end = theirs.find("<Item"), theirs.rfind("</GDALMetadata>")
    kept = f"  {theirs[begin:end]}" if 0 <= begin < end else ""
    yield tiff_tags.text_tag(tiff_tags.GDAL_METADATA, f"<GDALMetadata>\n{kept}{ours}</GDALMetadata>\n")


def _items(info: SceneInfo) -> Iterator[Item]:
    for band, tags in enumerate((info.tags, *info.band_tags)):
        for domain, items in tags:
            elsewhere = not band and domain in (*_BY_GDAL, "xml:XMP")
            if elsewhere or domain == "IMAGE_STRUCTURE" or domain.lower().startswith("json:"):
                continue
            yield from (Item(band, domain, key, value) for key, value in items if band or domain or not _is_own(key))


def _colours(path: Path, info: SceneInfo) -> Iterator[str]:
    """What GDAL reads of a colour interpretation that photometry and extra samples do not tell."""
    with open_reader(path) as dataset:
        found = tuple(value.name for value in dataset.colorinterp)
    for band, (name, wanted) in enumerate(zip(found, info.colorinterp, strict=True), 1):
        if name != wanted:
            yield tiff_colour(band, colour_name(wanted))


def _xmp_tag(info: SceneInfo) -> Iterator[Tag]:
    for _, words in dict(info.tags).get("xml:XMP", ()):
        yield Tag(tiff_tags.XMP, tiff_tags.BYTE, words.encode("utf-8", "replace"))


def _alpha_tag(path: Path, directory: Sequence[Tag], info: SceneInfo) -> Iterator[Tag]:
    multiplied = [band for band, tags in enumerate(info.band_tags) if layout_of(tags).get("ALPHA") == "PREMULTIPLIED"]
    found = next((tag for tag in directory if tag.code == tiff_tags.EXTRA_SAMPLES), None)
    if not multiplied or found is None:
        return
    values = list(tiff_tags.integers(path, found))
    first = info.count - len(values)
    for band in multiplied:
        if band >= first:
            values[band - first] = _ASSOCIATED_ALPHA
    yield tiff_tags.short_tag(path, tiff_tags.EXTRA_SAMPLES, values)

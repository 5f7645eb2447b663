"""What a file is called and what it is: a GeoTIFF under the name of a picture would deceive whoever opens it."""

from __future__ import annotations

from pathlib import PurePath

from sarcodec.errors import InvalidArgument
from sarcodec.storage.refusals import shown

GEOTIFF, SARCODEC, HTML = "a GeoTIFF", "a sarcodec file", "a page of HTML"
ARCHIVE, VRT = "a zip archive", "a VRT of GDAL"
CSV, MARKDOWN, PNG, RESEARCH = "a table in CSV", "a text in Markdown", "a PNG picture", "a research file"
_RASTER = (".tif", ".tiff", ".gtiff", ".gtif", ".geotiff", ".cog", ".btf", ".tf8")
_OWN = {
    GEOTIFF: _RASTER,
    SARCODEC: (".sarc",),
    ARCHIVE: (".zip",),
    VRT: (".vrt",),
    HTML: (".html", ".htm", ".xhtml"),
    CSV: (".csv", ".tsv", ".txt"),
    MARKDOWN: (".md", ".markdown", ".txt"),
    PNG: (".png",),
    RESEARCH: (".sara",),
}
_OTHERS = frozenset(
    [
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jp2",
        ".j2k",
        ".jpx",
        ".jxl",
        ".gif",
        ".bmp",
        ".webp",
        ".heic",
        ".avif",
        ".svg",
        ".ppm",
        ".pgm",
        ".exr",
        ".psd",
        ".nc",
        ".nc4",
        ".cdf",
        ".h5",
        ".he5",
        ".hdf",
        ".hdf4",
        ".hdf5",
        ".zarr",
        ".grib",
        ".grib2",
        ".grb",
        ".grb2",
        ".vrt",
        ".img",
        ".ige",
        ".bil",
        ".bip",
        ".bsq",
        ".hdr",
        ".envi",
        ".ers",
        ".ecw",
        ".sid",
        ".ntf",
        ".nitf",
        ".dim",
        ".safe",
        ".kea",
        ".gpkg",
        ".mbtiles",
        ".kml",
        ".kmz",
        ".asc",
        ".xyz",
        ".npy",
        ".npz",
        ".mat",
        ".pkl",
        ".parquet",
        ".csv",
        ".json",
        ".geojson",
        ".xml",
        ".toml",
        ".txt",
        ".md",
        ".pdf",
        ".doc",
        ".docx",
        ".zip",
        ".gz",
        ".bz2",
        ".xz",
        ".zst",
        ".7z",
        ".tar",
        ".tgz",
        ".rar",
        ".py",
        ".ipynb",
        ".shp",
        ".db",
        ".sqlite",
        ".msk",
        ".ovr",
        ".sara",
    ]
)


def require_form(name: str, form: str) -> None:
    """Raises InvalidArgument where the ending of `name` says that the file is of another form than `form`.

    Endings that belong to no form (none at all, `.old`, `.2024`) are free.
    """
    ending = PurePath(name).suffix.lower()
    foreign = _OTHERS.union(*_OWN.values()).difference(_OWN[form])
    if ending in foreign:
        usual = _OWN[form][0]
        raise InvalidArgument(
            f"{shown(name)} ends in {ending}, but {form} would be written; take a name that ends in {usual}"
            + _advice(form, ending)
        )


def _advice(form: str, ending: str) -> str:
    if form == GEOTIFF and ending == ".sarc":
        return " (decompress IN.sarc OUT.tif; the other way is sarcodec compress)"
    if form == GEOTIFF:
        return ", and turn it into another format with gdal_translate"
    if form == SARCODEC and ending in _RASTER:
        return " (compress IN.tif OUT.sarc; the other way is sarcodec decompress)"
    return ""

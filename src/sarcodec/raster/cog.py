"""Cloud-optimised GeoTIFFs made again: by which options of GDAL's driver one was made, and a copy that is made by them.

In: paths. Out: options, or None where a file is no COG; a COG. Whether the copy is the same file, only a comparison tells.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import rasterio.shutil

from sarcodec.errors import SarcodecError
from sarcodec.raster.gdal import GDAL_ERRORS, reason
from sarcodec.raster.quiet import environment, open_reader
from sarcodec.raster.tiff_tags import read_directory

RESAMPLINGS = ("RMS", "NEAREST", "AVERAGE", "CUBIC")
"""Of overviews, the likeliest first: a COG does not say how they were made. Copernicus takes the first."""
_PREDICTOR_TAG, _BIG_TIFF = 317, 43
_PREDICTORS = {1: "NO", 2: "STANDARD", 3: "FLOATING_POINT"}
_VALUES = {
    "compress": {"NONE", "ZSTD", "DEFLATE", "LZW", "LZMA", "LERC", "LERC_ZSTD", "LERC_DEFLATE"},
    "overview_resampling": set(RESAMPLINGS),
    "predictor": set(_PREDICTORS.values()),
    "bigtiff": {"YES", "NO"},
}
_NUMBERS = ("blocksize", "overview_count")


def is_recipe(options: Mapping[str, str]) -> bool:
    """Whether options are of the kinds that `cog_options` gives."""
    return set(options) == {*_VALUES, *_NUMBERS} and all(
        value in _VALUES[key] if key in _VALUES else value.isdecimal() and len(value) < 6
        for key, value in options.items()
    )


def cog_options(path: str | os.PathLike[str]) -> dict[str, str] | None:
    """Those that a COG shows; how its overviews were made is left to be tried. None where it is no COG of one compression."""
    with open_reader(path) as dataset:
        said = dataset.tags(ns="IMAGE_STRUCTURE")
        rows, cols = dataset.block_shapes[0]
        found = {
            "compress": said.get("COMPRESSION", "NONE"),
            "blocksize": str(rows),
            "overview_count": str(len(dataset.overviews(1))),
            "overview_resampling": RESAMPLINGS[0],
            "predictor": _PREDICTORS.get(_predictor(path), ""),
            "bigtiff": "YES" if _is_big(path) else "NO",
        }
    return found if said.get("LAYOUT") == "COG" and rows == cols and is_recipe(found) else None


def make_cog(source: str | os.PathLike[str], target: str | os.PathLike[str], options: Mapping[str, str]) -> None:
    """A COG of a GeoTIFF with all that this says. Raises SarcodecError where GDAL or the disk refuses."""
    try:
        with environment(GDAL_PAM_ENABLED=False):
            rasterio.shutil.copy(os.fspath(source), os.fspath(target), driver="COG", **options)
    except GDAL_ERRORS as error:
        raise SarcodecError(
            f"cannot write {os.path.basename(target)}: {reason(error)}; check the disk's space and rights"
        ) from error


def _predictor(path: str | os.PathLike[str]) -> int:
    found = next((tag.data for tag in read_directory(path) if tag.code == _PREDICTOR_TAG), b"\1")
    return max(found[:2])  # a small number in either order of bytes


def _is_big(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as file:
        return _BIG_TIFF in file.read(4)[2:]

"""Tiles of a web map: rio-tiler's reader, for TiTiler and whatever else takes one.

In: the path of a compressed file (or of a raster that rasterio opens, such as its original); out: pixels in any projection. Scenes with control points are
warped by thin plates through all of them. rio-tiler itself makes one affine transform of them, which is off by 2 km on a GRD product
(https://github.com/cogeotiff/rio-tiler/issues/977).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.errors import RasterioIOError
from rasterio.vrt import WarpedVRT
from rio_tiler.errors import InvalidAssetName
from rio_tiler.io import Reader as RioTilerReader
from rio_tiler.utils import has_alpha_band

from sarcodec.doors.opener import Opener
from sarcodec.storage.refusals import shown

if TYPE_CHECKING:
    from rasterio import DatasetReader

COMPRESSED = ".sarc"
_OPENER = Opener(memory=512 << 20)
"""One a process: a map asks for many tiles of a scene one by one, and what one has decoded is there for the next. Datasets of GDAL belong to one request."""


class NoSuchFile(FileNotFoundError, InvalidAssetName):
    """There is no such file. It is one of rio-tiler's errors as well, which TiTiler's handlers answer by the status 404; they know none of Python's."""


class Reader(RioTilerReader):
    """`TilerFactory(reader=sarcodec.titiler.Reader)`. Use in a `with`, in one thread. Raises NoSuchFile (a FileNotFoundError), what sarcodec.open raises, and rasterio's
    errors."""

    dataset: Any

    def __attrs_post_init__(self) -> None:
        """Open, and warp scenes that have control points and no transform."""
        if self.dataset is None:
            self.dataset = self._ctx_stack.enter_context(_opened(os.fspath(self.input)))
        points, crs = self.dataset.gcps
        if points:
            self.dataset = self._ctx_stack.enter_context(_warped(self.dataset, crs))
        super().__attrs_post_init__()


def _opened(path: str) -> DatasetReader:
    if not path.endswith(COMPRESSED):
        try:
            return rasterio.open(path)
        except RasterioIOError as error:
            if ":" in path or os.path.exists(path) or path.startswith("/vsi"):  # a name of GDAL's may be no path
                raise
            raise NoSuchFile(f"there is no file {shown(path)}") from error
    name = os.path.abspath(path)
    if not os.path.isfile(name):
        raise NoSuchFile(f"there is no file {shown(name)}")
    _OPENER.ready(name)  # says what GDAL would not
    return rasterio.open(name, opener=_OPENER)


def _warped(dataset: DatasetReader, crs: Any) -> WarpedVRT:
    """Through every control point, in their own CRS."""
    options: dict[str, Any] = {
        "src_crs": crs,
        "crs": crs,
        "add_alpha": dataset.nodata is None and not has_alpha_band(dataset),
    }
    if dataset.nodata is not None:
        options |= {"nodata": dataset.nodata, "src_nodata": dataset.nodata}
    return WarpedVRT(dataset, **options, METHOD="GCP_TPS")

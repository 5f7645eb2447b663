"""What a scene says of itself, in rasterio's words and with rasterio's objects, which are imported when they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.api.asked import chosen_indexes
from sarcodec.api.validity import validity_kind
from sarcodec.decoding.reduced_scene import REDUCTIONS
from sarcodec.decoding.tile import TILE_PX
from sarcodec.errors import InvalidArgument, UnreadableScene
from sarcodec.format.bands import BandField
from sarcodec.format.scene import SceneInfo

if TYPE_CHECKING:
    from affine import Affine
    from rasterio.control import GroundControlPoint
    from rasterio.coords import BoundingBox
    from rasterio.crs import CRS
    from rasterio.enums import ColorInterp, MaskFlags
    from rasterio.profiles import Profile
    from rasterio.rpc import RPC


class Description:
    """The properties of a rasterio dataset. Bands are counted from 1."""

    _info: SceneInfo
    _fields: tuple[BandField, ...]

    @property
    def info(self) -> SceneInfo:
        """All of it as plain words and numbers (sarcodec.format.scene), without rasterio."""
        return self._info

    @property
    def count(self) -> int:
        """How many bands there are."""
        return self._info.count

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self._info.rows

    @property
    def width(self) -> int:
        """How many columns there are."""
        return self._info.cols

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels, as rasterio has it; `array_shape` is that of all pixels."""
        return self._info.rows, self._info.cols

    @property
    def array_shape(self) -> tuple[int, int, int]:
        """(bands, rows, cols): the shape of `read()` and of `np.asarray(scene)`."""
        return self._info.count, self._info.rows, self._info.cols

    @property
    def indexes(self) -> tuple[int, ...]:
        """Numbers of the bands: 1, 2, ..."""
        return tuple(range(1, self._info.count + 1))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of all pixels."""
        return np.dtype(self._info.dtype)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Name of the pixels' type, once a band."""
        return (self._info.dtype,) * self._info.count

    @property
    def nodata(self) -> float | None:
        """The value that means nothing, of the first band; None without one."""
        return self._info.nodata[0]

    @property
    def nodatavals(self) -> tuple[float | None, ...]:
        """The value that means nothing, of each band."""
        return self._info.nodata

    @property
    def descriptions(self) -> tuple[str | None, ...]:
        """Name of each band, such as 'VV'."""
        return self._info.descriptions

    @property
    def units(self) -> tuple[str | None, ...]:
        """Unit of each band."""
        return self._info.units

    @property
    def scales(self) -> tuple[float, ...]:
        """Of each band: value = pixel * scale + offset."""
        return self._info.scales

    @property
    def offsets(self) -> tuple[float, ...]:
        """Of each band: value = pixel * scale + offset."""
        return self._info.offsets

    @property
    def colorinterp(self) -> tuple[ColorInterp, ...]:
        """rasterio.enums.ColorInterp of each band."""
        from rasterio.enums import ColorInterp

        return tuple(getattr(ColorInterp, name, ColorInterp.undefined) for name in self._info.colorinterp)

    @property
    def has_transform(self) -> bool:
        """Whether the scene has a transform; without one `transform` is the identity."""
        return self._info.transform is not None

    @property
    def transform(self) -> Affine:
        """affine.Affine from (column, row) to (x, y) in `crs`; the identity where there is none."""
        from affine import Affine

        return Affine(*self._info.transform) if self._info.transform else Affine.identity()

    @property
    def crs(self) -> CRS | None:
        """rasterio.crs.CRS of the transform; None without one. Raises UnreadableScene where rasterio does not know it."""
        return _crs(self._info.crs_wkt)

    @property
    def bounds(self) -> BoundingBox:
        """rasterio.coords.BoundingBox(left, bottom, right, top) in the units of `crs`."""
        from rasterio.coords import BoundingBox

        at, rows, cols = self.transform, self._info.rows, self._info.cols
        if not (at.b or at.d):
            return BoundingBox(at.c, at.f + at.e * rows, at.c + at.a * cols, at.f)
        corners = ((0, 0), (cols, 0), (0, rows), (cols, rows))
        xs = [at.a * col + at.b * row + at.c for col, row in corners]
        ys = [at.d * col + at.e * row + at.f for col, row in corners]
        return BoundingBox(min(xs), min(ys), max(xs), max(ys))

    @property
    def gcps(self) -> tuple[list[GroundControlPoint], CRS | None]:
        """Ground control points (rasterio.control.GroundControlPoint), and their CRS; ([], None) without any."""
        from rasterio.control import GroundControlPoint

        points = [GroundControlPoint(p.row, p.col, p.x, p.y, p.z, p.id, p.info) for p in self._info.gcps]
        return points, _crs(self._info.gcp_crs_wkt)

    @property
    def rpcs(self) -> RPC | None:
        """rasterio.rpc.RPC, rational polynomials; None without any."""
        from rasterio.rpc import RPC

        found = self.tags(ns="RPC")
        return RPC.from_gdal(found) if found else None

    @property
    def block_shapes(self) -> list[tuple[int, int]]:
        """(rows, cols) of the tiles of each band: what a window decodes is a whole number of them."""
        return [(TILE_PX, TILE_PX)] * self._info.count

    def overviews(self, bidx: int) -> list[int]:
        """What the file holds of a band (from 1) at lower resolutions, for `read(reduce=...)`: [8, 16, 32], or [] of bounded and exact bands,
        which are decoded whole for that. Raises InvalidArgument for a band that the scene has not."""
        (band,) = chosen_indexes([bidx], self._info.count)
        return list(REDUCTIONS) if self._fields[band].learned else []

    @property
    def mask_flag_enums(self) -> tuple[list[MaskFlags], ...]:
        """Where the validity of each band comes from, in words of rasterio.enums.MaskFlags."""
        from rasterio.enums import MaskFlags as Flags

        words = {
            "per_dataset": [Flags.per_dataset],
            "own": [],
            "nodata": [Flags.nodata],
            "alpha": [Flags.per_dataset, Flags.alpha],
            "all_valid": [Flags.all_valid],
        }
        return tuple(list(words[validity_kind(self._info, band)]) for band in range(self._info.count))

    @property
    def meta(self) -> dict[str, Any]:
        """Driver (GTiff), dtype, nodata, width, height, count, crs and transform."""
        return {
            "driver": "GTiff",
            "dtype": self._info.dtype,
            "nodata": self.nodata,
            "width": self.width,
            "height": self.height,
            "count": self.count,
            "crs": self.crs,
            "transform": self.transform,
        }

    @property
    def profile(self) -> Profile:
        """rasterio.profiles.Profile for a GeoTIFF of the same pixels: rasterio.open(path, "w", **scene.profile)."""
        from rasterio.profiles import Profile

        layout = {
            "tiled": True,
            "blockxsize": TILE_PX,
            "blockysize": TILE_PX,
            "interleave": "band",
            "compress": "deflate",
        }
        return Profile(self.meta, **layout)

    def tags(self, bidx: int = 0, ns: str | None = None) -> dict[str, str]:
        """Tags of the scene (bidx 0) or of a band (from 1), in the default namespace or in another; {} for one that is not there.

        Raises InvalidArgument for a band that the scene has not.
        """
        return dict(self._namespaces(bidx).get(ns or "", ()))

    def tag_namespaces(self, bidx: int = 0) -> list[str]:
        """Namespaces, besides the default one, in which there are tags of the scene (bidx 0) or of a band (from 1)."""
        return [name for name in self._namespaces(bidx) if name]

    def _namespaces(self, bidx: int) -> dict[str, tuple[tuple[str, str], ...]]:
        if bidx == 0:
            return dict(self._info.tags)
        if not 1 <= bidx <= self._info.count:
            raise InvalidArgument(f"bidx is {bidx}; expected 0 for the scene, or a band from 1 to {self._info.count}")
        return dict(self._info.band_tags[bidx - 1])


def _crs(wkt: str | None) -> CRS | None:
    if not wkt:
        return None
    from rasterio.crs import CRS
    from rasterio.env import ensure_env
    from rasterio.errors import CRSError

    try:
        return ensure_env(CRS.from_wkt)(wkt)  # within an Env GDAL says nothing on stderr
    except CRSError as error:
        raise UnreadableScene(f"rasterio does not understand the scene's CRS ({error}): {wkt}") from error

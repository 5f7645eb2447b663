"""xarray's engine "sarcodec": a variable a band, decoded when it is looked at, with CRS, control points and nodata as rioxarray has them.

In: the path of a compressed file; out: a Dataset whose arrays pickle (they are opened again by path, once a process) and are safe for
threads. Pixels are read by a Scene with one thread: who wants more cores asks Dask for them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr
from xarray.backends import BackendArray, BackendEntrypoint, CachingFileManager
from xarray.core import indexing

from sarcodec.api.memory import DEFAULT_MEMORY
from sarcodec.api.scene import Scene
from sarcodec.api.validity import validity_kind
from sarcodec.decoding.reduced_scene import REDUCTIONS
from sarcodec.doors.georeferenced import GRID_MAPPING, axes, grid_mapping
from sarcodec.doors.indexed import outer, points
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.reader import FileReader
from sarcodec.format.scene_reduced import reduced_info

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sarcodec.api.choices import Reconstruct, Speckle
    from sarcodec.format.scene import SceneInfo

CHUNK_PX = 2048
"""A chunk is decoded with half a tile around it: of chunks of 4 x 4 tiles that is little, of single tiles it is most."""
_MASKED = ("per_dataset", "own", "alpha")
_MEANT_BY_CF = frozenset(
    "_FillValue missing_value scale_factor add_offset units dtype _Unsigned coordinates grid_mapping".split()
)
"""Names of attributes that xarray acts on: a tag of that name is text of somebody else's."""


class SarcodecBackend(BackendEntrypoint):
    """`engine="sarcodec"` of xarray.open_dataset."""

    description = "Open SAR images compressed by sarcodec (.sarc)"
    supports_groups = True
    open_dataset_parameters = (
        "filename_or_obj",
        "mask_and_scale",
        "drop_variables",
        "reconstruct",
        "speckle",
        "memory",
    )

    def open_dataset(  # type: ignore[override]  # xarray's own has parameters that mean nothing here
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        mask_and_scale: bool = True,
        drop_variables: str | list[str] | None = None,
        reconstruct: Reconstruct = "power",
        speckle: Speckle = "keep",
        memory: int = DEFAULT_MEMORY,
    ) -> xr.Dataset:
        """Open a compressed file lazily.

        Args:
            filename_or_obj: path of the file.
            mask_and_scale: pixels that are invalid (nodata, a mask, or alpha) become NaN, and scale and offset are applied.
                Without it, pixels come as the file's GeoTIFF has them.
            drop_variables: names of bands to leave out.
            reconstruct, speckle, memory: as in sarcodec.open.

        Raises what sarcodec.open raises; FileNotFoundError where there is no such file.
        """
        opened = _Opened.of(filename_or_obj, reconstruct, speckle, memory)
        return opened.dataset(1, mask_and_scale, _names(drop_variables))

    def open_groups_as_dict(  # type: ignore[override]
        self,
        filename_or_obj: str | os.PathLike[str],
        *,
        mask_and_scale: bool = True,
        drop_variables: str | list[str] | None = None,
        reconstruct: Reconstruct = "power",
        speckle: Speckle = "keep",
        memory: int = DEFAULT_MEMORY,
    ) -> dict[str, xr.Dataset]:
        """The scene at full resolution as "/full", and its reduced pictures, of 8, 16 and 32 pixels a side, as "/reduced_8", "/reduced_16" and "/reduced_32".

        Arguments as in `open_dataset`. The groups are beside each other: a child would have to share its parent's coordinates.
        """
        opened, dropped = _Opened.of(filename_or_obj, reconstruct, speckle, memory), _names(drop_variables)
        groups = {f"/reduced_{side}": opened.dataset(side, mask_and_scale, dropped) for side in REDUCTIONS}
        return {"/": xr.Dataset(), "/full": opened.dataset(1, mask_and_scale, dropped), **groups}

    def open_datatree(  # type: ignore[override]
        self, filename_or_obj: str | os.PathLike[str], **options: Any
    ) -> xr.DataTree:
        """What `open_groups_as_dict` gives, as a tree."""
        return xr.DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, **options))

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether it is called as a compressed file."""
        try:
            return bool(os.fspath(filename_or_obj).lower().endswith(".sarc"))
        except (TypeError, AttributeError):  # no path, or one of bytes
            return False


@dataclass(frozen=True, eq=False)
class _Opened:
    """A file, as xarray keeps it open."""

    path: str
    manager: Any
    info: SceneInfo

    @classmethod
    def of(cls, given: Any, reconstruct: Reconstruct, speckle: Speckle, memory: int) -> _Opened:
        path = _absolute(given)
        with FileReader(path) as file:
            digest = file.head_digest
        # The mode must be given: xarray marks one that is not by an object, which is another one after pickling.
        manager = CachingFileManager(_open, path, digest, reconstruct, speckle, memory, mode="r")
        return cls(path, manager, manager.acquire().info)

    def dataset(self, side: int, masking: bool, dropped: list[str]) -> xr.Dataset:
        """The scene, or a picture of it in which side x side pixels are one."""
        info = self.info if side == 1 else reduced_info(self.info, side)
        bands = {name: band for band, name in enumerate(band_names(info)) if name not in dropped}
        variables = {name: self._variable(info, band, side, masking) for name, band in bands.items()}
        places = {name: (name, values, _axis(name, info)) for name, values in axes(info).items() if name not in dropped}
        reference = xr.Variable((), 0, grid_mapping(info))
        dataset = xr.Dataset(variables, {**places, GRID_MAPPING: reference}, dict(dict(info.tags).get("", ())))
        dataset = cast("xr.Dataset", xr.decode_cf(dataset, mask_and_scale=masking, decode_times=False))
        for name in bands:
            dataset[name].encoding["grid_mapping"] = GRID_MAPPING
        dataset.encoding["source"] = self.path
        dataset.set_close(self.manager.close)
        return dataset

    def _variable(self, info: SceneInfo, band: int, side: int, masking: bool) -> xr.Variable:
        masked = masking and validity_kind(info, band) in _MASKED
        data = indexing.LazilyIndexedArray(BandArray(self.manager, info, band, masked, side))
        attrs: dict[str, Any] = {k: v for k, v in dict(info.band_tags[band]).get("", ()) if k not in _MEANT_BY_CF}
        nodata = info.nodata[band]
        if nodata is not None and not masked:
            attrs["_FillValue"] = nodata if info.dtype.startswith("float") else np.dtype(info.dtype).type(nodata)
        if info.scales[band] != 1.0 or info.offsets[band] != 0.0:
            attrs |= {"scale_factor": info.scales[band], "add_offset": info.offsets[band]}
        if info.units[band]:
            attrs["units"] = info.units[band]
        encoding = {"preferred_chunks": {"y": CHUNK_PX, "x": CHUNK_PX}, "source": self.path}
        return xr.Variable(("y", "x"), data, attrs, encoding)


def _names(dropped: str | list[str] | None) -> list[str]:
    return [dropped] if isinstance(dropped, str) else list(dropped or ())


def _absolute(given: Any) -> str:
    """Workers may stand in another folder."""
    if not isinstance(given, (str, os.PathLike)):
        raise InvalidArgument(f"engine 'sarcodec' was given {type(given).__name__}; expected the path of a file")
    path = os.path.abspath(os.fspath(given))
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}")
    return path


def band_names(info: SceneInfo) -> list[str]:
    """Descriptions of the bands, or band_1, band_2, ...; a name that comes twice gets its band's number."""
    given = [name or f"band_{band}" for band, name in enumerate(info.descriptions, 1)]
    reserved = {GRID_MAPPING, "x", "y"}
    return [f"{n}_{band}" if given.count(n) > 1 or n in reserved else n for band, n in enumerate(given, 1)]


def _open(path: str, head: bytes, reconstruct: Reconstruct, speckle: Speckle, memory: int, mode: str) -> Scene:
    """Called by xarray, in every process once. `head`: digest of the head at the time when the Dataset was made. mode: always 'r'."""
    file = FileReader(path)
    if file.head_digest != head:
        file.close()
        raise CorruptFile(f"{path} is another file than when the dataset was opened; open it anew")
    return Scene(file, threads=1, memory=memory, reconstruct=reconstruct, speckle=speckle)


def _axis(name: str, info: SceneInfo) -> dict[str, str]:
    wkt = info.crs_wkt or ""
    if not wkt.startswith(("PROJCS", "PROJCRS")):
        return {"axis": name.upper()}
    return {"axis": name.upper(), "standard_name": f"projection_{name}_coordinate"}


class BandArray(BackendArray):
    """A band (from 0) as xarray indexes it, of which side x side pixels are one. masked: floating point, NaN where `read_masks` says that a pixel is invalid."""

    def __init__(self, manager: Any, info: SceneInfo, band: int, masked: bool, side: int) -> None:
        self._manager, self._band, self._masked, self._side = manager, band, masked, side
        self.shape = info.rows, info.cols
        own = np.dtype(info.dtype)
        self.dtype = np.promote_types(own, "float32") if masked else own

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        if isinstance(key, indexing.VectorizedIndexer) and not any(isinstance(k, slice) for k in key.tuple):
            rows, cols = key.tuple
            return points(rows, cols, self.shape, self.dtype, self._read)
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def _outer(self, key: tuple[Any, ...]) -> NDArray[Any]:
        return outer(key, self.shape, self.dtype, self._read)

    def _read(self, rows: slice, cols: slice) -> NDArray[Any]:
        scene = self._manager.acquire()
        where: dict[str, Any] = {"window": (rows, cols)}
        if self._side > 1:
            spans = zip((rows, cols), (scene.height, scene.width))
            window = tuple(slice(s.start * self._side, min(s.stop * self._side, size)) for s, size in spans)
            where = {"window": window, "reduce": self._side}
        pixels = scene.read(self._band + 1, **where)
        if not self._masked:
            return cast("NDArray[Any]", pixels)
        pixels = pixels.astype(self.dtype)
        pixels[scene.read_masks(self._band + 1, **where) == 0] = np.nan
        return cast("NDArray[Any]", pixels)

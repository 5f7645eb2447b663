"""A GeoTIFF that is being written, with the side files that it needs.

In: a SceneInfo, then pixels and mask values by window. Out: files that appear whole, and sentences about what they
cannot say. What is written is read again before it appears: only so is known what GDAL finds in it.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rasterio.io import DatasetWriter

from sarcodec.errors import InvalidArgument, SarcodecError, UnsupportedScene
from sarcodec.format.scene import DTYPES, SceneInfo
from sarcodec.format.tiling import Window, check_inside
from sarcodec.raster.comparing import Difference, differences, merged
from sarcodec.raster.description import read_info
from sarcodec.raster.gdal import GDAL_ERRORS, check_band, reason, to_rasterio
from sarcodec.raster.masks import MaskWriter
from sarcodec.raster.quiet import environment, open_reader, open_writer
from sarcodec.raster.sidecar import compose
from sarcodec.raster.tiff_tags import NotTiff
from sarcodec.raster.writing import creation_options, finish_tags, write_info
from sarcodec.storage.forms import GEOTIFF
from sarcodec.storage.names import STANDARD, Input
from sarcodec.storage.output import Output

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

_SAID, _MASK = ".aux.xml", ".msk"
SIDE_FILES = (_SAID, _MASK, ".ovr", ".msk.ovr")
"""Endings of files that may lie beside a GeoTIFF, and would be taken for its own."""
_ERRORS = (*GDAL_ERRORS, NotTiff)


def files_of(target: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the GeoTIFF and of all side files that may be written or removed with it; () for standard output."""
    name = (
        os.fspath(target) if isinstance(target, (str, os.PathLike)) else STANDARD
    )  # what is no name, opening it will say
    return () if name == STANDARD else tuple(name + ending for ending in ("", *SIDE_FILES))


class SceneWriter:
    """Use in a `with`: the GeoTIFF and its side files appear on a clean exit, or else nothing does.

    target: a path ('-' for standard output), or an Output that the caller closes. `notes` is complete after the exit:
    what of `info` does not come back. inputs: files that must not be destroyed. For speed write windows that are
    aligned to 512 pixels. Raises OutputExists, InvalidArgument, UnsupportedScene (another dtype), SarcodecError when
    the disk refuses.
    """

    def __init__(
        self,
        target: Output | str | os.PathLike[str],
        info: SceneInfo,
        overwrite: bool = False,
        threads: int = 1,
        inputs: Iterable[Input] = (),
    ) -> None:
        if info.dtype not in DTYPES:
            raise UnsupportedScene(f"cannot write {info.dtype} pixels; expected one of {', '.join(DTYPES)}")
        self.notes: tuple[str, ...] = ()
        self._info, self._lock = info, threading.Lock()
        self._given = isinstance(target, Output)
        self._output = (
            target
            if isinstance(target, Output)
            else Output(target, overwrite=overwrite, inputs=inputs, sidecars=SIDE_FILES, form=GEOTIFF)
        )
        self._output.require_form(GEOTIFF)
        self._part = self._output.part
        self._dataset: DatasetWriter = None  # once it is open; a writer that could not open it is never given away
        self._mask: MaskWriter | None = None
        try:
            with self._environment():
                self._dataset = open_writer(self._part, **creation_options(info, threads))
                write_info(self._dataset, info, alone=self._output.is_stdout)
                self._mask = MaskWriter(self._part, info, threads) if info.mask else None
        except _ERRORS as error:
            self._discard()
            raise self._translated(error) from error
        except BaseException:
            self._discard()
            raise

    def _environment(self) -> AbstractContextManager[None]:
        # No .aux.xml of GDAL's beside the file. Control points are shifted here, not by GDAL: see writing.py.
        ignore_point = bool(self._info.gcps) and self._info.transform is None
        return environment(GDAL_PAM_ENABLED=False, GTIFF_POINT_GEO_IGNORE=ignore_point, GDAL_TIFF_INTERNAL_MASK=True)

    def _translated(self, error: Exception) -> SarcodecError:
        on_disk = isinstance(error, OSError)
        advice = "check the disk's space and rights" if on_disk else "a GeoTIFF cannot hold what the scene says"
        return SarcodecError(f"cannot write {self._output.name}: {reason(error)}; {advice}")

    def require_space(self, size: int) -> None:
        """Raises SarcodecError where the disk has less than `size` bytes left, before the work."""
        self._output.require_space(size)

    def write(self, band: int, window: Window, pixels: Pixels) -> None:
        """Write `pixels` (rows, cols) of the scene's dtype into `window` of band `band` (the first is 0)."""
        check_band(band, self._info.count)
        self._check(window, pixels, self._info.dtype)
        try:
            with self._lock, self._environment():
                self._dataset.write(pixels, band + 1, window=to_rasterio(window))
        except GDAL_ERRORS as error:
            raise self._translated(error) from error

    def write_mask(self, plane: int, window: Window, values: Pixels) -> None:
        """Write `values` (rows, cols), uint8, into `window` of mask `plane` (of info.mask_planes, the first is 0)."""
        if self._mask is None or not 0 <= plane < self._info.mask_planes:
            raise InvalidArgument(f"mask index is {plane}; this scene has {self._info.mask_planes} masks")
        self._check(window, values, "uint8")
        try:
            with self._lock, self._environment():
                self._mask.write(plane, to_rasterio(window), values)
        except GDAL_ERRORS as error:
            raise self._translated(error) from error

    def _check(self, window: Window, values: Pixels, dtype: str) -> None:
        check_inside(window, self._info.rows, self._info.cols)
        if values.shape != window.shape or values.dtype != dtype:
            raise InvalidArgument(
                f"pixels are {values.dtype} of shape {values.shape}; expected {dtype} of {window.shape}"
            )

    def __enter__(self) -> SceneWriter:
        return self

    def __exit__(self, kind: type | None, *exception: object) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._finish()
        except BrokenPipeError:
            raise  # Who read standard output has gone.
        except _ERRORS as error:
            raise self._translated(error) from error
        finally:
            self._discard()

    def _finish(self) -> None:
        with self._lock, self._environment():
            sidecars = self._finish_mask()
            self._dataset.close()
            for path in (self._part, *sidecars.values()):
                _check_whole(path)
            finish_tags(self._part, self._info)
        sidecars |= self._tell_the_rest()
        self._output.publish(sidecars, [ending for ending in SIDE_FILES if ending not in sidecars])

    def _finish_mask(self) -> dict[str, Path]:
        """The mask into the TIFF where it can hold it and it came so, else the side file."""
        if self._mask is None:
            return {}
        inside = self._mask.fits_inside and (self._info.mask_form == "internal" or self._output.is_stdout)
        if self._mask.written and inside:
            self._mask.move_into(self._dataset)
            return {}
        self._mask.close()
        if self._mask.written and not self._output.is_stdout:
            return {_MASK: self._mask.keep_beside(self._part)}
        self._mask.path.unlink()
        return {}

    def _tell_the_rest(self) -> dict[str, Path]:
        """A side file for what the TIFF does not say; what that does not help either is noted."""
        missing, sidecars = self._missing(), dict[str, Path]()
        told: tuple[Difference, ...] = ()
        while not self._output.is_stdout and merged((*told, *missing)) != told:
            told = merged((*told, *missing))
            words = compose(self._info, told)
            if words:  # What is said of control points there may hide what the TIFF says, so look again.
                sidecars[_SAID] = self._part.with_name(self._part.name + _SAID)
                sidecars[_SAID].write_bytes(words)
            missing = self._missing()
        self.notes = tuple(sentence(self._info, difference, self._output.is_stdout) for difference in missing)
        return sidecars

    def _missing(self) -> Sequence[Difference]:
        with open_reader(self._part) as dataset:
            return differences(self._info, read_info(dataset))

    def _discard(self) -> None:
        try:
            with self._environment():
                if self._mask is not None:
                    self._mask.close()
                if self._dataset is not None:
                    self._dataset.close()
        except GDAL_ERRORS:
            pass  # The file goes away whatever GDAL says about it, or it has been published.
        finally:
            if not self._given:
                self._output.close()


def sentence(info: SceneInfo, difference: Difference, is_stdout: bool) -> str:
    """What of a scene does not come back from a GeoTIFF, in a sentence."""
    what = f"{str(difference)[0].upper()}{str(difference)[1:]}"
    if is_stdout:
        return f"{what}: cannot be written to standard output, since a GeoTIFF without side files cannot hold this."
    if difference.field == "crs_wkt" and info.gcps:
        return (
            f"{what}: GDAL does not show it of a GeoTIFF with control points. It is in the file: open it with "
            "GDAL_GEOREF_SOURCES=INTERNAL."
        )
    return f"{what}: cannot be written, since neither a GeoTIFF nor its side files can hold this."


def _check_whole(path: Path) -> None:
    """GDAL does not report a disk that fills up on closing; a block without bytes would later read as zeros."""
    size = path.stat().st_size
    with open_reader(path) as dataset:
        block_rows, block_cols = dataset.block_shapes[0]
        shape = -(-dataset.height // block_rows), -(-dataset.width // block_cols)
        for band, (row, col) in itertools.product(dataset.indexes, np.ndindex(*shape)):
            begin = int(dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=band) or 0)
            length = int(dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=band) or 0)
            if not length or begin + length > size:
                raise OSError(f"block {row}, {col} of band {band} did not reach the disk")

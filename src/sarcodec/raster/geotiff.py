"""GeoTIFF files in and out, through rasterio.

In: a path. Out: SceneInfo and 2-D arrays by window, and the same way back. Knows nothing of levels in dB, of tiles or
of compressed files. Objects here belong to one thread; a lock keeps a shared one whole, but not fast.
"""

from __future__ import annotations

import os
import secrets
import threading
import weakref
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, RasterioError
from rasterio.windows import Window as RasterioWindow

from sarcodec.errors import InvalidArgument, OutputExists, SarcodecError, UnreadableScene, UnsupportedScene
from sarcodec.raster.description import check_supported, creation_options, read_info, write_info
from sarcodec.raster.quiet import environment, open_reader, open_writer
from sarcodec.raster.scene import DTYPES, SceneInfo
from sarcodec.raster.tiling import Window, check_inside
from sarcodec.storage.recognised import check_raster_name, raster_refusal

_GDAL_ERRORS = (RasterioError, CRSError, CPLE_BaseError, OSError)


def open_scene(path: str | os.PathLike) -> SceneReader:
    """Open a raster for reading; use it in a `with`. One reader a thread: GDAL datasets are not thread-safe.

    Raises UnreadableScene when it cannot be opened, UnsupportedScene for pixels that sarcodec does not take.
    """
    return SceneReader(path)


class SceneReader:
    """A raster that is open for reading. `info` is its SceneInfo; see open_scene."""

    def __init__(self, path: str | os.PathLike) -> None:
        self._path = os.fspath(path)
        self._lock = threading.Lock()
        check_raster_name(self._path)
        try:
            self._dataset = open_reader(self._path)
        except _GDAL_ERRORS as error:
            raise raster_refusal(self._path, _reason(error)) from error
        try:
            check_supported(self._dataset, self._path)
            self.info = read_info(self._dataset)
        except BaseException as error:
            self._dataset.close()
            if isinstance(error, (*_GDAL_ERRORS, UnicodeDecodeError)):
                raise UnreadableScene(
                    f"cannot read the georeferencing or tags of {self._path}: {_reason(error)}; expected a sound file. "
                    "Write it anew with gdal_translate"
                ) from error
            raise

    def read(self, band: int, window: Window) -> np.ndarray:
        """Pixels of `window` of band `band` (the first is 0) as an array (rows, cols) of the scene's dtype.

        Raises InvalidArgument outside the scene, UnreadableScene when the pixels cannot be read (a truncated file).
        """
        _check_band(band, self.info.count)
        check_inside(window, self.info.rows, self.info.cols)
        try:
            with self._lock:
                return self._dataset.read(band + 1, window=_to_rasterio(window))
        except _GDAL_ERRORS as error:
            raise UnreadableScene(
                f"cannot read rows {window.row}..{window.row_end - 1} of band {band + 1} of {self._path}: "
                f"{_reason(error)}; the file seems to be truncated or damaged. Copy it again"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._dataset.close()

    def __enter__(self) -> SceneReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _reason(error: BaseException) -> str:
    """What GDAL said first: rasterio hides it behind 'see previous exception'."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip() or type(error).__name__


def _to_rasterio(window: Window) -> RasterioWindow:
    return RasterioWindow(window.col, window.row, window.cols, window.rows)


def _check_band(band: int, count: int) -> None:
    if not 0 <= band < count:
        raise InvalidArgument(f"band index is {band}; this scene has the bands 0..{count - 1}")


class SceneWriter:
    """A GeoTIFF that is being written; use it in a `with`.

    It appears under `path` on a clean exit, or else not at all. Everything in `info` is written that a GeoTIFF can hold
    without a side file: ids and infos of control points and unusual colour interpretations are lost, and so are control
    points beside a transform. For speed write windows that are aligned to 512 pixels. Raises OutputExists,
    InvalidArgument, UnsupportedScene (another dtype), and SarcodecError when the disk refuses.
    """

    def __init__(self, path: str | os.PathLike, info: SceneInfo, overwrite: bool = False, threads: int = 1) -> None:
        self._path, self._overwrite, self._info = Path(path), overwrite, info
        self._lock = threading.Lock()
        self._check_target()
        if info.dtype not in DTYPES:
            raise UnsupportedScene(f"cannot write {info.dtype} pixels; expected one of {', '.join(DTYPES)}")
        self._part = self._path.with_name(f".{self._path.name}.{secrets.token_hex(6)}.part")
        self._dataset = None
        # Also when an interrupt comes between GDAL's making of the file and the `with` that would remove it.
        self._removal = weakref.finalize(self, self._part.unlink, missing_ok=True)
        try:
            with self._environment():
                self._dataset = open_writer(self._part, **creation_options(info, threads))
                write_info(self._dataset, info)
        except _GDAL_ERRORS as error:
            self._discard()
            raise self._translated(error) from error
        except BaseException:
            self._discard()
            raise

    def _environment(self) -> AbstractContextManager:
        # No .aux.xml beside the file. Control points are shifted here, not by GDAL: see description.py.
        ignore_point = bool(self._info.gcps) and self._info.transform is None
        return environment(GDAL_PAM_ENABLED=False, GTIFF_POINT_GEO_IGNORE=ignore_point)

    def _check_target(self) -> None:
        if self._path.is_dir() or not self._path.parent.is_dir():
            raise InvalidArgument(f"cannot write {self._path}; expected a file name in a folder that exists")
        if self._path.exists() and not self._overwrite:
            raise OutputExists(f"{self._path} exists; choose another name, or ask for overwriting")

    def _translated(self, error: Exception) -> SarcodecError:
        on_disk = isinstance(error, OSError)
        advice = "check the disk's space and rights" if on_disk else "a GeoTIFF cannot hold what the scene says"
        return SarcodecError(f"cannot write {self._path}: {_reason(error)}; {advice}")

    def write(self, band: int, window: Window, pixels: np.ndarray) -> None:
        """Write `pixels` (rows, cols) of the scene's dtype into `window` of band `band` (the first is 0)."""
        _check_band(band, self._info.count)
        check_inside(window, self._info.rows, self._info.cols)
        if pixels.shape != window.shape or pixels.dtype != self._info.dtype:
            raise InvalidArgument(
                f"pixels are {pixels.dtype} of shape {pixels.shape}; expected {self._info.dtype} of {window.shape}"
            )
        try:
            with self._lock, self._environment():
                self._dataset.write(pixels, band + 1, window=_to_rasterio(window))
        except _GDAL_ERRORS as error:
            raise self._translated(error) from error

    def __enter__(self) -> SceneWriter:
        return self

    def __exit__(self, kind: type | None, *exception: object) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            with self._lock, self._environment():
                self._dataset.close()
                _check_whole(self._part)
            self._publish()
        except _GDAL_ERRORS as error:
            self._discard()
            raise self._translated(error) from error
        except BaseException:
            self._discard()
            raise

    def _publish(self) -> None:
        with open(self._part, "rb+") as file:
            os.fsync(file.fileno())
        self._check_target()
        os.replace(self._part, self._path)
        self._removal.detach()
        # A side file of the replaced raster would override what the new one says.
        self._path.with_name(self._path.name + ".aux.xml").unlink(missing_ok=True)

    def _discard(self) -> None:
        try:
            if self._dataset is not None:
                with self._environment():
                    self._dataset.close()
        except _GDAL_ERRORS:
            pass  # The file goes away whatever GDAL says about it.
        finally:
            self._removal()


def _check_whole(path: Path) -> None:
    """GDAL does not report a disk that fills up on closing; a block without bytes would later read as zeros."""
    size = path.stat().st_size
    with open_reader(path) as dataset:
        block_rows, block_cols = dataset.block_shapes[0]
        shape = -(-dataset.height // block_rows), -(-dataset.width // block_cols)
        for band in dataset.indexes:
            for row, col in np.ndindex(*shape):
                begin = int(dataset.get_tag_item(f"BLOCK_OFFSET_{col}_{row}", "TIFF", bidx=band) or 0)
                length = int(dataset.get_tag_item(f"BLOCK_SIZE_{col}_{row}", "TIFF", bidx=band) or 0)
                if not length or begin + length > size:
                    raise OSError(f"block {row}, {col} of band {band} did not reach the disk")


def write_array(path: str | os.PathLike, pixels: np.ndarray, info: SceneInfo, overwrite: bool = False) -> None:
    """Write a whole scene (bands, rows, cols) that fits in memory."""
    if pixels.shape != (info.count, info.rows, info.cols):
        raise InvalidArgument(f"pixels have shape {pixels.shape}; expected {(info.count, info.rows, info.cols)}")
    with SceneWriter(path, info, overwrite) as writer:
        for band in range(info.count):
            writer.write(band, Window(0, 0, info.rows, info.cols), pixels[band])


def read_array(path: str | os.PathLike) -> tuple[np.ndarray, SceneInfo]:
    """A whole scene (bands, rows, cols) and what it says about itself."""
    with open_scene(path) as scene:
        whole = Window(0, 0, scene.info.rows, scene.info.cols)
        return np.stack([scene.read(band, whole) for band in range(scene.info.count)]), scene.info

"""Rasters that are read, and whole scenes in memory.

In: a path, or whatever name GDAL gives to one image of a file. Out: SceneInfo and 2-D arrays by window. Writing: see
scene_writer.py. Knows nothing of levels in dB, of tiles or of compressed files. Objects here belong to one thread; a
lock keeps a shared one whole, but not fast.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument, UnreadableScene
from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window, check_inside
from sarcodec.raster.behind import files_behind
from sarcodec.raster.blocks import Blocks
from sarcodec.raster.description import check_supported, describe
from sarcodec.raster.gdal import GDAL_ERRORS, check_band, reason, to_rasterio
from sarcodec.raster.quiet import open_reader
from sarcodec.raster.scene_writer import SceneWriter, files_of
from sarcodec.storage.recognised import check_raster_name, raster_refusal

if TYPE_CHECKING:
    from sarcodec.arrays import Integers, Pixels

__all__ = ["SceneReader", "SceneWriter", "files_of", "open_scene", "read_array", "write_array"]


def open_scene(path: str | os.PathLike[str]) -> SceneReader:
    """Open a raster for reading; use it in a `with`. One reader a thread: GDAL datasets are not thread-safe.

    Raises InvalidArgument where no file is there or may be read, UnreadableScene when it cannot be opened, UnsupportedScene
    for pixels that sarcodec does not take.
    """
    return SceneReader(path)


def _as_file(path: str) -> str:
    """A file may be called as GDAL calls a part of another one (GTIFF_DIR:1:a.tif)."""
    return os.path.join(".", path) if ":" in path and not os.path.isabs(path) and os.path.lexists(path) else path


class SceneReader:
    """A raster that is open for reading; see open_scene.

    info: its SceneInfo; notes: sentences about what of the raster is not in it and will not come back; paths: all files
    that it is made of, its own name first, as GDAL names them; blocks: in which it is read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._path = os.fsdecode(path)
        except TypeError as error:
            raise InvalidArgument(f"the raster is {path!r}; expected the name of a file") from error
        self._lock = threading.Lock()
        check_raster_name(self._path)
        try:
            self._dataset = open_reader(_as_file(self._path))
        except GDAL_ERRORS as error:
            raise raster_refusal(self._path, reason(error)) from error
        try:
            check_supported(self._dataset, self._path)
            found = describe(self._dataset)
            self.info, self.notes = found.info, found.notes
            self.blocks = Blocks.of_dataset(self._dataset, self.info.mask_planes)
            self.paths = files_behind(self._path, self._dataset.files)
        except BaseException as error:
            self._dataset.close()
            if isinstance(error, (*GDAL_ERRORS, UnicodeDecodeError)):
                raise UnreadableScene(
                    f"cannot read the georeferencing or tags of {self._path}: {reason(error)}; expected a sound file. "
                    "Write it anew with gdal_translate"
                ) from error
            raise

    def read(self, band: int, window: Window) -> Pixels:
        """Pixels of `window` of band `band` (the first is 0) as an array (rows, cols) of the scene's dtype.

        Raises InvalidArgument outside the scene, UnreadableScene when the pixels cannot be read (a truncated file).
        """
        check_band(band, self.info.count)
        check_inside(window, self.info.rows, self.info.cols)
        try:
            with self._lock:
                found: Pixels = self._dataset.read(band + 1, window=to_rasterio(window))
                return found
        except GDAL_ERRORS as error:
            raise UnreadableScene(
                f"cannot read rows {window.row}..{window.row_end - 1} of band {band + 1} of {self._path}: "
                f"{reason(error)}; the file seems to be truncated or damaged. Copy it again"
            ) from error

    def read_mask(self, plane: int, window: Window) -> Integers:
        """Values of `window` of mask `plane` (of info.mask_planes, the first is 0), uint8 (rows, cols), as GDAL gives
        them: 255 is valid, 0 is not, and what is between comes as it is. Raises as `read` does."""
        if not 0 <= plane < self.info.mask_planes:
            raise InvalidArgument(f"mask index is {plane}; this scene has {self.info.mask_planes} masks")
        check_inside(window, self.info.rows, self.info.cols)
        if self.info.mask == "bands" and not self.info.masked_bands[plane]:
            return np.full(window.shape, 255, np.uint8)
        try:
            with self._lock:
                found: Integers = self._dataset.read_masks(plane + 1, window=to_rasterio(window))
                return found
        except GDAL_ERRORS as error:
            raise UnreadableScene(
                f"cannot read rows {window.row}..{window.row_end - 1} of the mask of {self._path}: {reason(error)}; the "
                "file or its side file .msk seems to be truncated or damaged. Copy it again"
            ) from error

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._dataset.close()

    def __enter__(self) -> SceneReader:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def write_array(path: str | os.PathLike[str], pixels: Pixels, info: SceneInfo, overwrite: bool = False) -> None:
    """Write a whole scene (bands, rows, cols) that fits in memory."""
    if pixels.shape != (info.count, info.rows, info.cols):
        raise InvalidArgument(f"pixels have shape {pixels.shape}; expected {(info.count, info.rows, info.cols)}")
    with SceneWriter(path, info, overwrite) as writer:
        for band in range(info.count):
            writer.write(band, Window(0, 0, info.rows, info.cols), pixels[band])


def read_array(path: str | os.PathLike[str]) -> tuple[Pixels, SceneInfo]:
    """A whole scene (bands, rows, cols) and what it says about itself."""
    with open_scene(path) as scene:
        whole = Window(0, 0, scene.info.rows, scene.info.cols)
        return np.stack([scene.read(band, whole) for band in range(scene.info.count)]), scene.info

"""A compressed file, opened lazily: what it says at once, pixels by window."""

from collections.abc import Callable

import numpy as np

from sarcodec.format.reader import FileReader
from sarcodec.errors import InvalidArgument
from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window, overlap

from sarcodec.api.asked import asked_window, chosen_bands
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.api.shown import as_html, as_line
from sarcodec.decoding.reconstruction import Reconstruction
from sarcodec.decoding.workers import thread_count, workers


class CompressedScene:
    """A compressed file, opened lazily: what it says at once, pixels by window. Use as a context manager.

    Safe for threads, and for processes that are forked or to which it is pickled: there, and in a copy, it is opened again by its
    path (which must hold the same file) or with its bytes; one of a file object is refused. What a scene says of itself is there
    after `close`, its pixels are not. Raises InvalidArgument for what has no meaning and FormatError's kin.
    """

    def __init__(self, path, threads: int | None = None, reconstruct: str = "power", speckle: str = "keep"):
        self._settings = threads, reconstruct, speckle
        self._wanted, self._threads = Reconstruction(reconstruct, speckle), thread_count(threads)
        self._file = path if isinstance(path, FileReader) else FileReader(path)
        try:
            self._decoder = SceneDecoder(self._file, self._threads, self._wanted)
        except BaseException:
            self._file.close()
            raise

    def __reduce__(self) -> tuple:
        return _reopened, (*self._file.__reduce__(), self._settings)

    def __repr__(self) -> str:
        return as_line(self._file, self.info)

    def _repr_html_(self) -> str:
        return as_html(self._file, self.info)

    @property
    def info(self) -> SceneInfo:
        return self._decoder.info

    @property
    def shape(self) -> tuple[int, int, int]:
        """(bands, rows, cols)."""
        return self.info.count, self.info.rows, self.info.cols

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self.info.dtype)

    @property
    def crs(self) -> str | None:
        """CRS of the transform as WKT, None without one."""
        return self.info.crs_wkt

    @property
    def transform(self) -> tuple[float, ...] | None:
        """(a, b, c, d, e, f), None when the scene has none."""
        return self.info.transform

    @property
    def gcps(self):
        """Ground control points with heights."""
        return self.info.gcps

    def read(self, window=None, bands=None) -> np.ndarray:
        """Pixels (bands, rows, cols) in the scene's dtype.

        window: sarcodec.Window, rasterio.windows.Window, a pair of slices, or ((row_start, row_stop), (col_start, col_stop)); default
        all. bands: a number or several, counted from 0, in the order in which they are wanted; default all.
        Raises InvalidArgument for a window or band that the scene has not, and once it is closed; FormatError's kin.
        """
        window, bands = asked_window(window, self.info.rows, self.info.cols), chosen_bands(bands, self.info.count)
        if self.closed:
            raise InvalidArgument(f"the scene {self._file.name} is closed; open it again, or read it within its `with`")
        with workers(self._threads) as pool:
            return _read(self._decoder, pool, window, bands)

    def close(self) -> None:
        """Give the file back. A second time does nothing."""
        self._file.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._file.closed

    def __enter__(self) -> "CompressedScene":
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def _reopened(open_file: Callable[..., FileReader], arguments: tuple, settings: tuple) -> CompressedScene:
    return CompressedScene(open_file(*arguments), *settings)


def open_compressed(
    path, threads: int | None = None, reconstruct: str = "power", speckle: str = "keep"
) -> CompressedScene:
    """Open a compressed file lazily; reconstruct and speckle as in `decompress`."""
    return CompressedScene(path, threads, reconstruct, speckle)


def _read(decoder: SceneDecoder, pool, window: Window, bands: list[int]) -> np.ndarray:
    out = np.empty((len(bands), *window.shape), decoder.info.dtype)
    places = [(t, i) for t in decoder.grid.touched(window) for i in range(len(bands))]
    for (tile, i), pixels in zip(places, pool.map(lambda p: decoder.tile_pixels(p[0], bands[p[1]]), places)):
        whole = decoder.grid.window(tile)
        shared = overlap(whole, window)
        out[i][shared.within(window)] = pixels[shared.within(whole)]
    return out

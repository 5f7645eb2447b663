"""A compressed file, opened lazily: what it says at once, pixels by window."""

import numpy as np

from sarcodec.bitstream.reader import FileReader
from sarcodec.errors import InvalidArgument
from sarcodec.raster.scene import SceneInfo
from sarcodec.raster.tiling import Window, check_inside, overlap

from .decoder import SceneDecoder
from .texture import Reconstruction
from .workers import thread_count, workers


class CompressedScene:
    """A compressed file, opened lazily: what it says at once, pixels by window. Use as a context manager."""

    def __init__(self, path, threads: int | None = None, reconstruct: str = "power", speckle: str = "keep"):
        wanted = Reconstruction(reconstruct, speckle)
        self._file = FileReader(path)
        try:
            self._decoder = SceneDecoder(self._file, thread_count(threads), wanted)
        except BaseException:
            self._file.close()
            raise
        self._threads = threads

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

    def read(self, window: Window | None = None, bands=None) -> np.ndarray:
        """Pixels (bands, rows, cols) in the scene's dtype; bands: numbers from 0, default all."""
        window = window or Window(0, 0, self.info.rows, self.info.cols)
        with workers(self._threads) as pool:
            return _read(self._decoder, pool, window, chosen_bands(bands, self.info.count))

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> "CompressedScene":
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def open_compressed(
    path, threads: int | None = None, reconstruct: str = "power", speckle: str = "keep"
) -> CompressedScene:
    """Open a compressed file lazily; reconstruct and speckle as in `decompress`."""
    return CompressedScene(path, threads, reconstruct, speckle)


def chosen_bands(bands, count: int) -> list[int]:
    chosen = list(range(count)) if bands is None else [bands] if isinstance(bands, int) else list(bands)
    for band in chosen:
        if not 0 <= band < count:
            raise InvalidArgument(f"band {band} of {count} bands, counted from 0")
    return chosen


def _read(decoder: SceneDecoder, pool, window: Window, bands: list[int]) -> np.ndarray:
    check_inside(window, decoder.info.rows, decoder.info.cols)
    out = np.empty((len(bands), *window.shape), decoder.info.dtype)
    places = [(t, i) for t in decoder.grid.touched(window) for i in range(len(bands))]
    for (tile, i), pixels in zip(places, pool.map(lambda p: decoder.tile_pixels(p[0], bands[p[1]]), places)):
        whole = decoder.grid.window(tile)
        shared = overlap(whole, window)
        out[i][shared.within(window)] = pixels[shared.within(whole)]
    return out

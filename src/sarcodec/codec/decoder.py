"""A compressed file into pixels by window: decodes the tiles that a window touches and their neighbours' border cells.

In: an open `FileReader`; out: pixels in the scene's dtype. Latents of recent tiles are kept, so that a walk over the scene
decodes each tile once.
"""

import threading
from collections import OrderedDict
from concurrent.futures import Future

import numpy as np

from sarcodec import published
from sarcodec.bitstream.container import LATENTS, LEANING, MASK, Section
from sarcodec.bitstream.files import FileReader
from sarcodec.bitstream.mask import unpack_invalid
from sarcodec.bitstream.prior import TileLatents
from sarcodec.errors import CorruptFile, NewerVersion
from sarcodec.raster.radiometry import restore
from sarcodec.raster.scene import unpack_scene
from sarcodec.raster.tiling import TileGrid
from sarcodec.lapped import CHANNELS
from sarcodec.tile import CELL_PX, HALO_CELLS, TILE_CELLS, TILE_LOG2, TILE_PX, TileCodec, symbols_of

from .borders import tile_borders


class SceneDecoder:
    """Pixels of a file by window. Safe for threads."""

    def __init__(self, file: FileReader, threads: int = 1):
        header = file.header
        if header.tile_log2 != TILE_LOG2:
            raise NewerVersion("the file uses tiles of another size; it needs a newer sarcodec")
        self.file, self.header = file, header
        self.info = unpack_scene(header.metadata, header.rows, header.cols, len(header.bands), header.dtype)
        self.grid = TileGrid(header.rows, header.cols, TILE_PX)
        model = published.load(header.model_id, header.model_digest)
        self.codec = TileCodec(model)
        self._kept, self._lock = OrderedDict(), threading.Lock()
        self._room = len(header.bands) * (3 * self.grid.shape[1] + 8) + 4 * threads

    def cells(self, tile: int) -> tuple[int, int]:
        """Rows and columns of latent cells of a tile."""
        return tuple(-(-n // CELL_PX) for n in self.grid.window(tile).shape)

    def sections(self, tile: int, band: int) -> dict[int, Section]:
        return {s.kind: s for s in self.file.sections(tile, band)}

    def symbols(self, tile: int, band: int) -> np.ndarray:
        """All coded symbols of a tile and band (n,) int32; checks both checksums and the mask."""
        sections, window = self.sections(tile, band), self.grid.window(tile)
        if MASK in sections:
            unpack_invalid(sections[MASK].payload, window.shape, self.header.dtype)
        section, reference = self._coded(sections, tile, band)
        if section is None:
            return np.zeros(0, np.int32)
        return symbols_of(
            self.codec.model, section, self.file.entry(tile, band).step, *self.cells(tile), reference
        )

    def _coded(self, sections: dict[int, Section], tile: int, band: int) -> tuple[Section | None, TileLatents | None]:
        """The section that holds the latents, and the latents that it leans on. Raises CorruptFile where there are none."""
        if LEANING not in sections:
            return sections.get(LATENTS), None
        reference = self.header.bands[band].reference
        leaned_on = None if reference is None else self.latents(tile, reference)
        if LATENTS in sections or leaned_on is None:
            raise CorruptFile(
                f"tile {tile}, band {band} has a section that leans on another band, expected none; the file is damaged"
            )
        return sections[LEANING], leaned_on

    def latents(self, tile: int, band: int) -> TileLatents | None:
        """Decoded latents of a tile, None if it has none; kept for its neighbours and for the band that leans on them."""
        with self._lock:
            future = self._kept.get((tile, band))
            mine = future is None
            if mine:
                future = self._kept[tile, band] = Future()
                while len(self._kept) > self._room:
                    self._kept.popitem(last=False)
            else:
                self._kept.move_to_end((tile, band))
        if mine:
            try:
                future.set_result(self._decode(tile, band))
            except BaseException as error:
                with self._lock:
                    self._kept.pop((tile, band), None)
                future.set_exception(error)
        return future.result()

    def _decode(self, tile: int, band: int) -> TileLatents | None:
        section, reference = self._coded(self.sections(tile, band), tile, band)
        if section is None:
            return None
        return self.codec.decode(section, self.file.entry(tile, band).step, *self.cells(tile), reference)

    def _with_halo(self, tile: int, band: int) -> np.ndarray:
        """Latents in dB of a tile and a cell around (18, 18, 1024) float32, 0 where the scene ends."""
        side = TILE_CELLS + 2 * HALO_CELLS
        latents = np.zeros((side, side, CHANNELS), np.float32)
        row, col = divmod(tile, self.grid.shape[1])
        for r in range(max(0, row - 1), min(self.grid.shape[0], row + 2)):
            for c in range(max(0, col - 1), min(self.grid.shape[1], col + 2)):
                other = r * self.grid.shape[1] + c
                theirs = self.latents(other, band)
                if theirs is None:
                    continue
                places = zip((r - row, c - col), self.cells(other))
                here, there = zip(*(_shared(d * TILE_CELLS + HALO_CELLS, n, side) for d, n in places))
                latents[here] = self._in_db(theirs, other, there)
        return latents

    def _in_db(self, latents: TileLatents, tile: int, cells: tuple[slice, slice]) -> np.ndarray:
        """Some cells of a tile, dequantised."""
        rows, cols = self.cells(tile)
        chosen = latents.values.reshape(rows, cols, CHANNELS)[cells]
        part = TileLatents(chosen.reshape(-1, CHANNELS), latents.step)
        return self.codec.dequantise(part, *chosen.shape[:2])

    def levels(self, tile: int, band: int) -> np.ndarray:
        """Levels in dB of a tile's pixels, float32; meaningful where pixels are valid."""
        rows, cols = self.grid.window(tile).shape
        offset = np.float32(self.header.bands[band].offset_db)
        if self.latents(tile, band) is None:
            return np.full((rows, cols), offset, np.float32)
        levels = self.codec.synthesise(self._with_halo(tile, band), tile_borders(self.grid, tile))
        levels = levels[:rows, :cols] + offset
        if not np.isfinite(levels).all():
            raise CorruptFile(f"tile {tile}, band {band} decodes to levels that are not finite; the file is damaged")
        return levels

    def tile_pixels(self, tile: int, band: int) -> np.ndarray:
        """Pixels of a tile in the scene's dtype, invalid ones bit for bit as they were."""
        mask = self.sections(tile, band).get(MASK)
        shape, nodata = self.grid.window(tile).shape, self.info.nodata[band]
        if mask is None:
            return restore(self.levels(tile, band), self.header.domain, self.header.dtype, nodata)
        valid, pixels = unpack_invalid(mask.payload, shape, self.header.dtype)
        if not valid.any():
            return pixels
        restored = restore(self.levels(tile, band), self.header.domain, self.header.dtype, nodata)
        restored.view(_bits(restored))[~valid] = pixels.view(_bits(pixels))[~valid]
        return restored


def _shared(begin: int, length: int, side: int) -> tuple[slice, slice]:
    """Where `length` cells that begin at `begin` lie on a block of `side`, and which of them those are."""
    first, last = max(0, begin), min(side, begin + length)
    last = max(first, last)
    return slice(first, last), slice(first - begin, last - begin)


def _bits(array: np.ndarray) -> np.dtype:
    return np.dtype(f"u{array.dtype.itemsize}")

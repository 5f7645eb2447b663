"""A compressed file into pixels by window: decodes the tiles that a window touches and their neighbours' border cells.

In: an open `FileReader`; out: pixels in the scene's dtype. Latents of recent tiles are kept, so that a walk over the scene
decodes each tile once.
"""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from sarcodec import published
from sarcodec.bitstream.container import LATENTS, MASK, POWER, Section
from sarcodec.bitstream.files import FileReader
from sarcodec.bitstream.mask import unpack_invalid
from sarcodec.engine import Engine
from sarcodec.errors import CorruptFile, ModelError, NewerVersion
from sarcodec.raster.radiometry import restore
from sarcodec.raster.scene import unpack_scene
from sarcodec.raster.tiling import TileGrid
from sarcodec.texture.correction import NONE, Ground, unpack_correction, with_power, with_texture
from sarcodec.tile import (
    CELL_PX,
    SYNTHESIS_HALO_CELLS,
    TILE_CELLS,
    TILE_LOG2,
    TILE_PX,
    TileCodec,
    step_plane_value,
    symbols_of,
)

from .texture import LEAST_ERROR, Reconstruction, noise_latents, normalised, pixel_variances

HALO = SYNTHESIS_HALO_CELLS


@dataclass(frozen=True, eq=False)
class _Kept:
    """A decoded tile: latents and noise (rows, cols, 1024) in dB, lost variances by cell (rows, cols) in dB^2; None: not asked for."""

    latents: np.ndarray
    lost: np.ndarray | None
    noise: np.ndarray | None


class SceneDecoder:
    """Pixels of a file by window. Safe for threads."""

    def __init__(self, file: FileReader, threads: int = 1, wanted: Reconstruction = Reconstruction()):
        header = file.header
        if header.tile_log2 != TILE_LOG2 or any(b.reference is not None for b in header.bands):
            raise NewerVersion(
                "the file uses tiles of another size or bands that lean on others; it needs a newer sarcodec"
            )
        self.file, self.header = file, header
        self.info = unpack_scene(header.metadata, header.rows, header.cols, len(header.bands), header.dtype)
        self.grid = TileGrid(header.rows, header.cols, TILE_PX)
        model = published.load(header.model_id, header.model_digest)
        if wanted.speckle == "restore" and not model.prior.errors.any():
            raise ModelError(
                f"model {model.id} does not say what its quantisation takes: speckle cannot be restored; keep it, or compress "
                "the scene again with a newer model"
            )
        self.codec, self.wanted = TileCodec(model, Engine(threads=threads)), wanted
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
        if POWER in sections:
            unpack_correction(sections[POWER].payload)
        if LATENTS not in sections:
            return np.zeros(0, np.int32)
        return symbols_of(self.codec.model, sections[LATENTS], self.file.entry(tile, band).step, *self.cells(tile))

    def latents(self, tile: int, band: int) -> np.ndarray | None:
        """Latents (rows, cols, 1024) float32 in dB of a tile, None if it has none; kept for its neighbours."""
        kept = self._tile(tile, band)
        return None if kept is None else kept.latents

    def _tile(self, tile: int, band: int) -> _Kept | None:
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

    def _decode(self, tile: int, band: int) -> _Kept | None:
        section, step = self.sections(tile, band).get(LATENTS), self.file.entry(tile, band).step
        if section is None:
            return None
        restore_texture = self.wanted.speckle == "restore"
        if self.wanted.reconstruct == "log" and not restore_texture:
            return _Kept(self.codec.decode(section, step, *self.cells(tile)), None, None)
        known = self.codec.decode_known(section, step, *self.cells(tile))
        noise = noise_latents(known.lost, tile, band) if restore_texture else None
        return _Kept(known.latents, known.lost.mean(2), noise)

    def _with_halo(self, tile: int, band: int, of=lambda kept: kept.latents) -> tuple[np.ndarray, np.ndarray]:
        """Latents (or noise) of a tile and two cells around (20, 20, 1024), 0 where the scene ends, and their step plane."""
        side = TILE_CELLS + 2 * HALO
        latents = np.zeros((side, side, self.codec.model.linear_analysis.shape[0]), np.float32)
        plane = np.zeros((side, side), np.float32)
        row, col = divmod(tile, self.grid.shape[1])
        for r in range(max(0, row - 1), min(self.grid.shape[0], row + 2)):
            for c in range(max(0, col - 1), min(self.grid.shape[1], col + 2)):
                other = r * self.grid.shape[1] + c
                theirs = self._tile(other, band)
                place = [_shared(d * TILE_CELLS + HALO, n, side) for d, n in zip((r - row, c - col), self.cells(other))]
                here, there = tuple(p[0] for p in place), tuple(p[1] for p in place)
                plane[here] = step_plane_value(self.file.entry(other, band).step)
                if theirs is not None:
                    latents[here] = of(theirs)[there]
        return latents, plane

    def levels(self, tile: int, band: int) -> np.ndarray:
        """Levels in dB of a tile's pixels as they were asked for, float32; meaningful where pixels are valid."""
        rows, cols = self.grid.window(tile).shape
        offset = np.float32(self.header.bands[band].offset_db)
        if self.latents(tile, band) is None:
            return np.full((rows, cols), offset, np.float32)
        levels = self.codec.synthesise(*self._with_halo(tile, band))[:rows, :cols] + offset
        if not np.isfinite(levels).all():
            raise CorruptFile(f"tile {tile}, band {band} decodes to levels that are not finite; the file is damaged")
        return levels if self.wanted == LEAST_ERROR else self._given_back(tile, band, levels)

    def _given_back(self, tile: int, band: int, levels: np.ndarray) -> np.ndarray:
        """Levels of least error to levels with the power, and the texture, that was lost."""
        section = self.sections(tile, band).get(POWER)
        correction = unpack_correction(section.payload) if section else NONE
        ground = Ground.of(levels, self._lost_with_halo(tile, band))
        if self.wanted.speckle == "keep":
            return with_power(ground, correction)
        noise = self.codec.linear(self._with_halo(tile, band, lambda kept: kept.noise)[0])[: levels.shape[0], : levels.shape[1]]
        lost = self._tile(tile, band).lost
        scores, variances = normalised(noise, lost), pixel_variances(lost, levels.shape)
        return with_texture(ground, scores, variances, correction, self.wanted.reconstruct == "power")

    def _lost_with_halo(self, tile: int, band: int) -> np.ndarray:
        """Lost variances of a tile's cells and one around (rows + 2, cols + 2), the nearest cell's where there is none."""
        rows, cols = self.cells(tile)
        row, col = divmod(tile, self.grid.shape[1])
        out = np.pad(self._tile(tile, band).lost, 1, "edge")
        for r in range(max(0, row - 1), min(self.grid.shape[0], row + 2)):
            for c in range(max(0, col - 1), min(self.grid.shape[1], col + 2)):
                other = r * self.grid.shape[1] + c
                theirs = self._tile(other, band)
                if theirs is not None and other != tile:
                    begins = (d * TILE_CELLS + 1 for d in (r - row, c - col))
                    place = [_shared(b, n, s) for b, n, s in zip(begins, self.cells(other), (rows + 2, cols + 2))]
                    out[tuple(p[0] for p in place)] = theirs.lost[tuple(p[1] for p in place)]
        return out

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

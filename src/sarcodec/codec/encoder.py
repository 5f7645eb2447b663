"""A scene into tile payloads: levels with their halo, the latents of each tile, its mask. Reads pixels once a tile.

In: an open raster and a tile codec; out: `TileData`, then payload bytes at any step index.
"""

from dataclasses import dataclass

import numpy as np

from sarcodec.bitstream.container import LATENTS, MASK, OFFSETS_A_DB, POWER, BandField, Section, pack_tile
from sarcodec.bitstream.mask import pack_invalid
from sarcodec.errors import UnsupportedScene
from sarcodec.raster.geotiff import SceneReader
from sarcodec.raster.radiometry import fill_invalid, normalise, resolve_domain
from sarcodec.raster.tiling import TileGrid, Window, grow
from sarcodec.texture.correction import Ground
from sarcodec.texture.fitting import Original, fitted_correction
from sarcodec.tile import ANALYSIS_HALO_PX, CELL_PX, TILE_PX, Known, TileCodec

from .texture import around, noise_latents, normalised, pixel_variances

OFFSET_MAX_DB = 500  # an offset is an int16 in 1/64 dB
LEVEL_MAX_DB = 1000  # beyond every float32 amplitude (-897 to 771 dB): only dB pixels can be refused
SAMPLE_TILES = 9
EXTENSION = "symmetric"


@dataclass(frozen=True, eq=False)
class TileData:
    """One tile of one band: its packed mask (b'' if all valid) and its latents (rows, cols, 1024), None if nothing is valid."""

    place: tuple[int, int]
    mask: bytes
    latents: np.ndarray | None


def sample_tiles(reader: SceneReader, grid: TileGrid, band: int) -> np.ndarray:
    """Pixels of up to nine tiles spread over a band, in one row."""
    chosen = np.unique(np.linspace(0, grid.count - 1, SAMPLE_TILES).astype(int))
    return np.concatenate([reader.read(band, grid.window(int(i))).reshape(-1) for i in chosen])


class SceneEncoder:
    """Analysis of a scene's tiles; safe for threads where the reader is."""

    def __init__(self, reader: SceneReader, domain: str, codec: TileCodec):
        info = reader.info
        self.reader, self.info, self.codec = reader, info, codec
        self.grid = TileGrid(info.rows, info.cols, TILE_PX)
        samples = [sample_tiles(reader, self.grid, b) for b in range(info.count)]
        self.domain = resolve_domain(domain, np.concatenate(samples), info.nodata[0], info.hints)
        self.bands = tuple(BandField(self._offset(s, info.nodata[b])) for b, s in enumerate(samples))

    def _offset(self, sample: np.ndarray, nodata: float | None) -> int:
        level, valid = normalise(sample, self.domain, nodata)
        usual = level[valid & (np.abs(level) <= OFFSET_MAX_DB)]  # an undeclared fill value must not shift the band
        return int(np.rint(usual.mean(dtype=np.float64) * OFFSETS_A_DB)) if usual.size else 0

    def places(self) -> list[tuple[int, int]]:
        """(tile, band) in the order of the file."""
        return [(t, b) for t in range(self.grid.count) for b in range(self.info.count)]

    def analyse(self, place: tuple[int, int]) -> TileData:
        """Read one tile and its halo, keep its mask, transform its levels."""
        tile, band = place
        window = self.grid.window(tile)
        around = grow(window, ANALYSIS_HALO_PX, self.info.rows, self.info.cols)
        pixels = self.reader.read(band, around)
        level, valid = normalise(pixels, self.domain, self.info.nodata[band])
        _check_levels(level, window)
        inside = window.within(around)
        mask = pack_invalid(np.ascontiguousarray(pixels[inside]), np.ascontiguousarray(valid[inside]))
        if not valid[inside].any():
            return TileData(place, mask, None)
        level = level - np.float32(self.bands[band].offset_db)
        latents = self.codec.analyse(self._canvas(level, valid, window, around))
        rows, cols = (-(-n // CELL_PX) for n in window.shape)
        return TileData(place, mask, np.ascontiguousarray(latents[:rows, :cols]))

    @staticmethod
    def _canvas(level: np.ndarray, valid: np.ndarray, window: Window, around: Window) -> np.ndarray:
        """Levels on the fixed (576, 576) block: invalid pixels filled, the rest of cut cells continued, 0 beyond the scene.

        The scene is continued by its mirror image: a thin strip of pixels that fades into something else would be spread over all
        frequencies, each of them too weak to be kept (docs/log.md).
        """
        top, left = (ANALYSIS_HALO_PX - (window.row - around.row), ANALYSIS_HALO_PX - (window.col - around.col))
        rows, cols = (-(-(n + p) // CELL_PX) * CELL_PX - p for n, p in zip(level.shape, (top, left)))
        grown = [(0, rows - level.shape[0]), (0, cols - level.shape[1])]
        filled = np.pad(fill_invalid(level, valid), grown, EXTENSION)
        canvas = np.zeros((TILE_PX + 2 * ANALYSIS_HALO_PX,) * 2, np.float32)
        rows, cols = min(rows, canvas.shape[0] - top), min(cols, canvas.shape[1] - left)
        canvas[top : top + rows, left : left + cols] = filled[:rows, :cols]
        return canvas

    def encode(self, data: TileData, step: int) -> bytes:
        """The payload of a tile at a step index."""
        sections = [Section(MASK, data.mask)] if data.mask else []
        if data.latents is not None:
            latents, known = self.codec.encode_known(data.latents, step)
            power = self._correction(data.place, known)
            sections += [latents] + ([Section(POWER, power)] if power else [])
        return pack_tile(sorted(sections, key=lambda s: s.kind))

    def _correction(self, place: tuple[int, int], known: Known) -> bytes:
        """What the power section says: from the tile alone, as if the scene ended around it."""
        tile, band = place
        original = self._original(tile, band)
        shape = original.levels.shape
        linear = lambda latents: self.codec.linear(around(latents))[: shape[0], : shape[1]]
        ground = Ground.of(
            linear(known.latents) + np.float32(self.bands[band].offset_db), np.pad(known.lost.mean(2), 1, "edge")
        )
        variances, scores = pixel_variances(known.lost.mean(2), shape), np.zeros(shape, np.float32)
        if variances.any():
            scores = normalised(linear(noise_latents(known.lost, tile, band)), known.lost.mean(2))
        return fitted_correction(ground, original, scores, variances).pack()

    def _original(self, tile: int, band: int) -> Original:
        """Levels of a tile, and those of the next band as a guide to where the ground is calm."""
        read = lambda b: normalise(self.reader.read(b, self.grid.window(tile)), self.domain, self.info.nodata[b])
        whole = self.domain == "amplitude" and np.dtype(self.info.dtype).kind != "f"
        guide = None
        if self.info.count > 1:
            levels, valid = read((band + 1) % self.info.count)
            guide = np.where(valid, levels, np.float32(np.nan))
        return Original(*read(band), 1 / 12 if whole else 0.0, guide)


def _check_levels(level_db: np.ndarray, window: Window) -> None:
    """UnsupportedScene where dB pixels are beyond all physics: a fill value that nobody declared."""
    worst = float(np.abs(level_db).max())
    if worst > LEVEL_MAX_DB:
        raise UnsupportedScene(
            f"pixels at rows {window.row}..{window.row_end - 1}, columns {window.col}..{window.col_end - 1} reach "
            f"{worst:.6g} dB, expected at most {LEVEL_MAX_DB} dB; declare them as nodata (gdal_edit.py -a_nodata)"
        )


assert LATENTS < MASK  # sections stand in rising kind

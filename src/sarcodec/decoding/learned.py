"""Bands that the model has coded, into pixels by tile: decodes the tiles that are asked for and their neighbours' border cells.

In: an open `FileReader`; out: pixels in the scene's dtype. Latents of recent tiles are kept, so that a walk over the scene
decodes each tile once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.apart import apart
from sarcodec.decoding.borders import tile_borders
from sarcodec.decoding.kept import Kept
from sarcodec.decoding.reconstruction import LEAST_ERROR, Reconstruction, noise_latents, normalised, pixel_variances
from sarcodec.decoding.tile import CELL_PX, HALO_CELLS, TILE_CELLS, TILE_PX, TileDecoder
from sarcodec.entropy.prior import TileLatents
from sarcodec.errors import CorruptFile, ModelError
from sarcodec.format.mask import unpack_invalid
from sarcodec.format.measure import Measure
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import LATENTS, LEANING, MASK, POWER, Section
from sarcodec.format.tiling import TileGrid
from sarcodec.models import published
from sarcodec.signal.correction import NONE, Ground, unpack_correction, with_power, with_texture
from sarcodec.signal.lapped import CHANNELS
from sarcodec.signal.radiometry import restore

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers, Pixels

EMPTY_BYTES = 4096
"""Of a kept tile beside its latents and noise: lost variances, objects, its place in the index."""


@dataclass(frozen=True, eq=False)
class _Decoded:
    """A decoded tile: latents, lost variances by cell (rows, cols) in dB^2, noise (cells, 1024) in dB; None: not asked for."""

    latents: TileLatents
    lost: Floats | None
    noise: Floats | None

    @property
    def nbytes(self) -> int:
        return self.latents.values.nbytes + sum(part.nbytes for part in (self.lost, self.noise) if part is not None)


class LearnedDecoder:
    """Tiles of the learned bands of a file. Safe for threads. measures: what the pixels of each band are; room: bytes of decoded tiles
    that are kept for their neighbours."""

    def __init__(
        self,
        file: FileReader,
        measures: Sequence[Measure | None],
        room: int,
        wanted: Reconstruction = Reconstruction(),
    ) -> None:
        header = file.header
        self.file, self.header = file, header
        self._measures = {band: measure for band, measure in enumerate(measures) if measure is not None}
        self.grid = TileGrid(header.rows, header.cols, TILE_PX)
        model = published.load(header.model_id, header.model_digest)
        if wanted.speckle == "restore" and not model.prior.errors.any():
            raise ModelError(
                f"model {model.id} does not say what its quantisation takes: speckle cannot be restored; keep it, or compress "
                "the scene again with a newer model"
            )
        self.codec, self.wanted = TileDecoder(model), wanted
        self._tiles: Kept[_Decoded | None] = Kept(room, lambda tile: EMPTY_BYTES + (tile.nbytes if tile else 0))

    @property
    def tile_bytes(self) -> int:
        """What a whole tile of a band takes while it is kept, as a rule: latents in 32 bits, and noise where that is asked for."""
        return 4 * TILE_CELLS**2 * CHANNELS * (2 if self.wanted.speckle == "restore" else 1) + EMPTY_BYTES

    def forget(self, places: Iterable[tuple[int, int]]) -> None:
        """Keep these tiles and bands no longer."""
        self._tiles.forget(places)

    def cells(self, tile: int) -> tuple[int, int]:
        """Rows and columns of latent cells of a tile."""
        rows, cols = self.grid.window(tile).shape
        return -(-rows // CELL_PX), -(-cols // CELL_PX)

    def sections(self, tile: int, band: int) -> dict[int, Section]:
        return {s.kind: s for s in self.file.sections(tile, band)}

    def symbols(self, tile: int, band: int) -> Integers:
        """All coded symbols of a tile and band (n,) int32; checks both checksums and the mask."""
        sections, window = self.sections(tile, band), self.grid.window(tile)
        if MASK in sections:
            unpack_invalid(sections[MASK].payload, window.shape, self.header.dtype)
        if POWER in sections:
            unpack_correction(sections[POWER].payload)
        section, reference = self._coded(sections, tile, band)
        if section is None:
            return np.zeros(0, np.int32)
        return self.codec.symbols(section, self.file.entry(tile, band).step, *self.cells(tile), reference)

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
        kept = self._tile(tile, band)
        return None if kept is None else kept.latents

    def _tile(self, tile: int, band: int) -> _Decoded | None:
        return self._tiles.get((tile, band), lambda: self._decode(tile, band))

    def _decode(self, tile: int, band: int) -> _Decoded | None:
        section, reference = self._coded(self.sections(tile, band), tile, band)
        if section is None:
            return None
        step, (rows, cols) = self.file.entry(tile, band).step, self.cells(tile)
        if self.wanted == LEAST_ERROR:
            return _Decoded(_apart(self.codec.decode(section, step, rows, cols, reference)), None, None)
        latents, lost = self.codec.decode_known(section, step, rows, cols, reference)
        noise = apart(noise_latents(lost, tile, band)) if self.wanted.speckle == "restore" else None
        return _Decoded(_apart(latents), lost.mean(1).reshape(rows, cols), noise)

    def _with_halo(self, tile: int, band: int, noise: bool = False) -> Floats:
        """Latents (or noise) in dB of a tile and a cell around (18, 18, 1024) float32, 0 where the scene ends."""
        side = TILE_CELLS + 2 * HALO_CELLS
        latents = np.zeros((side, side, CHANNELS), np.float32)
        row, col = divmod(tile, self.grid.shape[1])
        for r in range(max(0, row - 1), min(self.grid.shape[0], row + 2)):
            for c in range(max(0, col - 1), min(self.grid.shape[1], col + 2)):
                other = r * self.grid.shape[1] + c
                theirs = self._tile(other, band)
                if theirs is None:
                    continue
                places = zip((r - row, c - col), self.cells(other))
                here, there = zip(*(_shared(d * TILE_CELLS + HALO_CELLS, n, side) for d, n in places))
                latents[here] = self._in_db(theirs, other, there, noise)
        return latents

    def _in_db(self, kept: _Decoded, tile: int, cells: tuple[slice, slice], noise: bool) -> Floats:
        """Some cells of a tile (n, m, 1024), dequantised, or their noise."""
        whole = (*self.cells(tile), CHANNELS)
        if noise:
            return np.zeros(whole, np.float32)[cells] if kept.noise is None else kept.noise.reshape(whole)[cells]
        chosen = kept.latents.values.reshape(whole)[cells]
        return self.codec.dequantise(TileLatents(chosen.reshape(-1, CHANNELS), kept.latents.step), *chosen.shape[:2])

    def levels(self, tile: int, band: int) -> Floats:
        """Levels in dB of a tile's pixels as they were asked for, float32; meaningful where pixels are valid."""
        rows, cols = self.grid.window(tile).shape
        offset = np.float32(self.header.bands[band].offset_db)
        kept = self._tile(tile, band)
        if kept is None:
            return np.full((rows, cols), offset, np.float32)
        levels = self.codec.synthesise(self._with_halo(tile, band), tile_borders(self.grid, tile))
        levels = levels[:rows, :cols] + offset
        if not np.isfinite(levels).all():
            raise CorruptFile(f"tile {tile}, band {band} decodes to levels that are not finite; the file is damaged")
        return levels if kept.lost is None else self._given_back(tile, band, levels, kept.lost)

    def _given_back(self, tile: int, band: int, levels: Floats, lost: Floats) -> Floats:
        """Levels of least error to levels with the power, and the texture, that was lost."""
        section = self.sections(tile, band).get(POWER)
        correction = unpack_correction(section.payload) if section else NONE
        ground = Ground.of(levels, self._lost_with_halo(tile, band, lost))
        if self.wanted.speckle == "keep":
            return with_power(ground, correction)
        noise = self.codec.synthesise(self._with_halo(tile, band, noise=True), tile_borders(self.grid, tile))
        noise = noise[: levels.shape[0], : levels.shape[1]]
        scores, variances = normalised(noise, lost), pixel_variances(lost, levels.shape)
        return with_texture(ground, scores, variances, correction, self.wanted.reconstruct == "power")

    def _lost_with_halo(self, tile: int, band: int, lost: Floats) -> Floats:
        """Lost variances of a tile's cells and one around (rows + 2, cols + 2), the nearest cell's where there is none."""
        rows, cols = self.cells(tile)
        row, col = divmod(tile, self.grid.shape[1])
        out: Floats = np.pad(lost, 1, "edge")
        for r in range(max(0, row - 1), min(self.grid.shape[0], row + 2)):
            for c in range(max(0, col - 1), min(self.grid.shape[1], col + 2)):
                other = r * self.grid.shape[1] + c
                theirs = self._tile(other, band)
                if theirs is not None and theirs.lost is not None and other != tile:
                    begins = (d * TILE_CELLS + 1 for d in (r - row, c - col))
                    place = [_shared(b, n, s) for b, n, s in zip(begins, self.cells(other), (rows + 2, cols + 2))]
                    out[tuple(p[0] for p in place)] = theirs.lost[tuple(p[1] for p in place)]
        return out

    def tile_pixels(self, tile: int, band: int) -> Pixels:
        """Pixels of a tile in the scene's dtype, invalid ones bit for bit as they were."""
        mask = self.sections(tile, band).get(MASK)
        shape, measure = self.grid.window(tile).shape, self._measures[band]
        if mask is None:
            return restore(self.levels(tile, band), measure, self.header.dtype)
        valid, pixels = unpack_invalid(mask.payload, shape, self.header.dtype)
        if not valid.any():
            return pixels
        restored = restore(self.levels(tile, band), measure, self.header.dtype)
        restored.view(_bits(restored))[~valid] = pixels.view(_bits(pixels))[~valid]
        return restored


def _apart(latents: TileLatents) -> TileLatents:
    return TileLatents(apart(latents.values), latents.step)


def _shared(begin: int, length: int, side: int) -> tuple[slice, slice]:
    """Where `length` cells that begin at `begin` lie on a block of `side`, and which of them those are."""
    first, last = max(0, begin), min(side, begin + length)
    last = max(first, last)
    return slice(first, last), slice(first - begin, last - begin)


def _bits(array: Pixels) -> np.dtype:
    return np.dtype(f"u{array.dtype.itemsize}")

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
from sarcodec.decoding.reconstruction import LEAST_ERROR, Reconstruction
from sarcodec.decoding.tile import CELL_PX, TILE_CELLS, TILE_PX, TileDecoder
from sarcodec.entropy.prior import TileLatents
from sarcodec.errors import CorruptFile, ModelError
from sarcodec.format.mask import unpack_invalid
from sarcodec.format.measure import Measure
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import LATENTS, LEANING, MASK, POWER, Section
from sarcodec.format.tiling import TileGrid
from sarcodec.models import published
from sarcodec.signal.correction import NONE, Ground, unpack_correction, with_power, with_texture
from sarcodec.signal.lapped import CHANNELS, NEIGHBOURS, Cells, facing, in_db
from sarcodec.signal.noise import noise_latents
from sarcodec.signal.radiometry import restore

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers, Pixels

EMPTY_BYTES = 3 * 4096
"""Of a kept tile beside its latents and noise: the channels' units, lost variances, objects, its place in the index."""


@dataclass(frozen=True, eq=False)
class _Decoded:
    """A decoded tile: latents, the same as the transform takes them, lost variances by cell (rows, cols) in dB^2, noise in dB; None: not asked for."""

    latents: TileLatents
    cells: Cells
    lost: Floats | None
    noise: Cells | None

    @property
    def nbytes(self) -> int:
        noise = 0 if self.noise is None else self.noise.values.nbytes
        return self.latents.values.nbytes + (0 if self.lost is None else self.lost.nbytes) + noise


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
        """What a whole tile of a band takes while it is kept, as a rule: latents in 16 bits, and noise in 32 where that is asked for."""
        return (6 if self.wanted.speckle == "restore" else 2) * TILE_CELLS**2 * CHANNELS + EMPTY_BYTES

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
            latents = _apart(self.codec.decode(section, step, rows, cols, reference))
            return _Decoded(latents, self.codec.cells(latents, rows, cols), None, None)
        read, lost = self.codec.decode_known(section, step, rows, cols, reference)
        latents, noise = _apart(read), None
        if self.wanted.speckle == "restore":
            noise = in_db(apart(noise_latents(lost, tile, band)).reshape(rows, cols, CHANNELS))
        return _Decoded(latents, self.codec.cells(latents, rows, cols), lost.mean(1).reshape(rows, cols), noise)

    def _around(self, tile: int, band: int) -> list[_Decoded | None]:
        """A tile and its neighbours in the order of NEIGHBOURS, None where the scene ends or nothing is coded."""
        row, col = divmod(tile, self.grid.shape[1])
        places = [(row + down, col + across) for down, across in NEIGHBOURS]
        inside = [0 <= r < self.grid.shape[0] and 0 <= c < self.grid.shape[1] for r, c in places]
        return [self._tile(r * self.grid.shape[1] + c, band) if i else None for (r, c), i in zip(places, inside)]

    def _synthesised(self, tile: int, band: int, around: Sequence[Cells | None], offset_db: float) -> Floats:
        """Levels in dB of a tile (rows, cols) from its cells and its neighbours'."""
        rows, cols = self.grid.window(tile).shape
        touching = [c and Cells(facing(c.values, *d), c.unit_db) for d, c in zip(NEIGHBOURS, around, strict=True)]
        borders = tile_borders(self.grid, tile).of(*self.cells(tile))
        levels, finite = self.codec.synthesise(touching, borders, offset_db)
        if not finite:
            raise CorruptFile(f"tile {tile}, band {band} decodes to levels that are not finite; the file is damaged")
        return np.ascontiguousarray(levels[:rows, :cols])

    def levels(self, tile: int, band: int) -> Floats:
        """Levels in dB of a tile's pixels as they were asked for, float32; meaningful where pixels are valid."""
        offset_db = self.header.bands[band].offset_db
        kept = self._tile(tile, band)
        if kept is None:
            return np.full(self.grid.window(tile).shape, np.float32(offset_db))
        around = self._around(tile, band)
        levels = self._synthesised(tile, band, [None if a is None else a.cells for a in around], offset_db)
        return levels if kept.lost is None else self._given_back(tile, band, levels, around, kept.lost)

    def _given_back(
        self, tile: int, band: int, levels: Floats, around: Sequence[_Decoded | None], lost: Floats
    ) -> Floats:
        """Levels of least error to levels with the power, and the texture, that was lost."""
        section = self.sections(tile, band).get(POWER)
        correction = unpack_correction(section.payload) if section else NONE
        ground = Ground.of(levels, _with_halo([None if a is None else a.lost for a in around], lost))
        if self.wanted.speckle == "keep":
            return with_power(ground, correction)
        noise = self._synthesised(tile, band, [None if a is None else a.noise for a in around], 0)
        return with_texture(ground, noise, correction, self.wanted.reconstruct == "power")

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


def _with_halo(around: Sequence[Floats | None], own: Floats) -> Floats:
    """Values of a tile's cells and one around (rows + 2, cols + 2), the nearest cell's of the tile where there is none."""
    places = {-1: slice(0, 1), 0: slice(1, -1), 1: slice(-1, None)}
    nearest = [np.clip(np.arange(-1, n + 1), 0, n - 1) for n in own.shape]
    out: Floats = own[np.ix_(*nearest)]
    for (down, across), cells in zip(NEIGHBOURS, around, strict=True):
        if cells is not None:
            out[places[down], places[across]] = facing(cells, down, across)
    return out


def _apart(latents: TileLatents) -> TileLatents:
    return TileLatents(apart(latents.values), latents.step)


def _bits(array: Pixels) -> np.dtype:
    return np.dtype(f"u{array.dtype.itemsize}")

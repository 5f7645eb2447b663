"""Bands that the model has coded, into pixels by tile: decodes the tiles that are asked for and their neighbours' border cells.

In: an open `FileReader`; out: pixels in the scene's dtype. Latents of recent tiles are kept, so that a walk over the scene
decodes each tile once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.apart import apart
from sarcodec.decoding.borders import neighbours, tile_borders
from sarcodec.decoding.read_tile import EMPTY_BYTES, Decoded, ReadTile, size_of
from sarcodec.decoding.reconstruction import LEAST_ERROR, Reconstruction
from sarcodec.decoding.shared import kept_for
from sarcodec.decoding.tile import CELL_PX, TILE_CELLS, TILE_PX, Coded, TileDecoder
from sarcodec.entropy.prior import TileLatents
from sarcodec.errors import CorruptFile, ModelError
from sarcodec.format.mask import unpack_invalid
from sarcodec.format.measure import Measure
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import (
    BASE,
    BASE_LEANING,
    LATENTS,
    LEANING,
    MASK,
    OVERVIEW,
    POWER,
    REDUCED_MASK,
    TARGETS,
    Section,
)
from sarcodec.format.targets import NO_TARGETS, TargetLayer, unpack_targets
from sarcodec.format.tiling import TileGrid, Window
from sarcodec.models import published
from sarcodec.signal.bumps import Bumps, bumps_of, image_of, reaching
from sarcodec.signal.correction import NONE, Ground, unpack_correction, with_power
from sarcodec.signal.lapped import CHANNELS, NEIGHBOURS, Cells, facing, in_db
from sarcodec.signal.noise import noise_latents
from sarcodec.signal.overview import unpack_overview
from sarcodec.signal.radiometry import restore
from sarcodec.signal.reduced import reduced_shape
from sarcodec.signal.restored import restored

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers, Pixels


class LearnedDecoder:
    """Tiles of the learned bands of a file. Safe for threads. measures: what the pixels of each band are; room: bytes of decoded tiles
    that are kept for their neighbours, one lot for all decoders of the same file that want the same."""

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
        of_all = None if file.identity is None else (file.identity, wanted)
        self._tiles = kept_for(self, of_all, room, size_of)

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
        """All coded symbols of a tile and band (n,) int32; checks both checksums and all else that is stored."""
        sections, window = self.sections(tile, band), self.grid.window(tile)
        if MASK in sections:
            unpack_invalid(sections[MASK].payload, window.shape, self.header.dtype)
        if POWER in sections:
            unpack_correction(sections[POWER].payload)
        if OVERVIEW in sections:
            unpack_overview(sections[OVERVIEW].payload, int(np.prod(reduced_shape(window.shape))))
        if REDUCED_MASK in sections:
            unpack_invalid(sections[REDUCED_MASK].payload, reduced_shape(window.shape), self.header.dtype)
        self._targets(sections, tile, band)
        coded, reference = self._coded(sections, tile, band)
        if coded is None:
            return np.zeros(0, np.int32)
        return self.codec.symbols(coded, self.file.entry(tile, band).step, *self.cells(tile), reference)

    def _coded(self, sections: dict[int, Section], tile: int, band: int) -> tuple[Coded | None, TileLatents | None]:
        """The sections that hold the latents, and the latents that they lean on. Raises CorruptFile where they do not belong together."""
        alone, leaning = (
            [sections.get(kind) for kind in kinds] for kinds in ((BASE, LATENTS), (BASE_LEANING, LEANING))
        )
        base, rest = leaning if any(leaning) else alone
        if (any(leaning) and any(alone)) or (base is None) != (rest is None):
            raise CorruptFile(
                f"tile {tile}, band {band + 1} has latents that do not belong together; the file is damaged"
            )
        if base is None:
            return None, None
        reference = self.header.bands[band].reference if any(leaning) else None
        leaned_on = None if reference is None else self.latents(tile, reference)
        if any(leaning) and leaned_on is None:
            raise CorruptFile(
                f"tile {tile}, band {band + 1} has a section that leans on another band, expected none; the file is damaged"
            )
        return (base, rest), leaned_on

    def latents(self, tile: int, band: int) -> TileLatents | None:
        """Decoded latents of a tile, None if it has none; kept for its neighbours and for the band that leans on them."""
        kept = self._tile(tile, band)
        return None if kept is None else kept.latents

    def _tile(self, tile: int, band: int) -> Decoded | None:
        return self._kept(tile, band).decoded

    def _kept(self, tile: int, band: int) -> ReadTile:
        return self._tiles.get((tile, band), lambda: self._read(tile, band))

    def _read(self, tile: int, band: int) -> ReadTile:
        sections = self.sections(tile, band)
        mask, power = (sections[kind].payload if kind in sections else None for kind in (MASK, POWER))
        return ReadTile(self._decode(sections, tile, band), mask, power)

    def _decode(self, sections: dict[int, Section], tile: int, band: int) -> Decoded | None:
        coded, reference = self._coded(sections, tile, band)
        targets = self._targets(sections, tile, band)
        if coded is None:
            return None
        step, (rows, cols) = self.file.entry(tile, band).step, self.cells(tile)
        if self.wanted == LEAST_ERROR:
            latents = _apart(self.codec.decode(coded, step, rows, cols, reference))
            return Decoded(latents, self.codec.cells(latents, rows, cols), targets, None, None)
        read, lost = self.codec.decode_known(coded, step, rows, cols, reference)
        latents, noise = _apart(read), None
        if self.wanted.speckle == "restore":
            noise = in_db(apart(noise_latents(lost, tile, band)).reshape(rows, cols, CHANNELS))
        cells, by_cell = self.codec.cells(latents, rows, cols), lost.mean(1).reshape(rows, cols)
        return Decoded(latents, cells, targets, by_cell, noise)

    def needed(self, tile: int, part: Window | None) -> list[int | None]:
        """The tiles that are decoded for the pixels of a tile within a window, as `neighbours` has them. What is given back of power and texture stands on the levels
        of the whole tile, and so on all of them."""
        return neighbours(self.grid, tile, part if self.wanted == LEAST_ERROR else None)

    def _around(self, tile: int, band: int, part: Window | None) -> list[Decoded | None]:
        """A tile and its neighbours in the order of NEIGHBOURS, None where the scene ends, nothing is coded or none is needed."""
        return [None if other is None else self._tile(other, band) for other in self.needed(tile, part)]

    def _synthesised(self, tile: int, band: int, around: Sequence[Cells | None], offset_db: float) -> Floats:
        """Levels in dB of a tile (rows, cols) from its cells and its neighbours'."""
        rows, cols = self.grid.window(tile).shape
        touching = [c and Cells(facing(c.values, *d), c.unit_db) for d, c in zip(NEIGHBOURS, around, strict=True)]
        borders = tile_borders(self.grid, tile).of(*self.cells(tile))
        levels, finite = self.codec.synthesise(touching, borders, offset_db)
        if not finite:
            raise CorruptFile(f"tile {tile}, band {band} decodes to levels that are not finite; the file is damaged")
        return np.ascontiguousarray(levels[:rows, :cols])

    def levels(self, tile: int, band: int, part: Window | None = None) -> Floats:
        """Levels in dB of a tile's pixels as they were asked for, float32; meaningful where pixels are valid, and within `part` (a window of
        the scene; None: all)."""
        offset_db = self.header.bands[band].offset_db
        kept = self._tile(tile, band)
        if kept is None:
            return np.full(self.grid.window(tile).shape, np.float32(offset_db))
        around = self._around(tile, band, part)
        levels = self._synthesised(tile, band, [None if a is None else a.cells for a in around], offset_db)
        bumps = self._bumps(tile, levels, around)
        if kept.lost is not None:
            levels = self._given_back(tile, band, levels, around, kept.lost, bumps)
        for some in bumps:
            some.add_to(levels)
        return levels

    def _targets(self, sections: dict[int, Section], tile: int, band: int) -> TargetLayer:
        """What the section of targets says. Raises CorruptFile, also where there is one and no latents."""
        if TARGETS not in sections:
            return NO_TARGETS
        if LATENTS not in sections and LEANING not in sections:
            raise CorruptFile(f"tile {tile}, band {band} has targets and no latents; the file is damaged")
        return unpack_targets(sections[TARGETS].payload, self.grid.window(tile).shape)

    def _bumps(self, tile: int, levels: Floats, around: Sequence[Decoded | None]) -> list[Bumps]:
        """The bumps of a tile, and of its neighbours those that reach into it; levels: without."""
        found = []
        for (down, across), other in zip(NEIGHBOURS, around, strict=True):
            layer = NO_TARGETS if other is None else other.targets
            if layer and (down or across):
                layer = reaching(layer, (down * TILE_PX, across * TILE_PX), levels.shape)
            if layer:
                found.append(bumps_of(layer, levels))
        return found

    def _given_back(
        self,
        tile: int,
        band: int,
        levels: Floats,
        around: Sequence[Decoded | None],
        lost: Floats,
        bumps: Sequence[Bumps],
    ) -> Floats:
        """Levels of least error to levels with the power, and the texture, that was lost. Bumps are not on them, but have no texture."""
        power = self._kept(tile, band).power
        correction = NONE if power is None else unpack_correction(power)
        ground = Ground.of(levels, _with_halo([None if a is None else a.lost for a in around], lost))
        if self.wanted.speckle == "keep":
            return with_power(ground, correction)
        noise = self._synthesised(tile, band, [None if a is None else a.noise for a in around], 0)
        unbiased = self.wanted.reconstruct == "power"
        return restored(ground, image_of(bumps, levels.shape), noise, correction, unbiased)[0]

    def tile_pixels(self, tile: int, band: int, part: Window | None = None) -> Pixels:
        """Pixels of a tile in the scene's dtype, invalid ones bit for bit as they were. part: as in `levels`."""
        mask = self._kept(tile, band).mask
        shape, measure = self.grid.window(tile).shape, self._measures[band]
        if mask is None:
            return restore(self.levels(tile, band, part), measure, self.header.dtype)
        valid, pixels = unpack_invalid(mask, shape, self.header.dtype)
        if not valid.any():
            return pixels
        restored = restore(self.levels(tile, band, part), measure, self.header.dtype)
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

"""Tiles of the bands that the model codes, before any step is known: their levels, masks and latents.

In: an open raster, what its bands measure, and a tile codec; out: `TileData` of a tile and band.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.borders import tile_borders
from sarcodec.decoding.tile import CELL_PX, HALO_PX, TILE_PX
from sarcodec.encoding.canvas import canvas
from sarcodec.encoding.level_check import check_levels
from sarcodec.encoding.meanings import UnseenFill
from sarcodec.encoding.overview_fitting import ReducedOriginal
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.encoding.sampling import hidden_pixels, stands_out
from sarcodec.encoding.target_finding import Found, find_targets
from sarcodec.encoding.target_layer import TileTargets
from sarcodec.encoding.tile import SEARCHING, TileEncoder
from sarcodec.format.bands import OFFSETS_A_DB
from sarcodec.format.mask import pack_invalid
from sarcodec.format.measure import Measure
from sarcodec.format.tiling import TileGrid, Window, grow
from sarcodec.signal.lapped import OVERLAP
from sarcodec.signal.radiometry import normalise

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Pixels

OFFSET_MAX_DB = 500  # an offset is an int16 in 1/64 dB


@dataclass(frozen=True)
class LearnedBand:
    """What a band measures; values that are fill where a mask hides them; the level, in 1/64 dB, that is taken off before analysis. highest: of the pixels
    that the measure was found from, where fill may be above them that they do not show, else None."""

    measure: Measure
    hidden: tuple[float, ...]
    offset_q: int
    highest: float | None = None

    @classmethod
    def of(cls, measure: Measure, hidden: tuple[float, ...], sample: Pixels, searched: bool = True) -> LearnedBand:
        """sample: pixels of the band, in one row; searched: they show all fill that there is."""
        level, valid = normalise(sample, measure)
        usual = level[valid & (np.abs(level) <= OFFSET_MAX_DB)]  # what is beyond all physics must not shift the band
        offset = int(np.rint(usual.mean(dtype=np.float64) * OFFSETS_A_DB)) if usual.size else 0
        highest = None if searched else float(sample.max(initial=0, where=valid))
        return cls(measure, hidden, offset, highest)

    @property
    def offset_db(self) -> float:
        return self.offset_q / OFFSETS_A_DB


@dataclass(frozen=True, eq=False)
class TileData:
    """One tile of one band: its packed mask (b'' if all valid), what a reduced picture needs of the original, and its latents (rows, cols, 1024), None
    if nothing is valid.

    original: levels in dB of its pixels and where they are valid, both contiguous; None where they are to be read again; targets: what stands out of
    them and around, None where that is not looked for.
    """

    place: tuple[int, int]
    mask: bytes
    reduced: ReducedOriginal
    latents: Floats | None
    original: tuple[Floats, Bools] | None = None
    targets: Found | None = None


class TileAnalysis:
    """Reads tiles of the learned bands and transforms them; safe for threads where the reader is.

    bands: what each of them measures, by band from 0; guides: for each the next of them, that says where the ground is calm, None where there is no other.
    """

    def __init__(self, reader: PixelSource, bands: dict[int, LearnedBand], codec: TileEncoder) -> None:
        self.reader, self.info, self.codec, self.learned = reader, reader.info, codec, bands
        self.grid, order = TileGrid(self.info.rows, self.info.cols, TILE_PX), sorted(bands)
        self.guides = {b: order[(n + 1) % len(order)] if len(order) > 1 else None for n, b in enumerate(order)}

    def analyse(self, tile: int, band: int) -> TileData:
        """Read one tile and its halo, keep its mask, transform its levels. Raises UnseenFill."""
        window = self.grid.window(tile)
        around = grow(window, HALO_PX, self.info.rows, self.info.cols)
        pixels = self.reader.read(band, around)
        level, valid = self.levels(band, around, pixels)
        check_levels(level, window)
        highest = self.learned[band].highest
        if highest is not None and stands_out(pixels, valid, highest):
            raise UnseenFill
        inside = window.within(around)
        own = np.ascontiguousarray(level[inside], np.float32), np.ascontiguousarray(valid[inside])
        bits = np.ascontiguousarray(pixels[inside])
        mask, reduced = pack_invalid(bits, own[1]), ReducedOriginal.of(bits, *own)
        if not valid[grow(window, OVERLAP, self.info.rows, self.info.cols).within(around)].any():
            return TileData((tile, band), mask, reduced, None, own)
        level = level - np.float32(self.learned[band].offset_db)
        latents = self.codec.analyse(canvas(level, valid, window, around), tile_borders(self.grid, tile))
        rows, cols = (-(-n // CELL_PX) for n in window.shape)
        targets = None
        if self.codec.effort >= SEARCHING:
            corner = (window.row - around.row, window.col - around.col)
            targets = find_targets(level, valid, 0.0, corner, window.shape)
        return TileData((tile, band), mask, reduced, np.ascontiguousarray(latents[:rows, :cols]), own, targets)

    def levels(self, band: int, window: Window, pixels: Pixels | None = None) -> tuple[Floats, Bools]:
        """Levels in dB of a window of a band, and where they are valid; fill values that a mask hides are not."""
        pixels = self.reader.read(band, window) if pixels is None else pixels
        known = self.learned[band]
        level, valid = normalise(pixels, known.measure)
        hidden = hidden_pixels(self.reader, band, window, pixels, known.hidden)
        if hidden is not None:
            valid &= ~hidden
            level = np.where(valid, level, np.float32(0))
        return level, valid

    def less(self, data: TileData, targets: TileTargets | None) -> Floats:
        """Latents of a tile less those of the bumps that are taken out."""
        assert data.latents is not None, "nothing of this tile is valid"
        if targets is None or not targets.taken.any():
            return data.latents
        window = self.grid.window(data.place[0])
        around = grow(window, HALO_PX, self.info.rows, self.info.cols)
        image = targets.image(around.shape, (around.row - window.row, around.col - window.col))
        block = canvas(image, np.ones(around.shape, bool), window, around)
        latents = self.codec.analyse(block, tile_borders(self.grid, data.place[0]))
        rows, cols, _ = data.latents.shape
        return data.latents - latents[:rows, :cols]

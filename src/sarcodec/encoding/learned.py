"""Bands that the model codes, into tile payloads: levels with their halo, the latents of each tile, its invalid pixels.

In: an open raster, what its bands measure, and a tile codec; out: `TileData` of a tile and band, then payload bytes at any step index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from sarcodec.decoding.borders import tile_borders
from sarcodec.decoding.tile import CELL_PX, HALO_PX, TILE_PX, Known
from sarcodec.encoding.border_targets import BorderFit, CodedBand, kept
from sarcodec.encoding.measured import NOTHING, Measured, measured
from sarcodec.encoding.overview_fitting import ReducedOriginal, fitted_overview
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.encoding.sampling import hidden_pixels
from sarcodec.encoding.target_finding import Found, find_targets
from sarcodec.encoding.target_fitting import Decoded
from sarcodec.encoding.target_layer import TileTargets
from sarcodec.encoding.texture_fitting import Original, balanced, fitted, fitted_power
from sarcodec.encoding.tile import SEARCHING, TileEncoder
from sarcodec.entropy.prior import TileLatents
from sarcodec.entropy.step_index import step_db
from sarcodec.errors import UnsupportedScene
from sarcodec.format.bands import LEARNED, OFFSETS_A_DB, BandField
from sarcodec.format.mask import pack_invalid
from sarcodec.format.measure import Measure
from sarcodec.format.sections import MASK, OVERVIEW, POWER, REDUCED_MASK, TARGETS, Payload, Section, pack_tile
from sarcodec.format.targets import pack_targets
from sarcodec.format.tiling import TileGrid, Window, grow
from sarcodec.signal.correction import Ground, with_power
from sarcodec.signal.filling import fill_invalid
from sarcodec.signal.lapped import BLOCK, OVERLAP, Borders, Cells, alone, in_db
from sarcodec.signal.noise import noise_latents
from sarcodec.signal.radiometry import normalise
from sarcodec.signal.reduced import LOW_CHANNELS, ReducedSynthesis

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Pixels

OFFSET_MAX_DB = 500  # an offset is an int16 in 1/64 dB
LEVEL_MAX_DB = 1000  # beyond every float32 amplitude (-897 to 771 dB): only dB pixels can be refused
TARGET_ROUNDS = 2  # bumps are fitted on corrected power, and that by the ground between them
EXTENSION: Final = "symmetric"


@dataclass(frozen=True)
class LearnedBand:
    """What a band measures; values that are fill where a mask hides them; the level, in 1/64 dB, that is taken off before analysis."""

    measure: Measure
    hidden: tuple[float, ...]
    offset_q: int

    @classmethod
    def of(cls, measure: Measure, hidden: tuple[float, ...], sample: Pixels) -> LearnedBand:
        """sample: pixels of the band, in one row."""
        level, valid = normalise(sample, measure)
        usual = level[valid & (np.abs(level) <= OFFSET_MAX_DB)]  # what is beyond all physics must not shift the band
        offset = int(np.rint(usual.mean(dtype=np.float64) * OFFSETS_A_DB)) if usual.size else 0
        return cls(measure, hidden, offset)

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


@dataclass(frozen=True)
class Encoded:
    """A tile of one band or mask, whatever its kind: what the file keeps, and what was measured of it."""

    payload: Payload
    measured: Measured = NOTHING


class LearnedEncoder:
    """Analysis of tiles of the bands that the model codes; safe for threads where the reader is.

    bands: what each of them measures, by band from 0; offset and reference of each are chosen here. together: every second one leans on the one before, but not at
    effort 0.
    """

    def __init__(
        self, reader: PixelSource, bands: dict[int, LearnedBand], codec: TileEncoder, together: bool = True
    ) -> None:
        self.reader, self.info, self.codec, self.learned = reader, reader.info, codec, bands
        self.grid = TileGrid(self.info.rows, self.info.cols, TILE_PX)
        leaning, order = together and codec.effort >= SEARCHING, sorted(bands)
        self.references = {b: order[n - 1] if leaning and n % 2 else None for n, b in enumerate(order)}
        self.guides = {b: order[(n + 1) % len(order)] if len(order) > 1 else None for n, b in enumerate(order)}

    @cached_property
    def _reduced(self) -> ReducedSynthesis:
        return ReducedSynthesis(self.codec.model.transform.rotation)

    def field(self, band: int) -> BandField:
        """What the head says of a band."""
        known = self.learned[band]
        measure = known.measure
        return BandField(
            LEARNED, measure.domain, measure.scale, measure.offset, measure.fills, known.offset_q, self.references[band]
        )

    def analyse(self, tile: int, band: int) -> TileData:
        """Read one tile and its halo, keep its mask, transform its levels."""
        window = self.grid.window(tile)
        around = grow(window, HALO_PX, self.info.rows, self.info.cols)
        pixels = self.reader.read(band, around)
        level, valid = self.levels(band, around, pixels)
        _check_levels(level, window)
        inside = window.within(around)
        own = np.ascontiguousarray(level[inside], np.float32), np.ascontiguousarray(valid[inside])
        bits = np.ascontiguousarray(pixels[inside])
        mask, reduced = pack_invalid(bits, own[1]), ReducedOriginal.of(bits, *own)
        if not valid[grow(window, OVERLAP, self.info.rows, self.info.cols).within(around)].any():
            return TileData((tile, band), mask, reduced, None, own)
        level = level - np.float32(self.learned[band].offset_db)
        latents = self.codec.analyse(self._canvas(level, valid, window, around), tile_borders(self.grid, tile))
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

    @staticmethod
    def _canvas(level: Floats, valid: Bools, window: Window, around: Window) -> Floats:
        """Levels on the fixed (576, 576) block: invalid pixels filled, the rest of cut cells continued, 0 beyond the scene.

        The scene is continued by its mirror image: a thin strip of pixels that fades into something else would be spread over all
        frequencies, each of them too weak to be kept (docs/log.md).
        """
        top, left = (HALO_PX - (window.row - around.row), HALO_PX - (window.col - around.col))
        rows, cols = (-(-(n + p) // CELL_PX) * CELL_PX - p for n, p in ((level.shape[0], top), (level.shape[1], left)))
        grown = [(0, rows - level.shape[0]), (0, cols - level.shape[1])]
        filled = np.pad(_filled(level, valid, (window.row - around.row, window.col - around.col)), grown, EXTENSION)
        canvas = np.zeros((TILE_PX + 2 * HALO_PX,) * 2, np.float32)
        rows, cols = min(rows, canvas.shape[0] - top), min(cols, canvas.shape[1] - left)
        canvas[top : top + rows, left : left + cols] = filled[:rows, :cols]
        return canvas

    def code(self, tile: list[TileData], step: int) -> list[CodedBand]:
        """All learned bands of a tile, in their order, at a step index: coded but for targets that the neighbours have a say in."""
        coded: list[CodedBand] = []
        decoded: dict[int | None, TileLatents] = {}
        originals = {data.place[1]: data.original for data in tile}
        for data in tile:
            masks = (Section(MASK, data.mask), Section(REDUCED_MASK, data.reduced.mask))
            mask = tuple(section for section in masks if section.payload)
            if data.latents is None:
                coded.append(CodedBand(data.place, mask))
                continue
            targets = None if data.targets is None else TileTargets.at(data.targets, step_db(step))
            latents = self._less(data, targets)
            sections, known = self.codec.encode(latents, step, decoded.get(self.references[data.place[1]]))
            decoded[data.place[1]] = known.latents
            cells = (latents.shape[0], latents.shape[1])
            overview = self._overview(data, cells, known.latents)
            reduced = (Section(OVERVIEW, overview),) if overview else ()
            band = CodedBand(data.place, (*mask, *sections, *reduced), cells)
            if known.lost is not None:
                band = kept(self._given_back(band, known, targets, originals), known.latents)
            coded.append(band)
        return coded

    def encoded(self, tile: int, around: Mapping[int, CodedBand]) -> Encoded:
        """Of one band of a tile, from the coded tiles around it, itself among them."""
        coded = around[tile]
        band = coded.place[1]

        def original(number: int) -> Floats:
            levels, valid = self.levels(band, self.grid.window(number))
            return np.where(valid, levels - np.float32(self.learned[band].offset_db), np.float32(-np.inf))

        layer = BorderFit(self.grid, self.codec.decoder, original).layer(tile, around)
        sections = list(coded.sections)
        if layer:
            sections.append(Section(TARGETS, pack_targets(layer, self.grid.window(tile).shape)))
        power = coded.correction.pack()
        if power:
            sections.append(Section(POWER, power))
        return Encoded(pack_tile(sections), coded.measured)

    def _less(self, data: TileData, targets: TileTargets | None) -> Floats:
        """Latents of a tile less those of the bumps that are taken out."""
        assert data.latents is not None, "nothing of this tile is valid"
        if targets is None or not targets.taken.any():
            return data.latents
        window = self.grid.window(data.place[0])
        around = grow(window, HALO_PX, self.info.rows, self.info.cols)
        image = targets.image(around.shape, (around.row - window.row, around.col - window.col))
        canvas = self._canvas(image, np.ones(around.shape, bool), window, around)
        latents = self.codec.analyse(canvas, tile_borders(self.grid, data.place[0]))
        rows, cols, _ = data.latents.shape
        return data.latents - latents[:rows, :cols]

    def _overview(self, data: TileData, cells: tuple[int, int], latents: TileLatents) -> bytes:
        """What the section of the reduced picture's power says, from the tile's own latents alone."""
        tile, band = data.place
        borders, offset_db = tile_borders(self.grid, tile).of(*cells), self.learned[band].offset_db
        low = TileLatents(latents.values[:, :LOW_CHANNELS], latents.step)
        found = self._reduced.levels(
            np.pad(self.codec.decoder.dequantise(low, *cells), ((1, 1), (1, 1), (0, 0))),
            self.grid.window(tile).shape,
            (borders.rows, borders.cols),
        )
        levels = found + np.float32(offset_db)
        return fitted_overview(levels, data.reduced.power, (borders.rows, borders.cols), offset_db).pack()

    def _given_back(
        self,
        coded: CodedBand,
        known: Known,
        targets: TileTargets | None,
        originals: dict[int, tuple[Floats, Bools] | None],
    ) -> CodedBand:
        """With its targets, the power section and what was measured: from the tile alone, less the pixels that the neighbours' latents have a say in.

        known: what a decoder will know of the tile; originals: as in `TileData`, by band; what is missing is read and put there.
        """
        (tile, band), cells = coded.place, coded.cells
        assert known.lost is not None
        latents, lost_by_latent = known.latents, known.lost
        lost = lost_by_latent.mean(1).reshape(cells)
        coded = replace(coded, lost=lost)
        original, borders = self._original(tile, band, originals), tile_borders(self.grid, tile)
        own = _own(original.valid.shape, borders)
        coded = replace(coded, measured=Measured(valid=int(np.count_nonzero(original.valid))))
        counts = np.where(original.valid, original.levels, np.float32(-np.inf))
        original = replace(original, valid=original.valid & own)
        if not original.valid.any():
            return coded
        shape = original.levels.shape

        def pixels(found: Cells, offset_db: float = 0) -> Floats:
            levels, _ = self.codec.decoder.synthesise(alone(found), borders.of(*cells), offset_db)
            return np.ascontiguousarray(levels[: shape[0], : shape[1]])

        levels = pixels(self.codec.decoder.cells(latents, *cells), self.learned[band].offset_db)
        ground = Ground.of(levels, np.pad(lost, 1, "edge"))
        bumps = None
        if targets is not None and len(targets.found):
            coded, bumps = self._with_targets(coded, ground, original, targets, own, counts)
        between = original
        if targets is not None and bumps is not None:
            between = replace(original, valid=original.valid & targets.ground(bumps), whole=original.valid)
        noise = None
        if lost.any():
            noise = pixels(in_db(noise_latents(lost_by_latent, tile, band).reshape(*cells, -1)))
        correction, looks = fitted(ground, between, noise, bumps)
        decoded = with_power(ground, correction)
        if bumps is not None:
            correction = balanced(correction, ground, original, bumps)
            decoded = with_power(ground, correction) + bumps
        found = measured(original.levels, original.valid, decoded, original.rounding)
        return replace(coded, correction=correction, measured=coded.measured + found + looks)

    def _with_targets(
        self, coded: CodedBand, ground: Ground, original: Original, targets: TileTargets, own: Bools, counts: Floats
    ) -> tuple[CodedBand, Floats | None]:
        """With its layer, and what a reader puts on the levels (rows, cols) in dB, None where that is nothing.

        own: pixels that the tile decides alone; counts: the original's levels, -inf where they are not valid.
        """
        offset = np.float32(self.learned[coded.place[1]].offset_db)
        bits = 8.0 * sum(len(section.payload) for section in coded.sections)
        between = original.valid & ~targets.near(own.shape)
        for _ in range(TARGET_ROUNDS):
            powered = with_power(ground, fitted_power(ground, replace(original, valid=between)))
            decoded = Decoded(ground.levels - offset, powered - offset, own)
            layer, bumps = targets.layer(counts - offset, decoded, bits)
            between = original.valid & targets.ground(bumps)
        return replace(coded, layer=layer, open=targets.undecided(own)), bumps if bumps.any() else None

    def _original(self, tile: int, band: int, originals: dict[int, tuple[Floats, Bools] | None]) -> Original:
        """Levels of a tile, and those of the next learned band as a guide to where the ground is calm."""
        measure, other = self.learned[band].measure, self.guides[band]
        whole = measure.domain == "amplitude" and measure.offset == 0 and np.dtype(self.info.dtype).kind != "f"
        for needed in (band, other):
            if needed is not None and originals.get(needed) is None:
                originals[needed] = self.levels(needed, self.grid.window(tile))
        own, guide = originals[band], None if other is None else originals[other]
        assert own is not None
        return Original(*own, 1 / 12 if whole else 0.0, guide)


def _own(shape: tuple[int, int], borders: Borders) -> Bools:
    """Pixels of a tile that its own latents decide: those not beside a border of the tile that is lapped."""
    own = np.ones(shape, bool)
    for axis, lapped in enumerate((borders.rows, borders.cols)):
        lines = np.moveaxis(own, axis, 0)
        lines[: OVERLAP * bool(lapped[0])] = False
        if lapped[-1]:
            lines[-OVERLAP:] = False
    return own


def _filled(level: Floats, valid: Bools, corner: tuple[int, int]) -> Floats:
    """Invalid pixels filled. corner: row and column of the tile's first pixel in `level`.

    Around the tile's borders each block that the transform rotates is filled from itself alone, so that the neighbours, who see
    other pixels, fill it alike: otherwise valid pixels there would come back wrong.
    """
    if valid.all():
        return level
    filled = fill_invalid(level, valid)
    spans = [_rotated_spans(first, length) for first, length in zip(corner, level.shape)]
    for rows, on_row in spans[0]:
        for cols, on_col in spans[1]:
            if (on_row or on_col) and valid[rows, cols].any():
                filled[rows, cols] = fill_invalid(level[rows, cols], valid[rows, cols])
    return filled


def _rotated_spans(first: int, length: int) -> list[tuple[slice, bool]]:
    """The stretches that are rotated within an axis of `length` pixels whose tile begins at `first`, and which lie on its borders."""
    spans = []
    for border in range(first % BLOCK, length + OVERLAP, BLOCK):
        stretch = slice(max(0, border - OVERLAP), min(length, border + OVERLAP))
        if stretch.start < stretch.stop:
            spans.append((stretch, border in (first, first + TILE_PX)))
    return spans


def _check_levels(level_db: Floats, window: Window) -> None:
    """UnsupportedScene where dB pixels are beyond all physics: a fill value that nobody declared."""
    worst = float(np.abs(level_db).max())
    if worst > LEVEL_MAX_DB:
        raise UnsupportedScene(
            f"pixels at rows {window.row}..{window.row_end - 1}, columns {window.col}..{window.col_end - 1} reach "
            f"{worst:.6g} dB, expected at most {LEVEL_MAX_DB} dB; declare them as nodata (gdal_edit.py -a_nodata)"
        )

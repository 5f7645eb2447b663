"""Bands that the model codes, into tile payloads: analysis, then coding at any step index, then what is fitted to what was coded.

In: an open raster, what its bands measure, and a tile codec; out: `TileData` of a tile and band, then `CodedBand`, then payload bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.borders import tile_borders
from sarcodec.encoding.border_targets import BorderFit, CodedBand, kept
from sarcodec.encoding.measured import Encoded
from sarcodec.encoding.overview_fitting import fitted_overview
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.encoding.target_layer import TileTargets
from sarcodec.encoding.tile import SEARCHING, TileEncoder
from sarcodec.encoding.tile_analysis import LearnedBand, TileAnalysis, TileData
from sarcodec.encoding.tile_fitting import TileFit
from sarcodec.entropy.prior import TileLatents
from sarcodec.entropy.step_index import step_db
from sarcodec.format.bands import LEARNED, BandField
from sarcodec.format.sections import MASK, OVERVIEW, POWER, REDUCED_MASK, TARGETS, Section, pack_tile
from sarcodec.format.targets import pack_targets
from sarcodec.signal.reduced import LOW_CHANNELS, ReducedSynthesis

if TYPE_CHECKING:
    from sarcodec.arrays import Floats


class LearnedEncoder:
    """Analysis of tiles of the bands that the model codes; safe for threads where the reader is.

    bands: what each of them measures, by band from 0; offset and reference of each are chosen here. together: every second one leans on the one before, but not at
    effort 0.
    """

    def __init__(
        self, reader: PixelSource, bands: dict[int, LearnedBand], codec: TileEncoder, together: bool = True
    ) -> None:
        self.analysis, self.codec, self.learned = TileAnalysis(reader, bands, codec), codec, bands
        self.grid = self.analysis.grid
        leaning, order = together and codec.effort >= SEARCHING, sorted(bands)
        self.references = {b: order[n - 1] if leaning and n % 2 else None for n, b in enumerate(order)}
        self._fit = TileFit(self.analysis, codec.decoder)

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
            latents = self.analysis.less(data, targets)
            sections, known = self.codec.encode(latents, step, decoded.get(self.references[data.place[1]]))
            decoded[data.place[1]] = known.latents
            cells = (latents.shape[0], latents.shape[1])
            overview = self._overview(data, cells, known.latents)
            reduced = (Section(OVERVIEW, overview),) if overview else ()
            band = CodedBand(data.place, (*mask, *sections, *reduced), cells)
            if known.lost is not None:
                band = kept(self._fit.fit(band, known, targets, originals), known.latents)
            coded.append(band)
        return coded

    def encoded(self, tile: int, around: Mapping[int, CodedBand]) -> Encoded:
        """Of one band of a tile, from the coded tiles around it, itself among them."""
        coded = around[tile]
        band = coded.place[1]

        def original(number: int) -> Floats:
            levels, valid = self.analysis.levels(band, self.grid.window(number))
            return np.where(valid, levels - np.float32(self.learned[band].offset_db), np.float32(-np.inf))

        layer = BorderFit(self.grid, self.codec.decoder, original).layer(tile, around)
        sections = list(coded.sections)
        if layer:
            sections.append(Section(TARGETS, pack_targets(layer, self.grid.window(tile).shape)))
        power = coded.correction.pack()
        if power:
            sections.append(Section(POWER, power))
        return Encoded(pack_tile(sections), coded.measured)

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

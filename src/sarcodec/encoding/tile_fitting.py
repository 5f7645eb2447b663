"""What a coded tile gets beside its latents: the power section, its targets, and what was measured of it.

In: what a decoder will know of the tile, and its original; out: the `CodedBand` with both, from the tile alone, less the pixels that the neighbours'
latents have a say in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.borders import tile_borders
from sarcodec.decoding.tile import Known, TileDecoder
from sarcodec.encoding.border_targets import CodedBand
from sarcodec.encoding.measured import Measured, measured
from sarcodec.encoding.target_fitting import Decoded
from sarcodec.encoding.target_layer import TileTargets
from sarcodec.encoding.texture_fitting import Original, balanced, fitted, fitted_power
from sarcodec.encoding.tile_analysis import TileAnalysis
from sarcodec.signal.correction import Correction, Ground, with_power
from sarcodec.signal.lapped import OVERLAP, Borders, Cells, alone, in_db
from sarcodec.signal.noise import noise_latents

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

TARGET_ROUNDS = 2  # bumps are fitted on corrected power, and that by the ground between them
SAME_POWER = 6  # of 1/64 dB: bumps that were fitted on such a correction fit the other


class TileFit:
    """Of tiles that an analysis reads."""

    def __init__(self, analysis: TileAnalysis, decoder: TileDecoder) -> None:
        self.analysis, self.grid, self.learned = analysis, analysis.grid, analysis.learned
        self.decoder = decoder

    def fit(
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
        original = self._original(tile, band, originals)
        lost, valid = known.lost.mean(1).reshape(cells), Measured(valid=int(np.count_nonzero(original.valid)))
        coded = replace(coded, lost=lost, measured=valid)
        own = _own(original.valid.shape, tile_borders(self.grid, tile))
        inner = replace(original, valid=original.valid & own)
        if not inner.valid.any():
            return coded
        levels = self._pixels(coded, self.decoder.cells(known.latents, *cells), self.learned[band].offset_db)
        ground = Ground.of(levels, np.pad(lost, 1, "edge"))
        bumps, between, power = None, inner, None
        if targets is not None and len(targets.found):
            counts = np.where(original.valid, original.levels, np.float32(-np.inf))
            coded, bumps, between, power = self._with_targets(coded, ground, inner, targets, own, counts)
        noise = None
        if lost.any():
            noise = self._pixels(coded, in_db(noise_latents(known.lost, tile, band).reshape(*cells, -1)))
        correction, looks = fitted(ground, between, noise, bumps, power)
        if bumps is None:
            decoded = with_power(ground, correction)
        else:
            correction = balanced(correction, ground, inner, bumps)
            decoded = with_power(ground, correction) + bumps
        found = measured(inner.levels, inner.valid, decoded, inner.rounding)
        return replace(coded, correction=correction, measured=coded.measured + found + looks)

    def _pixels(self, coded: CodedBand, cells: Cells, offset_db: float = 0) -> Floats:
        """Levels of a tile (rows, cols) in dB, synthesised from its own latents alone."""
        tile, _ = coded.place
        rows, cols = self.grid.window(tile).shape
        borders = tile_borders(self.grid, tile).of(*coded.cells)
        levels, _ = self.decoder.synthesise(alone(cells), borders, offset_db)
        return np.ascontiguousarray(levels[:rows, :cols])

    def _with_targets(
        self, coded: CodedBand, ground: Ground, original: Original, targets: TileTargets, own: Bools, counts: Floats
    ) -> tuple[CodedBand, Floats | None, Original, Correction]:
        """With its layer; what a reader puts on the levels (rows, cols) in dB, None where that is nothing; the ground between, and its power.

        own: pixels that the tile decides alone; counts: the original's levels, -inf where they are not valid.
        """
        offset = np.float32(self.learned[coded.place[1]].offset_db)
        bits = 8.0 * sum(len(section.payload) for section in coded.sections)
        between = replace(original, valid=original.valid & ~targets.near(own.shape))
        power = fitted_power(ground, between)
        for _ in range(TARGET_ROUNDS):
            decoded = Decoded(ground.levels - offset, with_power(ground, power) - offset, own)
            layer, bumps = targets.layer(counts - offset, decoded, bits)
            between = replace(original, valid=original.valid & targets.ground(bumps), whole=original.valid)
            before, power = power, fitted_power(ground, between)
            if np.abs(np.subtract(power.power, before.power)).max() <= SAME_POWER:
                break
        coded = replace(coded, layer=layer, open=targets.undecided(own))
        return coded, bumps if bumps.any() else None, between, power

    def _original(self, tile: int, band: int, originals: dict[int, tuple[Floats, Bools] | None]) -> Original:
        """Levels of a tile, and those of the next learned band as a guide to where the ground is calm."""
        measure, other = self.learned[band].measure, self.analysis.guides[band]
        whole = measure.domain == "amplitude" and measure.offset == 0 and np.dtype(self.analysis.info.dtype).kind != "f"
        for needed in (band, other):
            if needed is not None and originals.get(needed) is None:
                originals[needed] = self.analysis.levels(needed, self.grid.window(tile))
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

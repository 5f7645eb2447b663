"""One tile of one learned band, encoded: analysed, quantised along the trellis, entropy-coded.

In: levels in dB less the band's offset with their halo, a step index, the latents of a band to lean on; out: a section, and what its
decoder will know. Knows no scene and no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.tile import Known, TileDecoder
from sarcodec.encoding.coded_tile import TileCoder
from sarcodec.encoding.quantiser import Quantiser
from sarcodec.entropy.prior import HYPER_MAX, TileLatents
from sarcodec.entropy.step_index import step_db
from sarcodec.entropy.steps import OCTAVE
from sarcodec.entropy.tiles import Place
from sarcodec.format.sections import Section, pack_latents
from sarcodec.models.published import Model
from sarcodec.signal.lapped import Borders

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

SEARCHING = 1  # from this effort on symbols are searched along the trellis
BOTH_WAYS = 2  # from this effort on a band is also tried without the band that it leans on
DEFAULT_EFFORT = 1
EFFORTS = {0: "fast", SEARCHING: "the default", BOTH_WAYS: "smallest"}


def step_plane_value(step: int) -> np.float32:
    """What the networks are told of a step: log2(step in dB) / 4."""
    return np.float32(np.log2(step_db(step)) / 4)


@dataclass(frozen=True, eq=False)
class TileEncoder:
    """Encodes tiles for one published model, at an effort of 0 to 2 (docs/format.md, 9.9). Safe for threads."""

    model: Model
    effort: int = DEFAULT_EFFORT

    @cached_property
    def decoder(self) -> TileDecoder:
        """What reads the sections again."""
        return TileDecoder(self.model)

    @cached_property
    def _coder(self) -> TileCoder:
        prior = self.model.prior
        return TileCoder(prior, Quantiser(self.model.tables, prior.centroids, greedy=self.effort < SEARCHING))

    @cached_property
    def _deviation(self) -> Floats:
        return np.exp2(self.model.prior.steps.deviation / OCTAVE).astype(np.float32)

    def analyse(self, levels_db: Floats, borders: Borders) -> Floats:
        """Levels (576, 576) float32: a tile with 32 px around, 0 outside the scene -> latents (16, 16, 1024) in dB."""
        return self.model.transform.analyse(levels_db, borders)

    def encode(self, latents_db: Floats, step: int, reference: TileLatents | None = None) -> tuple[Section, Known]:
        """Latents (rows, cols, 1024) in dB -> their section at a step index, and what a decoder will know of the tile.

        reference: the same tile of the band that this one may lean on, as it is decoded.
        """
        hyper = self._hyper_symbols(latents_db, step)
        coded = self._encode(latents_db, step, hyper, reference)
        if reference is None or self.effort < BOTH_WAYS:
            return coded
        alone = self._encode(latents_db, step, hyper, None)
        return min(coded, alone, key=lambda pair: len(pair[0].payload))

    def _encode(
        self, latents_db: Floats, step: int, hyper: Integers, reference: TileLatents | None
    ) -> tuple[Section, Known]:
        place = Place(step, latents_db.shape[0], latents_db.shape[1], reference)
        stream, read = self._coder.code(latents_db, hyper, place, self.effort >= SEARCHING)
        return pack_latents(read.symbols, stream, reference is not None), Known(read.latents, read.lost)

    def _hyper_symbols(self, latents_db: Floats, step: int) -> Integers:
        """Hyper symbols (n,) int64 of a tile: hyper analysis, rounded. The encoder alone runs it."""
        z = self.model.hyper_analysis.of_latents(latents_db, self._deviation, float(step_plane_value(step)))
        return np.clip(np.rint(z.reshape(-1)), -HYPER_MAX, HYPER_MAX).astype(np.int64)

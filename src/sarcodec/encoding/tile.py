"""One tile of one learned band, encoded: analysed, quantised along the trellis, entropy-coded.

In: levels in dB less the band's offset with their halo, a step index, the latents of a band to lean on; out: a section, and what its
decoder will know. Knows no scene and no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from sarcodec.decoding.tile import Known, TileDecoder
from sarcodec.encoding.coded_tile import TileCoder
from sarcodec.encoding.quantiser import ERROR_WEIGHT, Quantiser
from sarcodec.encoding.scale_search import Attempt, Coded, searched
from sarcodec.entropy import trellis as trellises
from sarcodec.entropy.prior import HYPER_MAX, TileLatents
from sarcodec.entropy.shifts import by_channel
from sarcodec.entropy.step_index import step_db
from sarcodec.entropy.steps import OCTAVE
from sarcodec.entropy.tiles import Place
from sarcodec.entropy.trellis import LARGE
from sarcodec.format.choices import USUAL, Choices
from sarcodec.format.sections import BASE, BASE_LEANING, LATENTS, LEANING, pack_base, pack_latents
from sarcodec.models.published import Model
from sarcodec.signal.lapped import Borders

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

SEARCHING = 1  # from this effort on symbols are searched along the trellis
BOTH_WAYS = 2  # from this effort on a band is also tried without the band that it leans on, and other scales and the larger trellis are
THOROUGH = 3  # from this effort on scales are tried one by one
DEFAULT_EFFORT: Final = 1
EFFORTS = {0: "fast", SEARCHING: "the default", BOTH_WAYS: "small", THOROUGH: "smallest"}


def step_plane_value(step: int) -> np.float32:
    """What the networks are told of a step: log2(step in dB) / 4."""
    return np.float32(np.log2(step_db(step)) / 4)


@dataclass(frozen=True, eq=False)
class TileEncoder:
    """Encodes tiles for one published model, at an effort of 0 to 3 (docs/format.md, 9.9). Safe for threads."""

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

    def encode(self, latents_db: Floats, step: int, reference: TileLatents | None = None) -> tuple[Coded, Known]:
        """Latents (rows, cols, 1024) in dB -> their two sections at a step index, base first, and what a decoder will know of the tile.

        reference: the same tile of the band that this one may lean on, as it is decoded.
        """
        hyper = self._hyper_symbols(latents_db, step)
        ways = [reference] if reference is None or self.effort < BOTH_WAYS else [reference, None]
        found = [self._coded(latents_db, step, hyper, way) for way in ways]
        best = min(found, key=lambda attempt: attempt.cost)
        return best.sections, best.known

    def _coded(self, latents_db: Floats, step: int, hyper: Integers, reference: TileLatents | None) -> Attempt:
        """By the choices of least cost that this effort finds."""

        def attempt(choices: Choices, costs: Integers | None = None) -> Attempt:
            return self._attempt(latents_db, step, hyper, reference, choices, costs)

        if self.effort < BOTH_WAYS:
            return attempt(USUAL)
        return searched(attempt, self.effort >= THOROUGH)

    def _attempt(
        self,
        latents_db: Floats,
        step: int,
        hyper: Integers,
        reference: TileLatents | None,
        choices: Choices,
        costs: Integers | None,
    ) -> Attempt:
        trellis = LARGE if choices.large else trellises.USUAL
        shifts = by_channel(choices.shifts)
        place = Place(step, latents_db.shape[0], latents_db.shape[1], reference, shifts, trellis)
        (base, rest), read = self._coder.code(latents_db, hyper, place, self.effort >= SEARCHING, costs)
        kinds, cut = (BASE, LATENTS) if reference is None else (BASE_LEANING, LEANING), place.base_count
        sections = (
            pack_base(kinds[0], read.symbols[:cut], base, choices),
            pack_latents(kinds[1], read.symbols[cut:], rest),
        )
        cost = 0.0 if self.effort < BOTH_WAYS else self._cost(sections, latents_db, read.latents)
        return Attempt(sections, Known(read.latents, read.lost), cost)

    def _cost(self, sections: Coded, latents_db: Floats, latents: TileLatents) -> float:
        """Bits + what the squared error is worth in bits, as in the search of symbols."""
        error = latents_db - self.decoder.dequantise(latents, *latents_db.shape[:2])
        squares = float(np.square(error, dtype=np.float64).sum())
        size = sum(len(section.payload) for section in sections)
        return 8 * size + ERROR_WEIGHT * squares / step_db(latents.step) ** 2

    def _hyper_symbols(self, latents_db: Floats, step: int) -> Integers:
        """Hyper symbols (n,) int64 of a tile: hyper analysis, rounded. The encoder alone runs it."""
        z = self.model.hyper_analysis.of_latents(latents_db, self._deviation, float(step_plane_value(step)))
        return np.clip(np.rint(z.reshape(-1)), -HYPER_MAX, HYPER_MAX).astype(np.int64)

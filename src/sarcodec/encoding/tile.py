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
from sarcodec.encoding.quantiser import Quantiser
from sarcodec.entropy import coding as entropy
from sarcodec.entropy.prior import CHANNELS, FRACTION_BITS, HYPER_MAX, LATENT_TABLES, TileLatents
from sarcodec.entropy.steps import OCTAVE, step_db
from sarcodec.entropy.trellis import places
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


class _Writing:
    """The encoder's port: chooses symbols, keeps table numbers and symbols in the order of reading."""

    def __init__(self, quantiser: Quantiser, hyper: Integers, latents: Floats, weight: Floats) -> None:
        self.quantiser, self.hyper_symbols, self.values, self.weight = quantiser, hyper, latents, weight
        self.rows: list[Integers] = []
        self.symbols: list[Integers] = []
        self.state = 0

    def keep(self, rows: Integers, symbols: Integers) -> None:
        self.rows.append(rows.astype(np.uint16).reshape(-1))
        self.symbols.append(symbols.astype(np.int32).reshape(-1))

    def hyper(self, rows: Integers) -> Integers:
        self.keep(rows, self.hyper_symbols)
        return self.hyper_symbols

    def latents(self, rows: Integers, mean: Integers, cells: Integers, channels: slice) -> Integers:
        residual = self.values[cells, channels] - mean * np.float32(2.0**-FRACTION_BITS)
        symbols, which, self.state = self.quantiser.choose(residual, rows, self.weight[channels], self.state)
        self.keep(rows + LATENT_TABLES * which, symbols)
        return places(symbols, which)


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
    def _quantiser(self) -> Quantiser:
        return Quantiser(self.model.tables, self.model.prior.centroids, greedy=self.effort < SEARCHING)

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
        rows, cols, _ = latents_db.shape
        steps = self.model.prior.steps.steps_db(step)
        weight = np.square(steps / np.float32(step_db(step)))
        port = _Writing(self._quantiser, hyper, latents_db.reshape(-1, CHANNELS) / steps, weight)
        lost = np.zeros((rows * cols, CHANNELS), np.float32) if self.effort >= SEARCHING else None
        latents = self.model.prior.walk(step, rows, cols, port, reference, lost)
        symbols = np.concatenate(port.symbols)
        stream = entropy.encode(self.model.tables, np.concatenate(port.rows), symbols)
        return pack_latents(symbols, stream, reference is not None), Known.of(self.model, latents, step, lost)

    def _hyper_symbols(self, latents_db: Floats, step: int) -> Integers:
        """Hyper symbols (n,) int64 of a tile: hyper analysis, rounded. The encoder alone runs it."""
        z = self.model.hyper_analysis.of_latents(latents_db, self._deviation, float(step_plane_value(step)))
        return np.clip(np.rint(z.reshape(-1)), -HYPER_MAX, HYPER_MAX).astype(np.int64)

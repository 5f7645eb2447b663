"""The symbols of a whole tile chosen and coded, by the compiled library where it is there, else by its twin: `Prior.walk`, `Quantiser` and `entropy.encode`.

In: a model, latents in dB, hyper symbols, where the tile is of; out: a stream, and what its decoder will know. Knows no section and no pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.encoding.offers import scaled_weights
from sarcodec.encoding.quantiser import ERROR_WEIGHT, Quantiser
from sarcodec.entropy import coding as entropy
from sarcodec.entropy.prior import CHANNELS, FRACTION_BITS, LATENT_TABLES, Prior, TileLatents
from sarcodec.entropy.step_index import step_db
from sarcodec.entropy.tiles import Place, Read, check_answer
from sarcodec.entropy.trellis import places

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers
    from sarcodec.native.tile import Model


@dataclass(frozen=True, eq=False)
class TileCoder:
    """Codes tiles for a model's prior, with its tables; greedy: symbols are not searched. Safe for threads."""

    prior: Prior
    quantiser: Quantiser

    def code(self, latents_db: Floats, hyper: Integers, place: Place, want_lost: bool) -> tuple[bytes, Read]:
        """Latents (rows, cols, 1024) float32 in dB and hyper symbols (n,) -> a stream, and what reading it gives."""
        if self.prior.native is None:
            return self._by_twin(latents_db, hyper, place, want_lost)
        return self._by_library(self.prior.native, latents_db, hyper, place, want_lost)

    def _weights(self, steps_db: Floats, place: Place) -> Floats:
        """What the squared error of each channel weighs beside that of the tile's step (1024,) float32."""
        found: Floats = np.square(steps_db / np.float32(step_db(place.step)))
        return found

    def _by_library(
        self, model: Model, latents_db: Floats, hyper: Integers, place: Place, want_lost: bool
    ) -> tuple[bytes, Read]:
        from sarcodec.native import encode as library

        steps, tables = self.prior.steps.steps_db(place.step), self.quantiser.tables
        near, zero, price, layout, _ = self.quantiser.prices.arrays
        asked = library.Asked(
            np.ascontiguousarray(latents_db, np.float32),
            steps,
            scaled_weights(np.float32(ERROR_WEIGHT) * self._weights(steps, place)),
            np.ascontiguousarray(hyper, np.int32),
            place.where(),
            self.quantiser.greedy,
        )
        symbols, latents = (
            np.empty(place.hyper_count + place.count, np.int32),
            np.empty((place.count // CHANNELS, CHANNELS), np.int32),
        )
        lost = np.empty(latents.shape, np.float32) if want_lost else None
        words = np.empty(entropy.words_room(symbols.size), np.uint16)
        laid_out = (tables.cumulative, layout, near, zero, price)
        answer, state, first = library.encode(model, laid_out, asked, symbols, latents, lost, words)
        check_answer(answer)
        return entropy.packed(state, words[first:]), Read(symbols, TileLatents(latents, place.step), lost)

    def _by_twin(self, latents_db: Floats, hyper: Integers, place: Place, want_lost: bool) -> tuple[bytes, Read]:
        steps = self.prior.steps.steps_db(place.step)
        port = _Writing(self.quantiser, hyper, latents_db.reshape(-1, CHANNELS) / steps, self._weights(steps, place))
        lost = np.zeros((place.count // CHANNELS, CHANNELS), np.float32) if want_lost else None
        latents = self.prior.walk(place.step, place.rows, place.cols, port, place.reference, lost)
        if lost is not None:
            lost *= np.square(steps)
        symbols = np.concatenate(port.symbols)
        stream = entropy.encode(self.quantiser.tables, np.concatenate(port.rows), symbols)
        return stream, Read(symbols, TileLatents(latents, place.step), lost)


class _Writing:
    """The twin's port: chooses symbols, keeps table numbers and symbols in the order of reading."""

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
        residual = (self.values[cells, channels] - mean * 2.0**-FRACTION_BITS).astype(np.float32)
        symbols, which, self.state = self.quantiser.choose(residual, rows, self.weight[channels], self.state)
        self.keep(rows + LATENT_TABLES * which, symbols)
        return places(symbols, which)

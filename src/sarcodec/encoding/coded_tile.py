"""The symbols of a whole tile chosen and coded, by the compiled library where it is there, else by its twin: `walk`, `Quantiser` and `entropy.encode`.

In: a model, latents in dB, hyper symbols, where the tile is of; out: a stream, and what its decoder will know. Knows no section and no pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sarcodec.encoding.offers import UNITS, scaled_weights
from sarcodec.encoding.quantiser import ERROR_WEIGHT, Quantiser
from sarcodec.entropy import coding as entropy
from sarcodec.entropy.prior import CHANNELS, FRACTION_BITS, GROUPS, LATENT_TABLES, SCALE_LEVELS, Prior, TileLatents
from sarcodec.entropy.shifts import UNIT
from sarcodec.entropy.step_index import step_db
from sarcodec.entropy.tiles import Place, Read, check_answer
from sarcodec.entropy.trellis import USUAL, Trellis, places
from sarcodec.entropy.walk import walk

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers
    from sarcodec.native.tile import Model


Coded: TypeAlias = tuple[bytes, bytes]
"""The base stream, and that of groups 1 to 3."""
_DEAR = 1 << 16  # of a symbol that a table cannot code, in 1/64 bit


@dataclass(frozen=True, eq=False)
class TileCoder:
    """Codes tiles for a model's prior, with its tables; greedy: symbols are not searched. Safe for threads."""

    prior: Prior
    quantiser: Quantiser

    def code(
        self, latents_db: Floats, hyper: Integers, place: Place, want_lost: bool, costs: Integers | None = None
    ) -> tuple[Coded, Read]:
        """Latents (rows, cols, 1024) float32 in dB and hyper symbols (n,) -> the two streams, and what reading them gives.

        costs: int64 zeros (1024, 9); filled with the bits in 1/64 of the symbols of each channel under scales shifted by -4 to 4 sixteenths of an octave.
        """
        if self.prior.native is None:
            return self._by_twin(latents_db, hyper, place, want_lost, costs)
        return self._by_library(self.prior.native, latents_db, hyper, place, want_lost, costs)

    def _weights(self, steps_db: Floats, place: Place) -> Floats:
        """What the squared error of each channel weighs beside that of the tile's step (1024,) float32."""
        found: Floats = np.square(steps_db / np.float32(step_db(place.step)))
        return found

    def _by_library(
        self,
        model: Model,
        latents_db: Floats,
        hyper: Integers,
        place: Place,
        want_lost: bool,
        costs: Integers | None,
    ) -> tuple[Coded, Read]:
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
            costs,
        )
        symbols, latents = (
            np.empty(place.hyper_count + place.count, np.int32),
            np.empty((place.count // CHANNELS, CHANNELS), np.int32),
        )
        lost = np.empty(latents.shape, np.float32) if want_lost else None
        words = np.empty(entropy.words_room(symbols.size) + 8, np.uint16)
        laid_out = (tables.cumulative, layout, near, zero, price)
        answer, state, first = library.encode(model, laid_out, asked, symbols, latents, lost, words)
        check_answer(answer)
        base = entropy.packed(state[0], words[first[0] : first[1]])
        return (base, entropy.packed(state[1], words[first[1] :])), Read(
            symbols, TileLatents(latents, place.step), lost
        )

    def _by_twin(
        self, latents_db: Floats, hyper: Integers, place: Place, want_lost: bool, costs: Integers | None
    ) -> tuple[Coded, Read]:
        steps = self.prior.steps.steps_db(place.step)
        values = latents_db.reshape(-1, CHANNELS) / steps
        port = _Writing(self.quantiser, hyper, values, self._weights(steps, place), place.trellis)
        scales = None if costs is None else np.zeros((place.count // CHANNELS, CHANNELS), np.int64)
        port.weighing = None if costs is None or scales is None else (scales, costs)
        lost = np.zeros((place.count // CHANNELS, CHANNELS), np.float32) if want_lost else None
        latents = walk(
            self.prior,
            place.step,
            place.rows,
            place.cols,
            port,
            place.reference,
            lost,
            shifts=place.shifts,
            scales=scales,
        )
        if lost is not None:
            lost *= np.square(steps)
        symbols = np.concatenate(port.symbols)
        rows, cut = np.concatenate(port.rows), place.base_count
        base, rest = (
            entropy.encode(self.quantiser.tables, rows[part], symbols[part]) for part in (slice(cut), slice(cut, None))
        )
        return (base, rest), Read(symbols, TileLatents(latents, place.step), lost)


class _Writing:
    """The twin's port: chooses symbols, keeps table numbers and symbols in the order of reading."""

    def __init__(
        self,
        quantiser: Quantiser,
        hyper: Integers,
        latents: Floats,
        weight: Floats,
        trellis: Trellis = USUAL,
    ) -> None:
        self.quantiser, self.hyper_symbols, self.values, self.weight = quantiser, hyper, latents, weight
        self.trellis = trellis
        self.weighing: tuple[Integers, Integers] | None = None  # scales, and costs to add to
        self.rows: list[Integers] = []
        self.symbols: list[Integers] = []
        self.states = [0, 0]  # of the trellis, in group 0 and in the others

    def keep(self, rows: Integers, symbols: Integers) -> None:
        self.rows.append(rows.astype(np.uint16).reshape(-1))
        self.symbols.append(symbols.astype(np.int32).reshape(-1))

    def hyper(self, rows: Integers) -> Integers:
        self.keep(rows, self.hyper_symbols)
        return self.hyper_symbols

    def latents(self, rows: Integers, mean: Integers, cells: Integers, channels: slice) -> Integers:
        residual = (self.values[cells, channels] - mean * 2.0**-FRACTION_BITS).astype(np.float32)
        part = int(channels.start >= GROUPS[0])
        symbols, which, self.states[part] = self.quantiser.choose(
            residual, rows, self.weight[channels], self.states[part], self.trellis
        )
        self.keep(rows + LATENT_TABLES * which, symbols)
        if self.weighing is not None:
            scales, costs = self.weighing
            self.weigh(scales[cells, channels], rows - rows % SCALE_LEVELS, symbols, which, costs[channels])
        return places(symbols, which)

    def weigh(self, scales: Integers, first: Integers, symbols: Integers, which: Integers, costs: Integers) -> None:
        """Adds what symbols (cells, channels) would cost under tables of other scales to (channels, 9); first: the first table of their group."""
        prices, tables = self.quantiser.prices, self.quantiser.tables
        for number in range(costs.shape[1]):
            level = (scales + UNIT * (number - costs.shape[1] // 2) >> 4) + 1
            rows = first + np.clip(level, 0, SCALE_LEVELS - 1)
            found = np.where(symbols == 0, 0, _DEAR)
            coded = ~tables.skip[rows]
            price = prices.bits(rows[coded] + LATENT_TABLES * which[coded], np.abs(symbols[coded]), symbols[coded] < 0)
            found[coded] = price + UNITS * tables.shift[rows[coded]].astype(np.int64)
            costs[:, number] += found.sum(0)

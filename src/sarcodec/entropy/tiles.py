"""The symbols of a whole tile, read by the compiled library where it is there, else by its twin: `Prior.walk` and `coding.Decoder`.

In: a model's prior and tables, a stream, where it is of; out: symbols in coded order, latents, expected errors. Whole numbers, but for the last. Knows no
section and no checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.coding import Decoder
from sarcodec.entropy.prior import (
    CHANNELS,
    HYPER_CELLS,
    HYPER_CHANNELS,
    HYPER_MAX,
    LATENT_TABLES,
    OCTAVE_CLASSES,
    Prior,
    TileLatents,
)
from sarcodec.entropy.tables import LOOKUP_BITS, FrozenTables
from sarcodec.entropy.trellis import places
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.native import tile as native_tile
from sarcodec.native.tile import Found, Where

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

TABLES = 2 * LATENT_TABLES + HYPER_CHANNELS * OCTAVE_CLASSES
MAX_CELLS = 128  # rows or columns of a tile


@dataclass(frozen=True)
class Place:
    """What a tile is walked with: its step index, its size in cells, and the same tile of the band that it leans on."""

    step: int
    rows: int
    cols: int
    reference: TileLatents | None = None

    @property
    def hyper_count(self) -> int:
        """Hyper symbols of the tile."""
        return HYPER_CHANNELS * -(-self.rows // HYPER_CELLS) * -(-self.cols // HYPER_CELLS)

    @property
    def count(self) -> int:
        """Latents of the tile."""
        return CHANNELS * self.rows * self.cols

    def where(self) -> Where:
        """The same as native/walk.c takes it."""
        step, rows, cols = int(self.step), int(self.rows), int(self.cols)
        if self.reference is None:
            return Where(step, rows, cols)
        return Where(step, rows, cols, np.ascontiguousarray(self.reference.values, np.int32), int(self.reference.step))


@dataclass(frozen=True, eq=False)
class Read:
    """symbols (n,) int32 in coded order, skipped ones included; latents; lost: expected squared errors in dB^2, (cells, 1024) float32, or None."""

    symbols: Integers
    latents: TileLatents
    lost: Floats | None


class _Reading:
    """The twin's port."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.symbols: list[Integers] = []

    def hyper(self, rows: Integers) -> Integers:
        self.symbols.append(self.decoder.decode(rows.astype(np.uint16).reshape(-1)))
        return np.clip(self.symbols[-1].astype(np.int64), -HYPER_MAX, HYPER_MAX)

    def latents(self, rows: Integers, mean: Integers, cells: Integers, channels: slice) -> Integers:
        symbols, which = self.decoder.decode_dependent(rows.astype(np.uint16).reshape(-1))
        self.symbols.append(symbols)
        return places(symbols, which).reshape(rows.shape)


def read_tile(prior: Prior, tables: FrozenTables, stream: bytes, place: Place, want_lost: bool = False) -> Read:
    """A tile from its stream. Raises CorruptFile where no encoder writes it; whether the symbols are the right ones is for a checksum to say."""
    if not 0 < place.rows <= MAX_CELLS or not 0 < place.cols <= MAX_CELLS or not 0 <= place.step < 640:
        raise InvalidArgument(
            f"a tile of {place.rows} x {place.cols} cells at step {place.step}, expected 1 to {MAX_CELLS} and 0 to 639"
        )
    if len(tables) != TABLES:
        raise InvalidArgument(f"there are {len(tables)} tables, expected {TABLES}")
    if prior.native is None:
        return _read_by_twin(prior, tables, stream, place, want_lost)
    return _read_by_library(prior, tables, stream, place, want_lost)


def _read_by_library(prior: Prior, tables: FrozenTables, stream: bytes, place: Place, want_lost: bool) -> Read:
    symbols = np.empty(place.hyper_count + place.count, np.int32)
    latents = np.empty((place.rows * place.cols, CHANNELS), np.int32)
    found = Found(symbols, latents, np.empty(latents.shape, np.float32) if want_lost else None)
    laid_out = (tables.cumulative, tables.layout, tables.lookup(LOOKUP_BITS))
    check_answer(native_tile.read(prior.packed(), laid_out, stream, place.where(), found))
    return Read(symbols, TileLatents(latents, place.step), found.lost)


def _read_by_twin(prior: Prior, tables: FrozenTables, stream: bytes, place: Place, want_lost: bool) -> Read:
    decoder = Decoder(tables, stream)
    port = _Reading(decoder)
    lost = np.zeros((place.rows * place.cols, CHANNELS), np.float32) if want_lost else None
    latents = prior.walk(place.step, place.rows, place.cols, port, place.reference, lost)
    decoder.finish()
    if lost is not None:
        lost *= np.square(prior.steps.steps_db(place.step))
    return Read(np.concatenate(port.symbols), TileLatents(latents, place.step), lost)


def check_answer(answer: int) -> None:
    """Raises CorruptFile, MemoryError, InvalidArgument unless all went well."""
    if answer == native_tile.DAMAGED:
        raise CorruptFile(
            "an entropy-coded stream holds a value that no encoder writes, or does not end where its symbols do; the file is damaged"
        )
    if answer == native_tile.NO_MEMORY:
        raise MemoryError("there is no memory for the symbols of a tile")
    if answer:
        raise InvalidArgument(f"the compiled library refused a tile (answer {answer}); please report this")

"""The symbols of a whole tile, read by the compiled library where it is there, else by its twin: `walk` and `coding.Decoder`.

In: a model's prior and tables, a stream, where it is of; out: symbols in coded order, latents, expected errors. Whole numbers, but for the last. Knows no
section and no checksum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sarcodec.entropy.coding import Decoder
from sarcodec.entropy.prior import (
    CHANNELS,
    GROUPS,
    HYPER_CELLS,
    HYPER_CHANNELS,
    HYPER_MAX,
    LATENT_TABLES,
    OCTAVE_CLASSES,
    Prior,
    TileLatents,
)
from sarcodec.entropy.tables import LOOKUP_BITS, FrozenTables
from sarcodec.entropy.trellis import LARGE, USUAL, Trellis, places
from sarcodec.entropy.walk import walk
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.native import tile as native_tile
from sarcodec.native.tile import Found, Where

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

TABLES = 2 * LATENT_TABLES + HYPER_CHANNELS * OCTAVE_CLASSES
Streams: TypeAlias = tuple[bytes, bytes | None]
"""Hyper symbols and group 0; groups 1 to 3, or None where only the first are wanted."""

MAX_CELLS = 128  # rows or columns of a tile


@dataclass(frozen=True)
class Place:
    """What a tile is walked with: its step index, its size in cells, the same tile of the band that it leans on, and what is added to the
    scales of its channels, int32 (1024,) in 1/64 octave, None: nothing; and the trellis of its symbols."""

    step: int
    rows: int
    cols: int
    reference: TileLatents | None = None
    shifts: Integers | None = None
    trellis: Trellis = USUAL

    @property
    def hyper_count(self) -> int:
        """Hyper symbols of the tile."""
        return HYPER_CHANNELS * -(-self.rows // HYPER_CELLS) * -(-self.cols // HYPER_CELLS)

    @property
    def count(self) -> int:
        """Latents of the tile."""
        return CHANNELS * self.rows * self.cols

    @property
    def base_count(self) -> int:
        """Symbols of the base stream: hyper symbols and latents of group 0."""
        return self.hyper_count + GROUPS[0] * self.rows * self.cols

    def where(self, channels: int = CHANNELS) -> Where:
        """The same as native/walk.c takes it; channels: so many of the reference."""
        step, rows, cols = int(self.step), int(self.rows), int(self.cols)
        shifts = None if self.shifts is None else np.ascontiguousarray(self.shifts, np.int32)
        if self.reference is None:
            return Where(step, rows, cols, shifts=shifts, many=self.trellis is LARGE)
        lent = np.ascontiguousarray(self.reference.values[:, :channels], np.int32)
        if lent.shape != (rows * cols, channels):
            raise InvalidArgument(f"a reference has latents of shape {lent.shape}, expected {(rows * cols, channels)}")
        return Where(step, rows, cols, lent, int(self.reference.step), shifts, self.trellis is LARGE)


@dataclass(frozen=True, eq=False)
class Read:
    """symbols (n,) int32 in coded order, skipped ones included; latents; lost: expected squared errors in dB^2, (cells, 1024) float32, or None."""

    symbols: Integers
    latents: TileLatents
    lost: Floats | None


class _Reading:
    """The twin's port."""

    def __init__(self, base: Decoder, rest: Decoder | None) -> None:
        self.base, self.rest = base, rest
        self.symbols: list[Integers] = []

    def hyper(self, rows: Integers) -> Integers:
        self.symbols.append(self.base.decode(rows.astype(np.uint16).reshape(-1)))
        return np.clip(self.symbols[-1].astype(np.int64), -HYPER_MAX, HYPER_MAX)

    def latents(self, rows: Integers, mean: Integers, cells: Integers, channels: slice) -> Integers:
        decoder = self.base if channels.start < GROUPS[0] or self.rest is None else self.rest
        symbols, which = decoder.decode_dependent(rows.astype(np.uint16).reshape(-1))
        self.symbols.append(symbols)
        return places(symbols, which).reshape(rows.shape)


def read_tile(prior: Prior, tables: FrozenTables, streams: Streams, place: Place, want_lost: bool = False) -> Read:
    """A tile from its base stream, and from the other one, without which symbols and latents end with group 0: latents, and lost, are (cells, 16), and of the reference no others are looked at. Raises CorruptFile where no encoder writes it; whether the symbols are the right ones is for a checksum to say."""
    if not 0 < place.rows <= MAX_CELLS or not 0 < place.cols <= MAX_CELLS or not 0 <= place.step < 640:
        raise InvalidArgument(
            f"a tile of {place.rows} x {place.cols} cells at step {place.step}, expected 1 to {MAX_CELLS} and 0 to 639"
        )
    if len(tables) != TABLES:
        raise InvalidArgument(f"there are {len(tables)} tables, expected {TABLES}")
    if prior.native is None:
        return _read_by_twin(prior, tables, streams, place, want_lost)
    return _read_by_library(prior, tables, streams, place, want_lost)


def _read_by_library(prior: Prior, tables: FrozenTables, streams: Streams, place: Place, want_lost: bool) -> Read:
    channels, symbols = (
        (CHANNELS, place.hyper_count + place.count) if streams[1] is not None else (GROUPS[0], place.base_count)
    )
    latents = np.empty((place.rows * place.cols, channels), np.int32)
    lost = np.empty(latents.shape, np.float32) if want_lost else None
    found = Found(np.empty(symbols, np.int32), latents, lost)
    laid_out = (tables.cumulative, tables.layout, tables.lookup(LOOKUP_BITS))
    check_answer(native_tile.read(prior.packed(), laid_out, streams, place.where(channels), found))
    return Read(found.symbols, TileLatents(latents, place.step), lost)


def _read_by_twin(prior: Prior, tables: FrozenTables, streams: Streams, place: Place, want_lost: bool) -> Read:
    base, rest = streams
    port = _Reading(
        Decoder(tables, base, place.trellis), None if rest is None else Decoder(tables, rest, place.trellis)
    )
    groups = 1 if rest is None else len(GROUPS)
    lost = np.zeros((place.rows * place.cols, CHANNELS), np.float32) if want_lost else None
    lent = _whole(place.reference)
    latents = walk(prior, place.step, place.rows, place.cols, port, lent, lost, groups, place.shifts)
    for decoder in (port.base, port.rest):
        if decoder is not None:
            decoder.finish()
    if lost is not None:
        lost *= np.square(prior.steps.steps_db(place.step))
    kept = slice(sum(GROUPS[:groups]))
    found = TileLatents(np.ascontiguousarray(latents[:, kept]), place.step)
    return Read(np.concatenate(port.symbols), found, None if lost is None else lost[:, kept])


def _whole(latents: TileLatents | None) -> TileLatents | None:
    """With zeros for the groups that are not there."""
    if latents is None or latents.values.shape[1] == CHANNELS:
        return latents
    missing = CHANNELS - latents.values.shape[1]
    return TileLatents(np.pad(latents.values, ((0, 0), (0, missing))), latents.step)


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

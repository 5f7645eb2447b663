"""One tile of one learned band, decoded: a section to symbols, latents, and levels.

In: a section, a step index, the latents of a band to lean on; out: latents, then levels in dB. The line between the two
kinds of numbers runs here: up to `decode` everything is whole numbers, after it float32. Knows no scene and no file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from sarcodec.entropy.prior import FRACTION_BITS, TileLatents
from sarcodec.entropy.shifts import by_channel
from sarcodec.entropy.tiles import Place, Read, read_tile
from sarcodec.entropy.trellis import LARGE, USUAL
from sarcodec.format.sections import Section, check_symbols, unpack_base, unpack_latents
from sarcodec.models.published import Model
from sarcodec.signal.lapped import BLOCK, Borders, Cells

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

CELL_PX = BLOCK
TILE_LOG2 = 9
TILE_PX = 1 << TILE_LOG2
TILE_CELLS = TILE_PX // CELL_PX
HALO_CELLS = 1
HALO_PX = HALO_CELLS * CELL_PX


Coded: TypeAlias = tuple[Section, Section | None]
"""Base latents, and the others where they are wanted."""


@dataclass(frozen=True, eq=False)
class Known:
    """A tile as a decoder knows it: its latents, and the variances in dB^2 that the model expects to be lost of each, (cells, 1024)
    float32; None where nobody asked."""

    latents: TileLatents
    lost: Floats | None

    @classmethod
    def of(cls, model: Model, latents: Integers, step: int, lost: Floats | None = None) -> Known:
        """From what a walk leaves: latents (cells, 1024) int32, and lost variances in step^2 of the channels, overwritten."""
        if lost is not None:
            lost *= np.square(model.prior.steps.steps_db(step))
        return cls(TileLatents(latents, step), lost)


@dataclass(frozen=True, eq=False)
class TileDecoder:
    """Decodes tiles for one published model. Safe for threads."""

    model: Model

    def symbols(self, coded: Coded, step: int, rows: int, cols: int, reference: TileLatents | None = None) -> Integers:
        """All symbols of a tile's sections in coded order (n,) int32, their checksums tried: what must be the same everywhere."""
        return self._read(coded, Place(step, rows, cols, reference)).symbols

    def decode(
        self, coded: Coded, step: int, rows: int, cols: int, reference: TileLatents | None = None
    ) -> TileLatents:
        """The latents of a tile of rows x cols cells, of group 0 alone where the second section is not given; reference: of the band that the tile leans on.

        Raises CorruptFile when a stream or the checksum of its symbols does not hold.
        """
        found = self._read(coded, Place(step, rows, cols, reference))
        return TileLatents(_narrowed(found.latents.values), step)

    def decode_known(
        self, coded: Coded, step: int, rows: int, cols: int, reference: TileLatents | None = None
    ) -> tuple[TileLatents, Floats]:
        """As `decode`, with the lost variances: those of `Known`."""
        found = self._read(coded, Place(step, rows, cols, reference), True)
        assert found.lost is not None
        return TileLatents(_narrowed(found.latents.values), step), found.lost

    def decode_base(
        self, base: Section, step: int, rows: int, cols: int, reference: TileLatents | None = None
    ) -> Integers:
        """The latents of group 0 alone (cells, 16) int32 in 1/32 step, from the base section; errors as `decode`."""
        found = self._read((base, None), Place(step, rows, cols, reference))
        return found.latents.values

    def _read(self, coded: Coded, place: Place, want_lost: bool = False) -> Read:
        (checksum, choices, base), rest = unpack_base(coded[0]), None if coded[1] is None else unpack_latents(coded[1])
        place = replace(place, shifts=by_channel(choices.shifts), trellis=LARGE if choices.large else USUAL)
        found = read_tile(
            self.model.prior, self.model.tables, (base, None if rest is None else rest[1]), place, want_lost
        )
        check_symbols(found.symbols[: place.base_count], checksum)
        if rest is not None:
            check_symbols(found.symbols[place.base_count :], rest[0])
        return found

    def cells(self, latents: TileLatents, rows: int, cols: int) -> Cells:
        """Decoded latents of a tile of rows x cols cells, all or the first of each, as the transform takes them."""
        values = latents.values.reshape(rows, cols, -1)
        return Cells(values, self.unit_db(latents.step)[: values.shape[2]])

    def unit_db(self, step: int) -> Floats:
        """What 1 is of the latents at a step index, in dB, by channel (1024,) float32."""
        return self.model.prior.steps.steps_db(step) * np.float32(2.0**-FRACTION_BITS)

    def dequantise(self, latents: TileLatents, rows: int, cols: int) -> Floats:
        """Decoded latents of a tile of rows x cols cells -> (rows, cols, 1024 or fewer) float32 in dB."""
        return self.cells(latents, rows, cols).in_db()

    def synthesise(self, around: Sequence[Cells | None], borders: Borders, offset_db: float = 0) -> tuple[Floats, bool]:
        """Levels in dB of a tile, and whether all are finite; see LappedTransform.synthesise."""
        return self.model.transform.synthesise(around, borders, offset_db)


def _narrowed(latents: Integers) -> Integers:
    """The same whole numbers in 16 bits where they fit, as they do in all but odd scenes, else in 32: tiles are kept for their neighbours."""
    least, most = int(latents.min(initial=0)), int(latents.max(initial=0))
    small = np.iinfo(np.int16)
    return latents.astype(np.int16 if small.min <= least and most <= small.max else np.int32, copy=False)

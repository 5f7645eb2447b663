"""Learned bands at an eighth of their resolution, by tile: from the file's base payloads alone.

In: an open `FileReader` and who reads its base payloads; out: levels in dB of mean powers, and which of them are valid. The symbols of the first
group of latents are decoded, and nothing else. Knows no picture that is coarser than an eighth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.apart import apart
from sarcodec.decoding.borders import tile_borders
from sarcodec.decoding.kept import Kept
from sarcodec.decoding.learned import LearnedDecoder
from sarcodec.decoding.tile import HALO_CELLS, TILE_CELLS
from sarcodec.entropy.prior import CHANNELS, TileLatents
from sarcodec.errors import CorruptFile
from sarcodec.format.mask import unpack_invalid
from sarcodec.format.reader import ReadBytes
from sarcodec.format.sections import BASE, BASE_LEANING, OVERVIEW, REDUCED_MASK, Section
from sarcodec.signal.lapped import NEIGHBOURS, facing
from sarcodec.signal.overview import unpack_overview, with_overview
from sarcodec.signal.reduced import BLOCK_PX, LOW_CHANNELS, ReducedSynthesis, own_samples

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers, Pixels

KEPT_BYTES = 8 * TILE_CELLS**2 * LOW_CHANNELS + 2 * 4096
"""Of a kept tile, and of what belongs to it."""
_FACED = {-1: slice(0, HALO_CELLS), 0: slice(HALO_CELLS, -HALO_CELLS), 1: slice(-HALO_CELLS, None)}


@dataclass(frozen=True, eq=False)
class _Base:
    """A tile's first latents (rows, cols, 16): int32 in 1/32 step, its step index, and the same in dB, float32."""

    values: Integers
    step: int
    in_db: Floats

    def as_reference(self) -> TileLatents:
        """As a band takes them that leans on this one."""
        whole = np.zeros((self.values.shape[0] * self.values.shape[1], CHANNELS), np.int32)
        whole[:, :LOW_CHANNELS] = self.values.reshape(-1, LOW_CHANNELS)
        return TileLatents(whole, self.step)


class ReducedDecoder:
    """Tiles of the learned bands that `whole` decodes; room: bytes of latents that are kept for their neighbours; read: see
    `FileReader.base_payload`. Safe for threads."""

    def __init__(self, whole: LearnedDecoder, room: int, read: ReadBytes | None = None) -> None:
        self._whole, self._file, self.header, self.grid = whole, whole.file, whole.header, whole.grid
        self._read = read
        self._synthesis = ReducedSynthesis(whole.codec.model.transform.rotation)
        self._tiles: Kept[_Base | None] = Kept(room, lambda tile: KEPT_BYTES)

    def forget(self, places: Iterable[tuple[int, int]]) -> None:
        """Keep these tiles and bands no longer."""
        self._tiles.forget(places)

    def shape(self, tile: int) -> tuple[int, int]:
        """Reduced rows and columns of a tile."""
        rows, cols = self.grid.window(tile).shape
        return -(-rows // BLOCK_PX), -(-cols // BLOCK_PX)

    def _sections(self, tile: int, band: int) -> dict[int, Section]:
        return {s.kind: s for s in self._file.base_sections(tile, band, self._read)}

    def _base(self, tile: int, band: int) -> _Base | None:
        return self._tiles.get((tile, band), lambda: self._decode(tile, band))

    def _decode(self, tile: int, band: int) -> _Base | None:
        sections = self._sections(tile, band)
        alone, leaning = sections.get(BASE), sections.get(BASE_LEANING)
        reference = self._reference(tile, band) if leaning else None
        if (alone and leaning) or (leaning and reference is None):
            raise CorruptFile(f"tile {tile}, band {band + 1} leans on what is not there; the file is damaged")
        coded = alone or leaning
        if coded is None:
            return None
        step, (rows, cols) = self._file.entry(tile, band).step, self._whole.cells(tile)
        found = self._whole.codec.decode_base(coded, step, rows, cols, reference)
        latents = apart(found.reshape(rows, cols, LOW_CHANNELS))
        return _Base(latents, step, apart(latents * self._whole.codec.unit_db(step)[:LOW_CHANNELS]))

    def _reference(self, tile: int, band: int) -> TileLatents | None:
        number = self.header.bands[band].reference
        found = None if number is None else self._base(tile, number)
        return found.as_reference() if found else None

    def levels(self, tile: int, band: int) -> Floats:
        """Levels in dB of the mean power of each 8 x 8 px of a tile, float32; meaningful where `invalid` says valid."""
        shape, offset_db = self.shape(tile), self.header.bands[band].offset_db
        if self._base(tile, band) is None:
            return np.full(shape, np.float32(offset_db))
        borders = tile_borders(self.grid, tile).of(*self._whole.cells(tile))
        lapped = borders.rows, borders.cols
        levels = self._synthesis.levels(self._around(tile, band), self.grid.window(tile).shape, lapped)
        levels += np.float32(offset_db)
        section = self._sections(tile, band).get(OVERVIEW)
        if section:
            overview = unpack_overview(section.payload, levels.size)
            levels = with_overview(levels, own_samples(shape, lapped), overview, offset_db)
        if not np.isfinite(levels).all():
            raise CorruptFile(
                f"tile {tile}, band {band + 1} decodes to levels that are not finite; the file is damaged"
            )
        return levels

    def _around(self, tile: int, band: int) -> Floats:
        """Latents in dB of a tile's cells and one around (rows + 2, cols + 2, 16) float32, 0 where there are none."""
        row, col = divmod(tile, self.grid.shape[1])
        rows, cols = self._whole.cells(tile)
        found = np.zeros((rows + 2 * HALO_CELLS, cols + 2 * HALO_CELLS, LOW_CHANNELS), np.float32)
        for down, across in NEIGHBOURS:
            r, c = row + down, col + across
            if 0 <= r < self.grid.shape[0] and 0 <= c < self.grid.shape[1]:
                base = self._base(r * self.grid.shape[1] + c, band)
                if base:
                    found[_FACED[down], _FACED[across]] = facing(base.in_db, down, across)
        return found

    def invalid(self, tile: int, band: int, dtype: str) -> tuple[Bools, Pixels]:
        """Which reduced pixels of a tile are valid, and the bit patterns of the others."""
        section = self._sections(tile, band).get(REDUCED_MASK)
        return unpack_invalid(section.payload if section else b"", self.shape(tile), dtype)

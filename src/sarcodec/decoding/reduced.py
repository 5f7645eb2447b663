"""Learned bands at an eighth of their resolution, by tile: from the file's base payloads alone.

In: an open `FileReader` and who reads its base payloads; out: levels in dB of mean powers, and which of them are valid. The symbols of the first
group of latents are decoded, and nothing else. Knows no picture that is coarser than an eighth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.borders import tile_borders
from sarcodec.decoding.kept import Kept
from sarcodec.decoding.learned import LearnedDecoder
from sarcodec.decoding.tile import CELL_PX, HALO_CELLS, TILE_CELLS, TILE_PX
from sarcodec.entropy.prior import TileLatents
from sarcodec.errors import CorruptFile
from sarcodec.format.mask import unpack_invalid
from sarcodec.format.reader import ReadBytes
from sarcodec.format.sections import BASE, BASE_LEANING, OVERVIEW, REDUCED_MASK, Section
from sarcodec.signal.lapped import NEIGHBOURS, facing
from sarcodec.signal.overview import unpack_overview, with_overview
from sarcodec.signal.reduced import LOW_CHANNELS, ReducedSynthesis, own_samples, reduced_shape

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers, Pixels

KEPT_BYTES = 8 * TILE_CELLS**2 * LOW_CHANNELS + 2 * 4096
"""Of a kept tile, and of what belongs to it."""
_FACED = {-1: slice(0, HALO_CELLS), 0: slice(HALO_CELLS, -HALO_CELLS), 1: slice(-HALO_CELLS, None)}


@dataclass(frozen=True, eq=False)
class _Latents:
    """A tile's first latents (rows, cols, 16): int32 in 1/32 step, its step index, and the same in dB, float32."""

    values: Integers
    step: int
    in_db: Floats

    def as_reference(self) -> TileLatents:
        """As a band takes them that leans on this one."""
        return TileLatents(self.values.reshape(-1, LOW_CHANNELS), self.step)


@dataclass(frozen=True, eq=False)
class _Base:
    """A base payload, read: latents (None: there are none), and what its two small sections hold, None where they are not there."""

    latents: _Latents | None
    overview: bytes | None
    mask: bytes | None


class ReducedDecoder:
    """Tiles of the learned bands that `whole` decodes; room: bytes of latents that are kept for their neighbours; read: see
    `FileReader.base_payload`. Safe for threads."""

    def __init__(self, whole: LearnedDecoder, room: int, read: ReadBytes | None = None) -> None:
        self._whole, self._file, self.header, self.grid = whole, whole.file, whole.header, whole.grid
        self._read = read
        self._synthesis = ReducedSynthesis(whole.codec.model.transform.rotation)
        self._units: dict[int, Floats] = {}
        self._tiles: Kept[_Base] = Kept(room, lambda tile: KEPT_BYTES)

    @property
    def tile_bytes(self) -> int:
        """What a tile of a band takes while it is kept."""
        return KEPT_BYTES

    def forget(self, places: Iterable[tuple[int, int]]) -> None:
        """Keep these tiles and bands no longer."""
        self._tiles.forget(places)

    def _shape_px(self, tile: int) -> tuple[int, int]:
        """As `grid.window` has it, which checks more than a number that is asked for often needs."""
        row, col = divmod(tile, self.grid.shape[1])
        return min(TILE_PX, self.grid.rows - row * TILE_PX), min(TILE_PX, self.grid.cols - col * TILE_PX)

    def _cells(self, tile: int) -> tuple[int, int]:
        rows, cols = self._shape_px(tile)
        return -(-rows // CELL_PX), -(-cols // CELL_PX)

    def _base(self, tile: int, band: int) -> _Base:
        return self._tiles.get((tile, band), lambda: self._decode(tile, band))

    def _decode(self, tile: int, band: int) -> _Base:
        sections = {s.kind: s for s in self._file.base_sections(tile, band, self._read)}
        overview, mask = (sections[kind].payload if kind in sections else None for kind in (OVERVIEW, REDUCED_MASK))
        alone, leaning = sections.get(BASE), sections.get(BASE_LEANING)
        reference = self._reference(tile, band) if leaning else None
        if (alone and leaning) or (leaning and reference is None):
            raise CorruptFile(f"tile {tile}, band {band + 1} leans on what is not there; the file is damaged")
        coded = alone or leaning
        return _Base(self._latents(tile, band, coded, reference) if coded else None, overview, mask)

    def _reference(self, tile: int, band: int) -> TileLatents | None:
        number = self.header.bands[band].reference
        found = None if number is None else self._base(tile, number).latents
        return found.as_reference() if found else None

    def _latents(self, tile: int, band: int, coded: Section, reference: TileLatents | None) -> _Latents:
        step, (rows, cols) = self._file.entry(tile, band).step, self._cells(tile)
        found = self._whole.codec.decode_base(coded, step, rows, cols, reference)
        latents = found.reshape(rows, cols, LOW_CHANNELS)
        return _Latents(latents, step, latents * self._unit_db(step))

    def _unit_db(self, step: int) -> Floats:
        """What 1 is of the first latents in dB; most tiles of a file have one step."""
        found = self._units.get(step)
        if found is None:
            found = self._units[step] = self._whole.codec.unit_db(step)[:LOW_CHANNELS]
        return found

    def tile(self, tile: int, band: int) -> tuple[Floats, Bools, Pixels]:
        """Of each 8 x 8 px of a tile the level in dB of its mean power, float32, whether it is valid, and the bit pattern that it has if not."""
        shape_px, base = self._shape_px(tile), self._base(tile, band)
        shape = reduced_shape(shape_px)
        valid, patterns = unpack_invalid(base.mask or b"", shape, self.header.dtype)
        if base.latents is None or not valid.any():
            return np.full(shape, np.float32(self.header.bands[band].offset_db)), valid, patterns
        return self._levels(tile, band, base, shape_px), valid, patterns

    def _levels(self, tile: int, band: int, base: _Base, shape_px: tuple[int, int]) -> Floats:
        around, offset_db = self._around(tile, band), self.header.bands[band].offset_db
        borders = tile_borders(self.grid, tile).of(around.shape[0] - 2, around.shape[1] - 2)
        lapped = borders.rows, borders.cols
        levels = self._synthesis.levels(around, shape_px, lapped) + np.float32(offset_db)
        if base.overview is not None:
            overview = unpack_overview(base.overview, levels.size)
            levels = with_overview(levels, own_samples(levels.shape, lapped), overview, offset_db)
        if not np.isfinite(levels).all():
            raise CorruptFile(
                f"tile {tile}, band {band + 1} decodes to levels that are not finite; the file is damaged"
            )
        return levels

    def _around(self, tile: int, band: int) -> Floats:
        """Latents in dB of a tile's cells and one around (rows + 2, cols + 2, 16) float32, 0 where there are none."""
        row, col = divmod(tile, self.grid.shape[1])
        rows, cols = self._cells(tile)
        found = np.zeros((rows + 2 * HALO_CELLS, cols + 2 * HALO_CELLS, LOW_CHANNELS), np.float32)
        for down, across in NEIGHBOURS:
            r, c = row + down, col + across
            if 0 <= r < self.grid.shape[0] and 0 <= c < self.grid.shape[1]:
                latents = self._base(r * self.grid.shape[1] + c, band).latents
                if latents:
                    found[_FACED[down], _FACED[across]] = facing(latents.in_db, down, across)
        return found

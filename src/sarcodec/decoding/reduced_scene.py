"""A file at 1/8, 1/16 or 1/32 of its resolution, whatever its bands are: pixels that are means of power, by tile.

Learned bands come from the base payloads alone. Of bounded and exact bands, and of masks, nothing is stored at a lower resolution: they are decoded
whole and reduced. In: an open file as `SceneDecoder` has it; out: as from that, on a smaller grid. Safe for threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.decoding.base_region import ROOM_BYTES, BaseRegion, stretches
from sarcodec.decoding.reduced import ReducedDecoder
from sarcodec.decoding.scene import USUAL_ROOM, SceneDecoder
from sarcodec.decoding.tile import TILE_PX
from sarcodec.decoding.walk import walk
from sarcodec.errors import InvalidArgument
from sarcodec.format.bands import EXACT, LEARNED
from sarcodec.format.reduced_mask import largest_values, middle_pixels, reduced_invalid
from sarcodec.format.scene import SceneInfo
from sarcodec.format.scene_reduced import reduced_info
from sarcodec.format.tiling import TileGrid, Window, grow
from sarcodec.signal.overview import pooled_power
from sarcodec.signal.radiometry import normalise, restore
from sarcodec.signal.reduced import BLOCK_PX

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Pixels

REDUCTIONS = (8, 16, 32)


def checked_reduction(reduce: Any) -> int:
    """One of REDUCTIONS. Raises InvalidArgument."""
    if isinstance(reduce, (bool, np.bool_)) or reduce not in REDUCTIONS:
        raise InvalidArgument(
            f"reduce is {reduce!r}, expected one of {', '.join(map(str, REDUCTIONS))}: so many pixels become one along each side"
        )
    return REDUCTIONS[REDUCTIONS.index(reduce)]


def reduced_window(window: Window, side: int) -> Window:
    """The reduced pixels that a window of pixels touches."""
    row, col = window.row // side, window.col // side
    return Window(row, col, -(-window.row_end // side) - row, -(-window.col_end // side) - col)


class ReducedSceneDecoder:
    """Tiles of all planes of a file, side x side pixels become one; sides below 8 are made of whole tiles. room: bytes of tiles that are kept for their neighbours; window: of pixels,
    what is to be read, whose base payloads are read ahead. learned: who reads and decodes these, and goes on to keep them; None: one of its own, for this walk."""

    def __init__(
        self,
        whole: SceneDecoder,
        side: int,
        window: Window | None = None,
        room: int = USUAL_ROOM,
        learned: ReducedDecoder | None = None,
    ) -> None:
        self._whole, self.side = whole, side
        self.file, self.header, self.wanted = whole.file, whole.header, whole.wanted
        self.info: SceneInfo = reduced_info(whole.info, side)
        self.grid = TileGrid(self.info.rows, self.info.cols, TILE_PX // side)
        self._room = max(room - ROOM_BYTES, 0)
        self._forgets, self._learned = learned is None, learned
        if learned is None and side >= BLOCK_PX:
            self._learned = _base_decoder(whole, window or whole.grid.whole, self._room)

    def walk(self, window: Window, planes: Sequence[int], threads: int) -> Iterator[tuple[int, int]]:
        """As `SceneDecoder.walk`; window: of reduced pixels."""
        kept = self._learned if self._forgets else None
        return walk(self.grid, self.header.bands, (window, planes), kept, (self._room, threads))

    def tile_plane(self, tile: int, plane: int, part: Window | None = None) -> Pixels:
        """Reduced pixels of a tile of a band, or the values of a mask behind them."""
        if self.has_own(plane) and self._learned is not None:
            levels, valid, pixels = self._learned.tile(tile, plane)
            return self._restored(plane, levels, valid, pixels, self.side // BLOCK_PX)
        return self.of_pixels(plane, self._whole.tile_plane(tile, plane))

    def has_own(self, plane: int) -> bool:
        """Whether the file holds the reduced picture of a plane, so that it takes less than decoding the whole."""
        return (
            self._learned is not None and self._whole.kind(plane) == LEARNED and self._whole.measures[plane] is not None
        )

    def of_pixels(self, plane: int, pixels: Pixels) -> Pixels:
        """The same of the pixels of a tile of `plane`, or of the values of a mask: means of the power of what was decoded."""
        if plane >= len(self.header.bands):
            return largest_values(pixels, self.side)
        measure = self._whole.measures[plane]
        if self._whole.kind(plane) == EXACT or measure is None:
            return middle_pixels(pixels, self.side)
        levels, valid = normalise(pixels, measure)
        return self._restored(plane, levels, valid, pixels, self.side)

    def _restored(self, band: int, levels: Floats, valid: Bools, pixels: Pixels, side: int) -> Pixels:
        """Pixels of the mean power of what is valid in each side x side, and the commonest pattern where nothing is."""
        measure = self._whole.measures[band]
        assert measure is not None
        if side > 1:
            levels, (valid, pixels) = pooled_power(levels, valid, side), reduced_invalid(pixels, valid, side)
        restored = restore(levels, measure, self.header.dtype)
        if not valid.all():
            bits = np.dtype(f"u{restored.itemsize}")
            restored.view(bits)[~valid] = pixels.view(bits)[~valid]
        return restored


def _base_decoder(whole: SceneDecoder, window: Window, room: int) -> ReducedDecoder | None:
    """Who decodes the base payloads of a window of pixels, and what is around it; None where no band is learned."""
    if whole.learned is None:
        return None
    around = grow(window, TILE_PX, whole.header.rows, whole.header.cols)
    region = BaseRegion(whole.file, stretches(whole.file, whole.grid, around))
    return ReducedDecoder(whole.learned, room, region.read)


def overviews(whole: SceneDecoder, sides: Sequence[int], room: int) -> dict[int, ReducedSceneDecoder]:
    """The whole file at several sides of REDUCTIONS, for who looks at it again and again: base payloads are read once for all of them, and kept. room: bytes of all
    together."""
    learned = _base_decoder(whole, whole.grid.whole, max(room - ROOM_BYTES, 0)) if sides else None
    return {side: ReducedSceneDecoder(whole, side, room=room, learned=learned) for side in sides}

"""The block of pixels that a tile is transformed in: its own, its halo, and what is put where there are no pixels.

In: levels in dB of a window around a tile, and where they are valid; out: levels (576, 576) without a hole. Knows no latents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sarcodec.decoding.tile import CELL_PX, HALO_PX, TILE_PX
from sarcodec.format.tiling import Window
from sarcodec.signal.filling import fill_invalid
from sarcodec.signal.lapped import BLOCK, OVERLAP

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

EXTENSION: Final = "symmetric"


def canvas(level: Floats, valid: Bools, window: Window, around: Window) -> Floats:
    """Levels on the fixed (576, 576) block: invalid pixels filled, the rest of cut cells continued, 0 beyond the scene.

    The scene is continued by its mirror image: a thin strip of pixels that fades into something else would be spread over all
    frequencies, each of them too weak to be kept (docs/log.md).
    """
    top, left = (HALO_PX - (window.row - around.row), HALO_PX - (window.col - around.col))
    rows, cols = (-(-(n + p) // CELL_PX) * CELL_PX - p for n, p in ((level.shape[0], top), (level.shape[1], left)))
    grown = [(0, rows - level.shape[0]), (0, cols - level.shape[1])]
    filled = np.pad(_filled(level, valid, (window.row - around.row, window.col - around.col)), grown, EXTENSION)
    found = np.zeros((TILE_PX + 2 * HALO_PX,) * 2, np.float32)
    rows, cols = min(rows, found.shape[0] - top), min(cols, found.shape[1] - left)
    found[top : top + rows, left : left + cols] = filled[:rows, :cols]
    return found


def _filled(level: Floats, valid: Bools, corner: tuple[int, int]) -> Floats:
    """Invalid pixels filled. corner: row and column of the tile's first pixel in `level`.

    Around the tile's borders each block that the transform rotates is filled from itself alone, so that the neighbours, who see
    other pixels, fill it alike: otherwise valid pixels there would come back wrong.
    """
    if valid.all():
        return level
    filled = fill_invalid(level, valid)
    spans = [_rotated_spans(first, length) for first, length in zip(corner, level.shape)]
    for rows, on_row in spans[0]:
        for cols, on_col in spans[1]:
            if (on_row or on_col) and valid[rows, cols].any():
                filled[rows, cols] = fill_invalid(level[rows, cols], valid[rows, cols])
    return filled


def _rotated_spans(first: int, length: int) -> list[tuple[slice, bool]]:
    """The stretches that are rotated within an axis of `length` pixels whose tile begins at `first`, and which lie on its borders."""
    spans = []
    for border in range(first % BLOCK, length + OVERLAP, BLOCK):
        stretch = slice(max(0, border - OVERLAP), min(length, border + OVERLAP))
        if stretch.start < stretch.stop:
            spans.append((stretch, border in (first, first + TILE_PX)))
    return spans

"""A tile at an eighth of its resolution, from the 16 lowest frequencies of its cells: means of the levels over 8 x 8 px (docs/format.md, 17).

In: latents in dB of a tile's cells and one cell around; out: levels in dB. The inverse DCT, the rotations at borders and the means are all
linear and separable, so that along each axis one small matrix does all three. Float32. Knows no file and no power.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.signal.lapped import BLOCK, OVERLAP, channel_order, dct_rows

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

BLOCK_PX = 8
"""Side in pixels of what becomes one reduced pixel."""
LOW_CHANNELS = 16
"""Latents of a cell that a reduced picture is made of: the first group of them."""
FREQUENCIES = 5
"""Of one axis: among the first 16 channels there is none beyond."""
MARGIN = OVERLAP // BLOCK_PX
"""Reduced pixels beside a lapped border in which the neighbour has a say."""


def reduced_shape(shape_px: tuple[int, int]) -> tuple[int, int]:
    """Reduced rows and columns of so many pixels."""
    rows, cols = shape_px
    return -(-rows // BLOCK_PX), -(-cols // BLOCK_PX)


_DOWN, _ACROSS = np.divmod(channel_order()[:LOW_CHANNELS], BLOCK)


def axis_matrix(rotation: Floats, length_px: int, lapped: Bools) -> Floats:
    """Frequencies of cells with one around (5 (n + 2),) -> means over 8 px of the first `length_px` of n cells, the last one over what is left of it.

    lapped: which of the n + 1 borders are rotated.
    """
    cells = len(lapped) + 1
    pixels = np.kron(np.eye(cells), dct_rows()[:FREQUENCIES].T)
    bands = pixels[OVERLAP:-OVERLAP].reshape(len(lapped), 2 * OVERLAP, -1)
    bands[lapped] = rotation.T.astype(np.float64) @ bands[lapped]
    begins = np.arange(0, length_px, BLOCK_PX)
    sums = np.add.reduceat(pixels[BLOCK : BLOCK + length_px], begins, axis=0)
    means: Floats = sums / np.minimum(BLOCK_PX, length_px - begins)[:, None]
    return means.astype(np.float32)


@dataclass(frozen=True, eq=False)
class ReducedSynthesis:
    """For one model's rotation (32, 32). Keeps the few matrices that the tiles of a scene need. Safe for threads."""

    rotation: Floats
    _kept: dict[tuple[int, bytes], Floats] = field(default_factory=dict)

    def _axis(self, length_px: int, lapped: Bools) -> Floats:
        key = length_px, lapped.tobytes()
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = axis_matrix(self.rotation, length_px, lapped)
        return found

    def levels(self, latents_db: Floats, shape: tuple[int, int], lapped: tuple[Bools, Bools]) -> Floats:
        """Latents (n + 2, m + 2, 16) float32 in dB of cells with one around -> levels (rows / 8, cols / 8), rounded up, of a tile of `shape` pixels.

        lapped: the borders between rows and between columns of cells, (n + 1,) and (m + 1,).
        """
        rows, cols, _ = latents_db.shape
        spread = np.zeros((rows, FREQUENCIES, cols, FREQUENCIES), np.float32)
        spread[:, _DOWN, :, _ACROSS] = latents_db.transpose(2, 0, 1)
        down, across = (self._axis(length, borders) for length, borders in zip(shape, lapped, strict=True))
        found: Floats = down @ spread.reshape(rows * FREQUENCIES, cols * FREQUENCIES) @ across.T
        return found


def own_samples(shape: tuple[int, int], lapped: tuple[Bools, Bools]) -> tuple[slice, slice] | None:
    """The reduced pixels of a tile, `shape` of them, that its own latents alone decide; None where there is none."""
    found = [_inner(length, borders) for length, borders in zip(shape, lapped, strict=True)]
    return (found[0], found[1]) if all(part.start < part.stop for part in found) else None


def _inner(length: int, borders: Bools) -> slice:
    return slice(MARGIN * bool(borders[0]), length - MARGIN * bool(borders[-1]))

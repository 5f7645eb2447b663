"""The lapped block transform: levels of a tile and a block around to latents, and back. Float32 matrix products.

The 16 pixels on each side of a block border are rotated among themselves, then every 32 x 32 block takes its DCT. Both are
orthonormal: the squared error of latents is that of pixels. Lapped transforms by pre- and post-filtering: Tran, Liang and Tu, IEEE Trans.
Signal Processing 51(6), 2003. Knows no file, no model and no entropy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

BLOCK = 32
OVERLAP = BLOCK // 2
CHANNELS = BLOCK * BLOCK


def dct_rows(block: int = BLOCK) -> Floats:
    """Orthonormal one-dimensional DCT-II (block, block) float64, frequencies down."""
    k, i = np.arange(block)[:, None], np.arange(block)[None]
    rows: Floats = np.sqrt(2 / block) * np.cos(np.pi * (2 * i + 1) * k / (2 * block))
    rows[0] /= np.sqrt(2)
    return rows


def channel_order(block: int = BLOCK) -> Integers:
    """Channel -> vertical frequency * block + horizontal frequency (block^2,): by rising a^2 + b^2."""
    return np.argsort([a * a + b * b for a in range(block) for b in range(block)], kind="stable")


def dct_matrix(block: int = BLOCK) -> Floats:
    """The two-dimensional DCT-II as one matrix (block^2, block^2) float32, low frequencies first."""
    rows = dct_rows(block)
    basis = np.einsum("ai,bj->abij", rows, rows).reshape(block * block, block * block)
    found: Floats = basis[channel_order(block)].astype(np.float32)
    return found


@dataclass(frozen=True, eq=False)
class Borders:
    """Which block borders of a tile are rotated: bool (n + 1,) for n rows of blocks, and (m + 1,) for m columns; the first and
    last are the tile's own. A border at an edge of the scene is not."""

    rows: Bools
    cols: Bools


@dataclass(frozen=True, eq=False)
class LappedTransform:
    """rotation (32, 32) float32, orthogonal."""

    rotation: Floats

    @cached_property
    def _dct(self) -> Floats:
        return dct_rows().astype(np.float32)

    @cached_property
    def _order(self) -> Integers:
        return channel_order()

    @cached_property
    def _places(self) -> Integers:
        return np.argsort(self._order)

    def analyse(self, levels_db: Floats, borders: Borders) -> Floats:
        """Levels (32 (n + 2), 32 (m + 2)): blocks with one around -> latents (n, m, 1024) in dB."""
        inner = self._rotated(levels_db, borders, self.rotation)[BLOCK:-BLOCK, BLOCK:-BLOCK]
        n, m = (side // BLOCK for side in inner.shape)
        along = self._dct @ np.ascontiguousarray(inner).reshape(n, BLOCK, m * BLOCK)
        both = along.reshape(n, BLOCK, m, BLOCK) @ self._dct.T
        return both.transpose(0, 2, 1, 3).reshape(n, m, CHANNELS)[:, :, self._order]

    def synthesise(self, latents_db: Floats, borders: Borders) -> Floats:
        """Latents of blocks with one around (n + 2, m + 2, 1024) -> levels of the inner blocks (32 n, 32 m)."""
        n, m, _ = latents_db.shape
        blocks = latents_db[:, :, self._places].reshape(n, m, BLOCK, BLOCK).transpose(0, 2, 1, 3)
        across = np.ascontiguousarray(blocks) @ self._dct
        pixels: Floats = self._dct.T @ across.reshape(n, BLOCK, m * BLOCK)
        pixels = self._rotated(pixels.reshape(n * BLOCK, m * BLOCK), borders, self.rotation.T)
        return pixels[BLOCK:-BLOCK, BLOCK:-BLOCK]

    @staticmethod
    def _rotated(pixels: Floats, borders: Borders, rotation: Floats) -> Floats:
        """A copy, rotated along the rows and then along the columns around each border that `borders` names."""
        out = pixels.astype(np.float32)
        down = out[OVERLAP:-OVERLAP].reshape(len(borders.rows), 2 * OVERLAP, -1)
        down[borders.rows] = rotation @ down[borders.rows]
        across = out[:, OVERLAP:-OVERLAP].reshape(out.shape[0], len(borders.cols), 2 * OVERLAP)
        across[:, borders.cols] = across[:, borders.cols] @ rotation.T
        out[:, OVERLAP:-OVERLAP] = across.reshape(out.shape[0], -1)
        return out

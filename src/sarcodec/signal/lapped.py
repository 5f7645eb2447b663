"""The lapped block transform: levels of a tile and a block around to latents, and back. Float32.

libsarcodec does both where it is there; `analysed` and `synthesised` say the same as matrix products of NumPy, equal to a few units in the
last digit of the largest level. The 16 pixels on each side of a block border are rotated among themselves, then every 32 x 32 block takes its DCT. Both are
orthonormal: the squared error of latents is that of pixels. Lapped transforms by pre- and post-filtering: Tran, Liang and Tu, IEEE Trans.
Signal Processing 51(6), 2003. Knows no file, no model and no entropy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.native import transform

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers, Wholes

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

    def of(self, rows: int, cols: int) -> Borders:
        """Those of the first rows and columns of blocks."""
        return Borders(self.rows[: rows + 1], self.cols[: cols + 1])


@dataclass(frozen=True, eq=False)
class Cells:
    """Kept latents of blocks: (rows, cols, 1024) int16, int32 or float32, and what 1 is in dB by channel (1024,) float32."""

    values: Integers | Floats
    unit_db: Floats

    def in_db(self) -> Floats:
        found: Floats = self.values.astype(np.float32) * self.unit_db
        return found


def in_db(latents_db: Floats) -> Cells:
    """Latents (rows, cols, 1024) that are in dB as they stand."""
    return Cells(latents_db, np.ones(CHANNELS, np.float32))


NEIGHBOURS = tuple((down, across) for down in (-1, 0, 1) for across in (-1, 0, 1))
"""Of a tile, row by row, itself in the middle: where `synthesise` expects their cells."""
_FACING = {-1: slice(-1, None), 0: slice(None), 1: slice(0, 1)}


def facing(cells: Integers | Floats, down: int, across: int) -> Integers | Floats:
    """Of the cells (rows, cols, ...) of the neighbour in a direction those that touch the tile; all of the tile itself."""
    return cells[_FACING[down], _FACING[across]]


def alone(cells: Cells) -> list[Cells | None]:
    """A tile without neighbours, as `synthesise` takes it."""
    return [cells if place == (0, 0) else None for place in NEIGHBOURS]


@lru_cache(maxsize=1)
def _quadrants() -> Integers:
    return transform.places(channel_order())


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

    @cached_property
    def _tables(self) -> Floats:
        return transform.tables(self._dct, self.rotation)

    def analyse(self, levels_db: Floats, borders: Borders) -> Floats:
        """Levels (32 (n + 2), 32 (m + 2)): blocks with one around -> latents (n, m, 1024) in dB."""
        if not _by_library(borders):
            return self.analysed(levels_db, borders)
        levels = np.ascontiguousarray(levels_db, np.float32)
        return transform.analyse(self._tables, _quadrants(), levels, (borders.rows, borders.cols))

    def analysed(self, levels_db: Floats, borders: Borders) -> Floats:
        """The same by matrix products."""
        inner = self._rotated(levels_db, borders, self.rotation)[BLOCK:-BLOCK, BLOCK:-BLOCK]
        n, m = (side // BLOCK for side in inner.shape)
        along = self._dct @ np.ascontiguousarray(inner).reshape(n, BLOCK, m * BLOCK)
        both = along.reshape(n, BLOCK, m, BLOCK) @ self._dct.T
        return both.transpose(0, 2, 1, 3).reshape(n, m, CHANNELS)[:, :, self._order]

    def synthesise(self, around: Sequence[Cells | None], borders: Borders, offset_db: float) -> tuple[Floats, bool]:
        """Levels (32 n, 32 m) in dB above an offset of a tile of n x m blocks, and whether all of them are finite.

        around: in the order of NEIGHBOURS, the tile's blocks, and of each neighbour those that touch it, as `facing` gives them; None: all 0.
        """
        if _by_library(borders):
            pieces = [None if c is None else (_plain(c.values), c.unit_db) for c in around]
            return transform.synthesise(self._tables, _quadrants(), pieces, (borders.rows, borders.cols), offset_db)
        whole = joined(around, len(borders.rows) - 1, len(borders.cols) - 1)
        levels: Floats = self.synthesised(whole, borders) + np.float32(offset_db)
        return levels, bool(np.isfinite(levels).all())

    def synthesised(self, latents_db: Floats, borders: Borders) -> Floats:
        """Latents of blocks with one around (n + 2, m + 2, 1024) in dB -> levels of the inner blocks (32 n, 32 m) by matrix products."""
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


def _by_library(borders: Borders) -> bool:
    """libsarcodec takes no more blocks than a tile has."""
    return native.available() and max(len(borders.rows), len(borders.cols)) <= transform.MOST_CELLS + 1


def joined(around: Sequence[Cells | None], rows: int, cols: int) -> Floats:
    """Latents in dB of blocks with one around (rows + 2, cols + 2, 1024)."""
    joined = np.zeros((rows + 2, cols + 2, CHANNELS), np.float32)
    places = {-1: slice(0, 1), 0: slice(1, -1), 1: slice(-1, None)}
    for (down, across), cells in zip(NEIGHBOURS, around, strict=True):
        if cells is not None:
            joined[places[down], places[across]] = cells.in_db()
    return joined


def _plain(values: Wholes) -> Wholes:
    """In a type that the library takes; larger whole numbers are rounded as NumPy's products round them."""
    if values.dtype.name in transform.TYPES:
        return values if values.flags.c_contiguous else values.copy()
    found: Floats = np.ascontiguousarray(values, np.float32)
    return found

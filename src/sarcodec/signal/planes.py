"""Planes of a tile at three scales: cells of 32 px, blocks of 8 px, pixels; means on the way down, bilinear on the way up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from sarcodec import native
from sarcodec.native import power as kernels

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

CELL_PX, BLOCK_PX = 32, 8
_BLOCKS_A_CELL = CELL_PX // BLOCK_PX


def compiled(*planes: Floats) -> bool:
    """Whether the compiled functions take these planes."""
    return native.available() and all(max(p.shape) <= kernels.MOST_PX and p.dtype == np.float32 for p in planes)


def block_means(pixels: Floats) -> Floats:
    """Means of 8 x 8 px (rows / 8, cols / 8), rounded up; the last rows and columns are repeated in cut blocks."""
    if compiled(pixels):
        return kernels.block_means(np.ascontiguousarray(pixels))
    return block_sums(pixels) / np.float32(BLOCK_PX**2)


def block_sums(pixels: Floats, pad: Literal["edge", "constant"] = "edge") -> Floats:
    """Sums of 8 x 8 px; cut blocks filled as `np.pad` does."""
    rows, cols = (-(-n // BLOCK_PX) for n in pixels.shape)
    grow = [(0, rows * BLOCK_PX - pixels.shape[0]), (0, cols * BLOCK_PX - pixels.shape[1])]
    whole = np.pad(pixels, grow, pad) if any(g for _, g in grow) else pixels
    found: Floats = whole.reshape(rows, BLOCK_PX, cols, BLOCK_PX).sum((1, 3), dtype=pixels.dtype)
    return found


def _spread(values: Floats, times: int, axis: int, first: float, count: int) -> Floats:
    """`count` samples along an axis, `times` a value, bilinear between the values' middles, ends held; first: place of sample 0."""
    place = np.clip(first + (np.arange(count) + 0.5) / times - 0.5, 0, values.shape[axis] - 1)
    low = np.minimum(place.astype(int), max(values.shape[axis] - 2, 0))
    part = (place - low).astype(np.float32)
    part = part[:, None] if axis == 0 else part
    high = np.minimum(low + 1, values.shape[axis] - 1)
    found: Floats = values.take(low, axis) * (1 - part) + values.take(high, axis) * part
    return found


def blocks_to_pixels(blocks: Floats, shape: tuple[int, int]) -> Floats:
    """Bilinear, ends held, (rows, cols) float32."""
    return _spread(_spread(blocks, BLOCK_PX, 0, 0, shape[0]), BLOCK_PX, 1, 0, shape[1])


def with_blocks(pixels: Floats, blocks: Floats, scale: float = 1.0) -> Floats:
    """pixels + scale * blocks, these as `blocks_to_pixels` has them."""
    if compiled(pixels, blocks):
        return kernels.add_blocks(np.ascontiguousarray(pixels), np.ascontiguousarray(blocks), scale)
    found: Floats = pixels + np.float32(scale) * blocks_to_pixels(blocks, pixels.shape)
    return found


def cells_to_blocks(cells: Floats, shape: tuple[int, int]) -> Floats:
    """Cells with one around (rows + 2, cols + 2) to blocks of that shape, bilinear."""
    return _spread(_spread(cells, _BLOCKS_A_CELL, 0, 1, shape[0]), _BLOCKS_A_CELL, 1, 1, shape[1])


def cells_to_pixels(cells: Floats, shape: tuple[int, int]) -> Floats:
    """Each cell's value in all its pixels, cut to `shape`."""
    return np.repeat(np.repeat(cells, CELL_PX, 0), CELL_PX, 1)[: shape[0], : shape[1]]

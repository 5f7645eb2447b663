"""A few tiles of a scene that stand for all of it, and the fill values that its masks hide. Reads pixels, decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.tile import TILE_PX
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.format.tiling import TileGrid, Window

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Pixels

SAMPLE_TILES = 9


def sample_windows(reader: PixelSource) -> list[Window]:
    """Up to nine tiles spread over the scene."""
    grid = TileGrid(reader.info.rows, reader.info.cols, TILE_PX)
    chosen = np.unique(np.linspace(0, grid.count - 1, SAMPLE_TILES).astype(int))
    return [grid.window(int(index)) for index in chosen]


def sample_band(reader: PixelSource, band: int) -> Pixels:
    """Pixels of the sample windows of a band (from 0), in one row."""
    return np.concatenate([reader.read(band, window).reshape(-1) for window in sample_windows(reader)])


def sample_hidden(reader: PixelSource, band: int) -> Bools | None:
    """Where a mask hides the pixels of `sample_band`; None without masks."""
    if not reader.info.mask_planes:
        return None
    return np.concatenate([_masked(reader, band, window).reshape(-1) for window in sample_windows(reader)])


def hidden_pixels(
    reader: PixelSource, band: int, window: Window, pixels: Pixels, values: tuple[float, ...]
) -> Bools | None:
    """Where a mask hides pixels that have one of `values`; None where that is nowhere."""
    if not values or not reader.info.mask_planes:
        return None
    hidden = _masked(reader, band, window)
    if not hidden.any():
        return None
    fill = np.zeros(pixels.shape, bool)
    for value in values:
        fill |= np.isnan(pixels) if np.isnan(value) else pixels == np.asarray(value).astype(pixels.dtype)
    return hidden & fill


def _masked(reader: PixelSource, band: int, window: Window) -> Bools:
    hidden: Bools = reader.read_mask(band if reader.info.mask_planes > 1 else 0, window) == 0
    return hidden

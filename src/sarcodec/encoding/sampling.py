"""A few tiles of a scene that stand for all of it, and the fill values that its masks hide. Reads pixels, decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.tile import TILE_PX
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.format.tiling import TileGrid, Window

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Pixels

SAMPLE_TILES = 9
_MOST_VALUES, _LEAST_ALIKE, _MOST_COUNTED = 4, 16, 1 << 14
Mapped = Callable[[Callable[[int], list[tuple[float, int]]], Iterable[int]], Iterator[list[tuple[float, int]]]]


def sample_tiles(reader: PixelSource) -> list[int]:
    """Up to nine tiles spread over the scene."""
    return [int(index) for index in np.unique(np.linspace(0, _grid(reader).count - 1, SAMPLE_TILES).astype(int))]


def telling_tiles(reader: PixelSource, band: int, mapped: Mapped = map) -> list[int]:
    """Those tiles, and the ones that show most of what is repeated in other tiles: a border or a hole of fill that nobody declared need not reach into any
    of nine tiles. mapped: as `map`, of several threads.
    """
    chosen = sample_tiles(reader)
    others = sorted(set(range(_grid(reader).count)) - set(chosen))
    best: dict[float, tuple[int, int]] = {}
    for tile, found in zip(others, mapped(lambda tile: repeated(_read(reader, band, tile)), others)):
        for value, count in found:
            best[value] = max(best.get(value, (0, 0)), (count, -tile))
    most = sorted(best.values(), reverse=True)[:SAMPLE_TILES]
    return sorted({*chosen, *(-tile for _, tile in most)})


def repeated(pixels: Pixels) -> list[tuple[float, int]]:
    """The few values of pixels (rows, cols) that most pixels share with their left neighbour, and how many do. NaN is none of them."""
    alike = pixels[:, 1:][pixels[:, 1:] == pixels[:, :-1]]
    thin = max(1, alike.size // _MOST_COUNTED)
    values, counts = np.unique(alike[::thin], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
    return [(float(v), int(n) * thin) for v, n in zip(values[order], counts[order]) if n * thin >= _LEAST_ALIKE]


def sample_band(reader: PixelSource, band: int, tiles: Sequence[int] | None = None) -> Pixels:
    """Pixels of some tiles (default: those of `sample_tiles`) of a band (from 0), in one row."""
    tiles = sample_tiles(reader) if tiles is None else tiles
    return np.concatenate([_read(reader, band, tile).reshape(-1) for tile in tiles])


def sample_hidden(reader: PixelSource, band: int, tiles: Sequence[int]) -> Bools | None:
    """Where a mask hides the pixels of `sample_band`; None without masks."""
    if not reader.info.mask_planes:
        return None
    return np.concatenate([_masked(reader, band, _grid(reader).window(tile)).reshape(-1) for tile in tiles])


def may_hide_fill(reader: PixelSource, band: int) -> bool:
    """Whether a pixel may look valid and mean nothing. Where nodata or a mask is declared, fill is."""
    return reader.info.nodata[band] is None and not reader.info.mask_planes


def fill_lies_near(reader: PixelSource, band: int) -> bool:
    """Whether such a fill may lie among the levels: float ones, and whole numbers with a scale. Among plain whole numbers it lies above all others, as what is not
    above 0 is invalid anyway."""
    info = reader.info
    return np.dtype(info.dtype).kind == "f" or (info.scales[band], info.offsets[band]) != (1.0, 0.0)


def stands_out(pixels: Pixels, valid: Bools, highest: float) -> bool:
    """Whether pixels (rows, cols) show a value that is more than twice `highest` and repeated as fill is: a plateau, not a ship."""
    top = pixels.max(initial=0, where=valid)
    if top <= 2 * highest:
        return False
    alike = valid[:, 1:] & (pixels[:, 1:] == top) & (pixels[:, :-1] == top)
    return int(np.count_nonzero(alike)) >= _LEAST_ALIKE


def _grid(reader: PixelSource) -> TileGrid:
    return TileGrid(reader.info.rows, reader.info.cols, TILE_PX)


def _read(reader: PixelSource, band: int, tile: int) -> Pixels:
    return reader.read(band, _grid(reader).window(tile))


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

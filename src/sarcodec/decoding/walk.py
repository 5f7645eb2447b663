"""The order in which the tiles of a window are decoded, so that few of them need to be kept and hardly one is decoded twice.

In: a grid, what the head says of the bands, the planes that are wanted, how many bytes of tiles may be kept; out: tiles and planes.
Bands that lean on each other go together, all others one after the other. Each family goes row by row, where two rows of its tiles fit into the room
for them; or else in stripes as wide as the room allows, beside which one column of tiles is decoded twice. Knows no pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sarcodec.format.bands import BandField
from sarcodec.format.tiling import TileGrid, Window

ROWS = 2
"""Rows of tiles that a tile's neighbours lie in before it is decoded for the last time, less the few tiles of SPARE."""
SPARE = 3
"""Tiles, beside two rows, that lie between the first and the last neighbour of a tile."""


def families(fields: Sequence[BandField], planes: Sequence[int]) -> list[list[int]]:
    """Places in `planes` of those that lean on one another, in the order of their first. planes: bands, and masks behind them, from 0."""
    roots: list[int] = []
    for band, field in enumerate(fields):
        roots.append(band if field.reference is None else roots[field.reference])
    found: dict[int, list[int]] = {}
    for place, plane in enumerate(planes):
        found.setdefault(roots[plane] if plane < len(roots) else plane, []).append(place)
    return list(found.values())


def stripe_cols(room: int, tile_bytes: int, threads: int) -> int:
    """The greatest number of tiles beside each other whose walk keeps no more than `room` bytes, at least one.

    tile_bytes: of the tiles of a family at one place, 0 where none is kept; threads: each is up to two tiles ahead.
    """
    if not tile_bytes:
        return 1 << 30
    halo = 2  # a column of neighbours on either side
    return max(1, (room // tile_bytes - SPARE - 2 * threads - 1) // ROWS - halo)


def walk(grid: TileGrid, window: Window, cols: int) -> Iterator[int]:
    """The tiles that a window touches, in stripes of at most `cols` tiles, each row by row."""
    touched = grid.touched(window)
    first, last = touched[0] % grid.shape[1], touched[-1] % grid.shape[1]
    if last - first < cols:
        yield from touched
        return
    count = -(-(last - first + 1) // cols)
    even = -(-(last - first + 1) // count)
    for begin in range(first, last + 1, even):
        yield from (tile for tile in touched if begin <= tile % grid.shape[1] < begin + even)

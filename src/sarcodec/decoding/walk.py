"""The order in which the tiles of a window are decoded, so that few of them need to be kept and hardly one is decoded twice.

In: a grid, what the head says of the bands, the planes that are wanted, how many bytes of tiles may be kept; out: tiles and planes.
Bands that lean on each other go together, all others one after the other. Each family goes row by row, where two rows of its tiles fit
into the room for them; or else in stripes as wide as the room allows, where the columns of tiles beside a border are decoded twice. Knows no
pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

from sarcodec.decoding.workers import AHEAD
from sarcodec.format.bands import BandField
from sarcodec.format.tiling import TileGrid, Window

ROWS = 2
"""Rows of tiles that a tile's neighbours lie in before it is decoded for the last time, less the few tiles of SPARE."""
SPARE = 4
"""Tiles, beside two rows, that lie between the first and the last neighbour of a tile, and one that is not yet forgotten."""


Ahead: TypeAlias = Callable[[Sequence[int], Sequence[int]], Callable[[int], None]]


class Memory(Protocol):
    """Who keeps decoded tiles of learned bands for their neighbours."""

    @property
    def tile_bytes(self) -> int:
        """What a tile of a band takes while it is kept."""

    def forget(self, places: Iterable[tuple[int, int]]) -> None:
        """Keep these tiles and bands no longer."""


def walk(
    grid: TileGrid,
    fields: Sequence[BandField],
    asked: tuple[Window, Sequence[int]],
    kept: Memory | None,
    load: tuple[int, int],
    ahead: Ahead | None = None,
) -> Iterator[tuple[int, int]]:
    """Tiles that a window touches and places in a list of planes (bands, and masks behind them, from 0): what is kept of a tile for its neighbours is
    forgotten behind the last of them.

    asked: window and planes; kept: None where no band is learned; load: bytes of tiles that may be kept, and the threads of the `Workers.map`
    that decodes in this order; ahead: makes, of a stripe of tiles and the planes of a family, what is called before each of the tiles.
    """
    (window, planes), (room, threads) = asked, load
    for family in families(fields, planes):
        members = [planes[place] for place in family]
        learned = {plane for plane in members if plane < len(fields) and fields[plane].learned}
        tile_bytes = len(learned) * kept.tile_bytes if kept else 0
        for stripe in stripes(grid, window, stripe_cols(room, tile_bytes, threads)):
            begin = ahead(stripe, members) if ahead else None
            for number, tile in enumerate(stripe):
                if begin:
                    begin(tile)
                done = number - AHEAD * threads - 1
                if kept and learned and done >= 0:
                    kept.forget((other, band) for other in past(grid, stripe, stripe[done]) for band in learned)
                yield from ((tile, place) for place in family)


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

    tile_bytes: of the tiles of a family at one place, 0 where none is kept; threads: each is up to AHEAD tiles ahead.
    """
    if not tile_bytes:
        return 1 << 30
    halo = 2  # a column of neighbours on either side
    return max(1, (room // tile_bytes - SPARE - AHEAD * threads - 1) // ROWS - halo)


def stripes(grid: TileGrid, window: Window, cols: int) -> Iterator[list[int]]:
    """The tiles that a window touches, in stripes of at most `cols` tiles beside each other, each row by row."""
    touched = grid.touched(window)
    first, last = touched[0] % grid.shape[1], touched[-1] % grid.shape[1]
    count = -(-(last - first + 1) // cols)
    even = -(-(last - first + 1) // count)
    for begin in range(first, last + 1, even):
        yield [tile for tile in touched if begin <= tile % grid.shape[1] < begin + even]


def past(grid: TileGrid, stripe: list[int], tile: int) -> list[int]:
    """The neighbours of a tile of a stripe that no later tile of the stripe has."""
    (row, col), width = divmod(tile, grid.shape[1]), grid.shape[1]
    last = min(stripe[-1] % width + 1, width - 1)
    ended = range(col - 1, last + 1) if col == stripe[-1] % width else range(col - 1, col)
    return [(row - 1) * width + other for other in ended if row > 0 and other >= 0]

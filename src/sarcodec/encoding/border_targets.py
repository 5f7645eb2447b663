"""Targets beside a border between tiles: their bumps, once the neighbours are coded, whose latents have a say in the pixels there.

In: a coded tile and those around it; out: the tile's layer, whole. Also hands tiles on when their neighbours are coded. Knows no file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec.decoding.borders import tile_borders
from sarcodec.decoding.tile import TileDecoder
from sarcodec.encoding.measured import NOTHING, Measured
from sarcodec.encoding.target_fitting import Decoded
from sarcodec.encoding.target_layer import TileTargets
from sarcodec.entropy.prior import TileLatents
from sarcodec.format.sections import Section
from sarcodec.format.targets import NO_TARGETS, TargetLayer
from sarcodec.format.tiling import TileGrid
from sarcodec.signal.bumps import bumps_of, reaching
from sarcodec.signal.correction import NONE, Correction, Ground, with_power
from sarcodec.signal.lapped import CHANNELS, NEIGHBOURS, Cells, facing

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

_Tile = TypeVar("_Tile")


@dataclass(frozen=True, eq=False)
class CodedBand:
    """A tile and band whose latents are coded: sections but that of the targets; what a decoder will know of it, in 16 bits where they fit: all latents
    where something is open, those that touch a neighbour by its direction from there; the layer so far; what is open of its targets, those that `own` pixels alone do not decide."""

    place: tuple[int, int]
    sections: tuple[Section, ...]
    cells: tuple[int, int] = (0, 0)
    step: int = 0
    latents: Integers | None = None
    edges: Mapping[tuple[int, int], Integers] = field(default_factory=dict)
    lost: Floats | None = None
    correction: Correction = NONE
    layer: TargetLayer = NO_TARGETS
    open: TileTargets | None = None
    measured: Measured = NOTHING


def kept(coded: CodedBand, latents: TileLatents) -> CodedBand:
    """With what its neighbours, and itself where a target is open, will ask of its decoded latents: a row of tiles waits in memory."""
    small = latents.values.astype(np.int16)
    values = small if (small == latents.values).all() else latents.values
    cells = values.reshape(*coded.cells, CHANNELS)
    edges = {d: np.array(facing(cells, *d), cells.dtype) for d in NEIGHBOURS if d != (0, 0)}
    return replace(coded, step=latents.step, latents=cells if coded.open else None, edges=edges)


def when_neighbours_are_coded(
    grid: TileGrid, coded: Iterable[_Tile], runs: int
) -> Iterator[tuple[int, dict[int, _Tile]]]:
    """Every item's tile with the items of the tiles around it, itself among them, in order; keeps about one row and a tile of the grid.

    coded: of each tile so many items in a row, as many of every tile; an item's neighbours are of the same place among them.
    """
    kept: dict[int, _Tile] = {}
    wait, done = grid.shape[1] + 1, 0
    for number, item in enumerate(coded):
        kept[number] = item
        while done + wait * runs <= number:
            yield done // runs, _around(grid, done, runs, kept)
            kept.pop(done - wait * runs, None)
            done += 1
    for last in range(done, grid.count * runs):
        yield last // runs, _around(grid, last, runs, kept)


def _around(grid: TileGrid, number: int, runs: int, kept: Mapping[int, _Tile]) -> dict[int, _Tile]:
    tile, run = divmod(number, runs)
    rows, cols = (range(max(0, n - 1), min(most, n + 2)) for n, most in zip(divmod(tile, grid.shape[1]), grid.shape))
    beside = [r * grid.shape[1] + c for r in rows for c in cols]
    return {other: kept[other * runs + run] for other in beside}


@dataclass(frozen=True, eq=False)
class BorderFit:
    """One band of a scene. original: levels of a tile (rows, cols) in dB relative to the band's, from its number."""

    grid: TileGrid
    decoder: TileDecoder
    original: Callable[[int], Floats]

    def layer(self, tile: int, around: Mapping[int, CodedBand]) -> TargetLayer:
        """The layer of a tile, the bumps of its open targets in it."""
        coded = around[tile]
        if coded.open is None or coded.lost is None:
            return coded.layer
        shape = self.grid.window(tile).shape
        levels = np.ascontiguousarray(self._levels(tile, around)[: shape[0], : shape[1]])
        ground = Ground.of(levels, np.pad(coded.lost, 1, "edge"))
        given = with_power(ground, coded.correction)
        open_places = {tuple(place) for place in coded.open.found.places.tolist()}
        kept = tuple(bump for bump in coded.layer.placed if bump[:2] not in open_places)
        settled = TargetLayer(coded.layer.gains, kept)
        for other, theirs in around.items():
            layer = settled if other == tile else self._reaching(theirs.layer, other, tile)
            bumps_of(layer, levels).add_to(given)
        decoded = Decoded(levels, given, np.ones(shape, bool))
        used = frozenset(gain.block for gain in settled.gains)
        bits = 8.0 * sum(len(section.payload) for section in coded.sections)
        found = coded.open.fit(self.original(tile), decoded, bits, used)
        return TargetLayer(tuple(sorted(settled.gains + found.gains)), tuple(sorted(kept + found.placed)))

    def _reaching(self, layer: TargetLayer, other: int, tile: int) -> TargetLayer:
        there, here = self.grid.window(other), self.grid.window(tile)
        return reaching(layer, (there.row - here.row, there.col - here.col), here.shape)

    def _levels(self, tile: int, around: Mapping[int, CodedBand]) -> Floats:
        """Least-error levels of a tile (rows, cols) as a reader has them, relative to the band's."""
        row, col = divmod(tile, self.grid.shape[1])
        touching: list[Cells | None] = []
        for down, across in NEIGHBOURS:
            inside = 0 <= col + across < self.grid.shape[1]
            coded = around.get((row + down) * self.grid.shape[1] + col + across) if inside else None
            values = None if coded is None else coded.edges.get((down, across), coded.latents)
            if coded is None or values is None:
                touching.append(None)
                continue
            latents = TileLatents(values.reshape(-1, CHANNELS), coded.step)
            touching.append(self.decoder.cells(latents, *values.shape[:2]))
        borders = tile_borders(self.grid, tile).of(*around[tile].cells)
        return self.decoder.synthesise(touching, borders)[0]

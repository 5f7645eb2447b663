"""Where which land lies: reflectivity (linear sigma nought, VV and VH, noise floor included) of any window, from a seed
and a preset.

Everything is computed in cells of fixed place and size, each alone; a window is cut from its cells. Knows nothing of
speckle or DN.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.simulate import covers
from sarcodec.simulate.lattice import CELL, Cell, fractal, hashed, level_line_px, noise, normal, uniform

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

# Noise equivalent sigma nought of IW: -22 dB is the specification, instruments in orbit stay below it.
NOISE_FLOOR_DB = -24.0
CACHED_CELLS = 384
_ALWAYS, _NEVER = -99.0, 99.0
_SHIP_SPACING = 96


@dataclass(frozen=True)
class Preset:
    """Thresholds on noises of variance 1: each kind lies where its noise is above its threshold (99 never, -99 always).

    Sea first, then mountains (low and high ends of one terrain), then cities, forests, and fields on what is left.
    `river_px` and `road_px` are half widths in pixels (0 = none); `ships` is the chance of a ship in 96 x 96 pixels of
    sea.
    """

    sea: float = 0.55
    mountain: float = 0.85
    city: float = 0.95
    forest: float = 0.35
    river_px: float = 3.0
    road_px: float = 0.7
    ships: float = 0.12
    homogeneous: bool = False


PRESETS = {
    "mixed": Preset(),
    "sea": Preset(sea=_ALWAYS, ships=0.02),
    "ships": Preset(sea=_ALWAYS, ships=0.6),
    "fields": Preset(_NEVER, _NEVER, city=_NEVER, forest=1.8, river_px=0),
    "forest": Preset(_NEVER, _NEVER, city=_NEVER, forest=-1.3, river_px=0),
    "river": Preset(_NEVER, _NEVER, city=1.9, forest=0.8, river_px=9),
    "mountain": Preset(_NEVER, mountain=_ALWAYS, river_px=0, road_px=0),
    "city": Preset(_NEVER, _NEVER, city=-0.9, river_px=5),
    "homogeneous": Preset(homogeneous=True),
}


class Land:
    """Reflectivity of an endless land. `window(...)` may be asked in any order; equal pixels come out equal."""

    def __init__(self, preset: str = "mixed", seed: int = 0):
        if preset not in PRESETS:
            raise InvalidArgument(f"preset {preset!r} is not known; choose one of {', '.join(PRESETS)}")
        self._preset = PRESETS[preset]
        self._key = int(hashed(0x5A12, np.array([seed & 0xFFFFFFFF]), np.array([seed >> 32]))[0])
        self._cell = lru_cache(maxsize=CACHED_CELLS)(self._compute)

    def window(self, row: int, col: int, rows: int, cols: int) -> Floats:
        """(2, rows, cols) float32 linear power, VV first; `row` and `col` may be negative."""
        out = np.empty((2, rows, cols), np.float32)
        for top in range(row // CELL * CELL, row + rows, CELL):
            for left in range(col // CELL * CELL, col + cols, CELL):
                up, down = max(row, top), min(row + rows, top + CELL)
                west, east = max(col, left), min(col + cols, left + CELL)
                part = self._cell(top, left)[:, up - top : down - top, west - left : east - left]
                out[:, up - row : down - row, west - col : east - col] = part
        return out

    def _compute(self, row: int, col: int) -> Floats:
        cell = Cell(row, col)
        sigma_db = np.empty((2, CELL, CELL), np.float32)
        if self._preset.homogeneous:
            sigma_db[0], sigma_db[1] = -10.0, -16.0
        else:
            self._paint(cell, sigma_db)
        sigma_db *= np.float32(np.log(10) / 10)
        return np.exp(sigma_db, out=sigma_db) + np.float32(10 ** (NOISE_FLOOR_DB / 10))

    def _paint(self, cell: Cell, sigma_db: Floats) -> None:
        """Lay the kinds over one another; a kind is computed only in the cells where it occurs."""
        preset, key = self._preset, self._key
        ground = fractal(cell, 256, 6, key + 100)
        wet = -ground > preset.sea
        rock = ~wet & (ground > preset.mountain)
        open_land = ~(wet | rock)
        built = open_land & (fractal(cell, 256, 4, key + 200) > preset.city)
        wooded = open_land & ~built & (fractal(cell, 128, 5, key + 300) > preset.forest)
        farmed = open_land & ~built & ~wooded
        kinds = (
            (covers.sea, wet),
            (covers.mountain, rock),
            (covers.city, built),
            (covers.forest, wooded),
            (covers.fields, farmed),
        )
        for number, (cover, mask) in enumerate(kinds):
            if mask.any():
                np.copyto(sigma_db, cover(cell, key + 1000 * (number + 1)), where=mask)
        self._draw_lines(cell, sigma_db, ~wet, rock)
        if wet.any() and preset.ships:
            self._draw_ships(cell, sigma_db, wet)

    def _draw_lines(self, cell: Cell, sigma_db: Floats, dry: Bools, rock: Bools) -> None:
        """Rivers with wooded banks, roads, and bridges where they cross."""
        preset, key = self._preset, self._key
        if not dry.any():
            return
        road = np.zeros((CELL, CELL), bool)
        if preset.road_px:
            road = dry & ~rock & (np.abs(level_line_px(cell, 256, key + 400)) < preset.road_px)
            np.copyto(sigma_db, _both(-15.5, -23), where=road)
        if preset.river_px:
            bent = level_line_px(cell, 256, key + 500) + 2.5 * noise(cell, 32, key + 501)
            half = preset.river_px * (1 + 0.3 * noise(cell, 64, key + 502))
            river = dry & (np.abs(bent) < half)
            bank = dry & ~river & ~road & (np.abs(bent) < half + 1.5)
            np.copyto(sigma_db, _both(-7.5, -13), where=bank)
            np.copyto(sigma_db, covers.water(cell, key + 503), where=river & ~road)
            np.copyto(sigma_db, _both(4, -8), where=river & road)

    def _draw_ships(self, cell: Cell, sigma_db: Floats, wet: Bools) -> None:
        """Hulls as bright rectangles with a few very bright points; only where there is sea below them."""
        spacing = _SHIP_SPACING
        reach = range(-1, CELL // spacing + 3)
        nodes = np.array(
            [(cell.row // spacing + down, cell.col // spacing + across) for down in reach for across in reach]
        )
        ids = hashed(self._key + 600, nodes[:, 0], nodes[:, 1])
        for number in np.flatnonzero(uniform(ids) < self._preset.ships):
            one = ids[number : number + 1]
            draws = [float(uniform(one, draw)[0]) for draw in range(1, 7)]
            centre = (nodes[number, 0] + draws[0]) * spacing, (nodes[number, 1] + draws[1]) * spacing
            self._draw_ship(cell, sigma_db, wet, centre, draws[2:], int(one[0]))

    @staticmethod
    def _draw_ship(
        cell: Cell, sigma_db: Floats, wet: Bools, centre: tuple[float, float], draws: list[float], key: int
    ) -> None:
        turn, size, bright, _ = draws
        half_length, half_width = 2 + 14 * size**2, 0.6 + 1.6 * size
        span = int(half_length) + 3
        rows, cols = (
            slice(max(int(middle) - span - start, 0), max(min(int(middle) + span + 1 - start, CELL), 0))
            for middle, start in zip(centre, (cell.row, cell.col), strict=True)
        )
        if rows.start >= rows.stop or cols.start >= cols.stop:
            return
        down, across = cell.rows[rows] - np.float32(centre[0]), cell.cols[:, cols] - np.float32(centre[1])
        cosine, sine = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
        ahead, abeam = across * cosine + down * sine, down * cosine - across * sine
        hull = (np.abs(ahead) < half_length) & (np.abs(abeam) < half_width) & wet[rows, cols]
        parts = hashed(key, cell.rows[rows], cell.cols[:, cols])
        level = 2 + 14 * bright + 3.5 * normal(parts) + 16 * (uniform(parts, 9) < 0.06)
        for band, offset in enumerate((0.0, -9.0)):
            view = sigma_db[band, rows, cols]
            view[hull] = np.minimum(level + offset + band * normal(parts, 3), 38)[hull]


def _both(vv_db: float, vh_db: float) -> Floats:
    """A level of each band, (2, 1, 1) float32."""
    return np.array([[[vv_db]], [[vh_db]]], np.float32)

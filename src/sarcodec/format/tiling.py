"""Windows, the grid of coding tiles, and latent cells: pure integers in, pure integers out.

A scene of rows x cols pixels is cut into square tiles in raster order; the last row and column of tiles end at the
scene's edge. Knows no pixel values, no files and no models.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from typing import SupportsIndex

from sarcodec.errors import InvalidArgument

CELL_PX = 32
"""Side of the square of pixels that one latent cell stands for."""
LEAST_TILE_PX = 16
"""What is left of a tile at 1/32 of its resolution."""


def _as_integer(name: str, value: SupportsIndex, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidArgument(f"{name} is {value!r}; expected a whole number of at least {least}") from None
    if number < least:
        raise InvalidArgument(f"{name} is {number}; expected a whole number of at least {least}")
    return number


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels (or of cells): first row and column, and how many of each. Never empty.

    Raises InvalidArgument for numbers that are not whole, negative starts and empty sizes.
    """

    row: int
    col: int
    rows: int
    cols: int

    def __post_init__(self) -> None:
        numbers = self.row, self.col, self.rows, self.cols
        if all(type(n) is int for n in numbers) and min(numbers) >= 0 and min(self.rows, self.cols) >= 1:
            return  # nearly always; what follows takes twenty times as long
        for field, least in zip(fields(self), (0, 0, 1, 1), strict=True):
            value = _as_integer(f"window {field.name}", getattr(self, field.name), least)
            object.__setattr__(self, field.name, value)

    @property
    def row_end(self) -> int:
        """First row below the window."""
        return self.row + self.rows

    @property
    def col_end(self) -> int:
        """First column to the right of the window."""
        return self.col + self.cols

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, cols) of an array that holds the window."""
        return self.rows, self.cols

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the window in an array that holds the whole scene."""
        return slice(self.row, self.row_end), slice(self.col, self.col_end)

    def within(self, outer: Window) -> tuple[slice, slice]:
        """Index of this window in an array that holds `outer`; InvalidArgument unless `outer` holds all of it."""
        inside = self.row >= outer.row and self.col >= outer.col
        if not (inside and self.row_end <= outer.row_end and self.col_end <= outer.col_end):
            raise InvalidArgument(f"{self} does not lie within {outer}; expected a window that does")
        row, col = self.row - outer.row, self.col - outer.col
        return slice(row, row + self.rows), slice(col, col + self.cols)


def check_inside(window: Window, rows: int, cols: int) -> Window:
    """Return `window` if it lies in a scene of rows x cols, or else raise InvalidArgument with the scene's size."""
    if window.row_end > rows or window.col_end > cols:
        raise InvalidArgument(
            f"the window at COL {window.col}, ROW {window.row} of WIDTH {window.cols} and HEIGHT {window.rows} leaves the "
            f"scene of {rows} rows and {cols} columns, which are counted from 0; choose a window inside it"
        )
    return window


def grow(window: Window, margin: int, rows: int, cols: int) -> Window:
    """`window` with `margin` more pixels (or cells) on every side, clipped to a scene of rows x cols."""
    margin = _as_integer("margin", margin, 0)
    check_inside(window, rows, cols)
    row, col = max(0, window.row - margin), max(0, window.col - margin)
    row_end, col_end = min(rows, window.row_end + margin), min(cols, window.col_end + margin)
    return Window(row, col, row_end - row, col_end - col)


def overlap(first: Window, second: Window) -> Window | None:
    """The part that two windows share, or None."""
    row, col = max(first.row, second.row), max(first.col, second.col)
    rows, cols = min(first.row_end, second.row_end) - row, min(first.col_end, second.col_end) - col
    return Window(row, col, rows, cols) if rows > 0 and cols > 0 else None


def cells(window: Window) -> Window:
    """The latent cells that a window of pixels touches (rounded outwards), as a window of cells."""
    row, col = window.row // CELL_PX, window.col // CELL_PX
    row_end, col_end = -(-window.row_end // CELL_PX), -(-window.col_end // CELL_PX)
    return Window(row, col, row_end - row, col_end - col)


@dataclass(frozen=True, slots=True)
class TileGrid:
    """The tiles of a scene of rows x cols pixels; `tile_px` is a multiple of LEAST_TILE_PX.

    Raises InvalidArgument for an empty scene or another tile size.
    """

    rows: int
    cols: int
    tile_px: int

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _as_integer(f"tile grid {field.name}", getattr(self, field.name), 1))
        if self.tile_px % LEAST_TILE_PX:
            raise InvalidArgument(f"tile size is {self.tile_px} pixels; expected a multiple of {LEAST_TILE_PX}")

    @property
    def shape(self) -> tuple[int, int]:
        """(tile rows, tile columns)."""
        return -(-self.rows // self.tile_px), -(-self.cols // self.tile_px)

    @property
    def count(self) -> int:
        """How many tiles there are."""
        return self.shape[0] * self.shape[1]

    @property
    def whole(self) -> Window:
        """All pixels."""
        return Window(0, 0, self.rows, self.cols)

    def window(self, index: int) -> Window:
        """The pixels of tile `index` (raster order), cut at the scene's edge. InvalidArgument outside 0..count-1."""
        index = _as_integer("tile index", index, 0)
        if index >= self.count:
            raise InvalidArgument(f"tile index is {index}; this scene has the tiles 0..{self.count - 1}")
        tile_row, tile_col = divmod(index, self.shape[1])
        row, col = tile_row * self.tile_px, tile_col * self.tile_px
        return Window(row, col, min(self.tile_px, self.rows - row), min(self.tile_px, self.cols - col))

    def touched(self, window: Window) -> list[int]:
        """Indices, ascending, of the tiles that share a pixel with `window`, which must lie in the scene."""
        check_inside(window, self.rows, self.cols)
        tile_rows = range(window.row // self.tile_px, (window.row_end - 1) // self.tile_px + 1)
        tile_cols = range(window.col // self.tile_px, (window.col_end - 1) // self.tile_px + 1)
        return [tile_row * self.shape[1] + tile_col for tile_row in tile_rows for tile_col in tile_cols]

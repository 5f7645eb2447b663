"""A simulated IW GRDH scene of any size: land seen through the sensor, as uint16 DN, window by window.

In: size, bands, seed, preset. Out: true reflectivity and pixels of any window; a window equals the same pixels of the
whole, bit for bit, on one machine. Writes nothing and knows no file format.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.simulate.land import Land
from sarcodec.simulate.speckle import BLOCK_COLS, BLOCK_ROWS, GRDH, Sensor, detect, field_shape

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

BANDS = ("VV", "VH")
# Sentinel-1 GRD looks like this: sigma nought = (DN / A)^2 with A between 300 and 700 from near to far range.
DN_PER_UNIT = 500.0
_NOISE_CELL = 64
MOST_PIXELS = 2**31 - 1
"""On a side: what a raster can have."""


class Rectangle(Protocol):
    """What a window must have, all in pixels; `sarcodec.format.tiling.Window` does."""

    @property
    def row(self) -> int: ...

    @property
    def col(self) -> int: ...

    @property
    def rows(self) -> int: ...

    @property
    def cols(self) -> int: ...


@dataclass(frozen=True)
class SceneSimulator:
    """A scene of `rows` x `cols` pixels that exists only where it is asked for.

    `seed` 0..2^64-1; `preset` one of land.PRESETS; `nodata_border` puts DN 0 into slanted wedges along the edges, as
    uncropped products have them. VV and VH share the land and have speckle of their own. Raises InvalidArgument on
    anything else.
    """

    rows: int
    cols: int
    bands: tuple[str, ...] = BANDS
    seed: int = 0
    preset: str = "mixed"
    nodata_border: bool = False
    sensor: Sensor = GRDH
    _land: Land = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if min(self.rows, self.cols) < 1:
            raise InvalidArgument(f"scene of {self.rows} x {self.cols} pixels; expected at least 1 x 1")
        if max(self.rows, self.cols) > MOST_PIXELS:
            raise InvalidArgument(
                f"scene of {self.rows} x {self.cols} pixels; expected at most {MOST_PIXELS} on a side"
            )
        if not self.bands or not set(self.bands) <= set(BANDS) or len(set(self.bands)) < len(self.bands):
            raise InvalidArgument(f"bands {self.bands!r}; expected some of {', '.join(BANDS)}, each once")
        if not 0 <= self.seed < 2**64:
            raise InvalidArgument(f"seed is {self.seed}; expected a whole number from 0 to 2^64 - 1")
        object.__setattr__(self, "bands", tuple(self.bands))
        object.__setattr__(self, "_land", Land(self.preset, self.seed))

    def reflectivity(self, window: Rectangle) -> Floats:
        """True reflectivity (bands, rows, cols), float32, linear sigma nought with the noise floor in it; no border is
        cut."""
        self._check(window)
        order = [BANDS.index(band) for band in self.bands]
        return self._land.window(window.row, window.col, window.rows, window.cols)[order]

    def pixels(self, window: Rectangle) -> Integers:
        """DN (bands, rows, cols), uint16: 1..65535, and 0 in the border only."""
        self._check(window)
        row, col = window.row // BLOCK_ROWS * BLOCK_ROWS, window.col // BLOCK_COLS * BLOCK_COLS
        rows = -(-(window.row + window.rows - row) // BLOCK_ROWS) * BLOCK_ROWS
        cols = -(-(window.col + window.cols - col) // BLOCK_COLS) * BLOCK_COLS
        reach = self.sensor.reach_px
        amplitude = np.sqrt(self._land.window(row - reach, col - reach, rows + 2 * reach, cols + 2 * reach))
        inner = (
            slice(window.row - row, window.row - row + window.rows),
            slice(window.col - col, window.col - col + window.cols),
        )
        out = np.empty((len(self.bands), window.rows, window.cols), np.uint16)
        for index, band in enumerate(self.bands):
            number = BANDS.index(band)
            field = self._white_field(number, row, col, rows, cols)
            field *= amplitude[number][:, :, None, None]
            root = np.sqrt(detect(field, self.sensor)[inner])
            out[index] = np.clip(np.rint(root * np.float32(DN_PER_UNIT)), 1, 65535)
        if self.nodata_border:
            out[:, ~self.valid(window)] = 0
        return out

    def valid(self, window: Rectangle) -> Bools:
        """True inside the border (rows, cols); the wedges are up to 1/32 of the scene wide and end in whole pixels."""
        row, col = (
            np.arange(window.row, window.row + window.rows)[:, None],
            np.arange(window.col, window.col + window.cols)[None, :],
        )
        if not self.nodata_border:
            return np.ones((window.rows, window.cols), bool)
        wide, high = -(-self.cols // 64), -(-self.rows // 64)
        left, top = wide + wide * (self.rows - 1 - row) // self.rows, high * col // self.cols
        right, bottom = wide + wide * row // self.rows, high * (self.cols - 1 - col) // self.cols
        return (col >= left) & (col < self.cols - right) & (row >= top) & (row < self.rows - bottom)

    def _check(self, window: Rectangle) -> None:
        inside = window.row >= 0 and window.col >= 0 and window.rows > 0 and window.cols > 0
        if not inside or window.row + window.rows > self.rows or window.col + window.cols > self.cols:
            raise InvalidArgument(
                f"window {window} does not lie in the scene of {self.rows} x {self.cols} pixels; choose one inside"
            )

    def _white_field(self, band: int, row: int, col: int, rows: int, cols: int) -> Floats:
        """Normals of variance 1/2 for `detect`; each square of 64 pixels has a Philox counter range of its own.

        The generator is keyed by (seed, band) and counts from (row, column of the square): no other window, order or
        size matters.
        """
        reach = self.sensor.reach_px
        field = np.empty(field_shape(rows, cols, self.sensor), np.float32)
        for down, into_rows, of_rows in _squares(row - reach, field.shape[0]):
            for across, into_cols, of_cols in _squares(col - reach, field.shape[1]):
                field[into_rows, into_cols] = self._noise_square(band, down, across)[of_rows, of_cols]
        field *= np.float32(np.sqrt(0.5))
        return field

    def _noise_square(self, band: int, down: int, across: int) -> Floats:
        counter = np.array([0, 0, down & (2**64 - 1), across & (2**64 - 1)], np.uint64)
        philox = np.random.Philox(key=np.array([self.seed, band], np.uint64), counter=counter)
        shape = _NOISE_CELL, _NOISE_CELL, self.sensor.samples, 2
        return np.random.Generator(philox).standard_normal(shape, dtype=np.float32)


def _squares(start: int, size: int) -> Iterator[tuple[int, slice, slice]]:
    """Along one axis: the squares that pixels start..start + size touch, where each falls, and which part does."""
    for number in range(start // _NOISE_CELL, (start + size - 1) // _NOISE_CELL + 1):
        first, last = max(number * _NOISE_CELL, start), min((number + 1) * _NOISE_CELL, start + size)
        into = slice(first - start, last - start)
        yield number, into, slice(first - number * _NOISE_CELL, last - number * _NOISE_CELL)

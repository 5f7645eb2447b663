"""What an index of an array touches, in few windows: only tiles in which something is wanted are decoded.

In: an index per axis, and a function that reads a window; out: the array. Knows neither files nor xarray.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from sarcodec.decoding.tile import TILE_PX

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sarcodec.arrays import Pixels

Places: TypeAlias = "NDArray[np.int64]"
Read: TypeAlias = Callable[[slice, slice], "Pixels"]
"""Of rows and columns, each a slice from and to, without a step."""


def outer(key: Sequence[Any], shape: tuple[int, int], dtype: np.dtype[Any], read: Read) -> NDArray[Any]:
    """As NumPy indexes axis by axis: whole numbers, slices with steps, and lists, of rows and columns on their own.

    An axis of which all between is wanted is read at once, one of which places lie apart tile by tile.
    """
    rows, cols = (_places(k, size) for k, size in zip(key, shape))
    found = np.empty((rows.size, cols.size), dtype)
    for at_row, at_col in itertools.product(_runs(rows), _runs(cols)):
        some_rows, some_cols = rows[at_row], cols[at_col]
        window = read(_span(some_rows), _span(some_cols))
        found[np.ix_(at_row, at_col)] = window[np.ix_(some_rows - some_rows.min(), some_cols - some_cols.min())]
    return found[tuple(0 if np.ndim(k) == 0 and not isinstance(k, slice) else slice(None) for k in key)]


def points(rows: Any, cols: Any, shape: tuple[int, int], dtype: np.dtype[Any], read: Read) -> NDArray[Any]:
    """Pixels one by one: rows and cols are arrays of one shape, which is that of the result. Read tile by tile."""
    row, col = (np.asarray(k) for k in np.broadcast_arrays(rows, cols))
    flat_rows, flat_cols = _places(row.reshape(-1), shape[0]), _places(col.reshape(-1), shape[1])
    found = np.empty(flat_rows.size, dtype)
    tiles = flat_rows // TILE_PX * (shape[1] // TILE_PX + 1) + flat_cols // TILE_PX
    for at in _groups(tiles):
        some_rows, some_cols = flat_rows[at], flat_cols[at]
        window = read(_span(some_rows), _span(some_cols))
        found[at] = window[some_rows - some_rows.min(), some_cols - some_cols.min()]
    return found.reshape(row.shape)


def _places(key: Any, size: int) -> Places:
    """The places that an index of one axis means, from 0. Raises IndexError outside it."""
    places = np.arange(*key.indices(size)) if isinstance(key, slice) else np.atleast_1d(np.asarray(key))
    places = places.astype(np.int64)
    places = np.where(places < 0, places + size, places)
    if places.size and not (places.min() >= 0 and places.max() < size):
        raise IndexError(f"an index of {key!r} lies outside an axis of {size}")
    return places


def _runs(places: Places) -> list[Places]:
    """Positions within `places`, all at once where no tile between them is skipped, else tile by tile."""
    tiles = places // TILE_PX
    touched = np.unique(tiles)
    if touched.size and touched.size < touched[-1] - touched[0] + 1:
        return _groups(tiles)
    return [np.arange(places.size)] if places.size else []


def _groups(numbers: Places) -> list[Places]:
    """Positions of equal numbers, together."""
    order = np.argsort(numbers, kind="stable")
    _, starts = np.unique(numbers[order], return_index=True)
    return np.split(order, starts[1:]) if numbers.size else []


def _span(places: Places) -> slice:
    return slice(int(places.min()), int(places.max()) + 1)

"""What Zarr selects of a chunk, read by windows of its bands: only tiles in which something is wanted are decoded.

In: an index of each axis as Zarr's indexers make them (whole numbers and slices; arrays as of numpy.ix_; arrays of places, point by point);
out: what NumPy would give for it. Knows no files.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.doors.chunks import as_bands
from sarcodec.doors.indexed import outer, points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sarcodec.arrays import Pixels

ReadBand = Callable[[int, slice, slice], "Pixels"]
"""Of a band (from 0), rows and columns from and to."""


def selected(selection: tuple[Any, ...], shape: tuple[int, ...], dtype: np.dtype[Any], read: ReadBand) -> NDArray[Any]:
    """chunk[selection]. selection: of each axis of `shape`, or of the first ones."""
    key = (*selection, *(slice(None) for _ in shape[len(selection) :]))
    if all(isinstance(one, slice) or np.ndim(one) == 0 for one in key):
        places = [np.arange(size)[one].reshape(-1) for one, size in zip(key, shape)]
        found = _outer(places, shape, dtype, read)
        return found[tuple(slice(None) if isinstance(one, slice) else 0 for one in key)]
    arrays = [_array(one, size) for one, size in zip(key, shape)]
    if _is_open_mesh(arrays):
        return _outer([one.reshape(-1) for one in arrays], shape, dtype, read)
    return _points(np.broadcast_arrays(*arrays), shape, dtype, read)


def _array(one: Any, size: int) -> NDArray[Any]:
    return np.arange(size)[one] if isinstance(one, slice) else np.asarray(one)


def _is_open_mesh(arrays: list[NDArray[Any]]) -> bool:
    """Whether each goes along an axis of its own, as those of numpy.ix_."""
    return all(
        one.ndim == len(arrays) and one.size == one.shape[axis] for axis, one in enumerate(arrays)
    )  # fmt: skip


def _outer(places: list[NDArray[Any]], shape: tuple[int, ...], dtype: np.dtype[Any], read: ReadBand) -> NDArray[Any]:
    """Places of each axis on their own."""
    *before, rows, cols = places
    found = np.empty([one.size for one in places], dtype)
    bands = before[-1] if before else np.zeros(1, np.int64)
    layers = found.reshape(-1, bands.size, rows.size, cols.size)
    for number, band in enumerate((bands % as_bands(shape)[0]).tolist()):
        layers[:, number] = outer((rows, cols), (shape[-2], shape[-1]), dtype, partial(read, band))
    return found


def _points(arrays: Any, shape: tuple[int, ...], dtype: np.dtype[Any], read: ReadBand) -> NDArray[Any]:
    """One pixel for each place in arrays of one shape."""
    *before, rows, cols = (one.reshape(-1) for one in arrays)
    bands = before[-1] % as_bands(shape)[0] if before else np.zeros(rows.size, np.int64)
    found = np.empty(rows.size, dtype)
    for band in np.unique(bands).tolist():
        at = np.flatnonzero(bands == band)
        found[at] = points(rows[at], cols[at], (shape[-2], shape[-1]), dtype, partial(read, band))
    return found.reshape(arrays[0].shape)

"""What a caller asks for, in the forms that callers have at hand, as a window and a list of bands.

Whole numbers may be Python's, NumPy's or arrays of one; windows may be rasterio's, which is not imported here.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Set

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.format.tiling import Window, check_inside

_RASTERIO = ("row_off", "col_off", "height", "width")
_FORMS = (
    "expected rasterio.windows.Window(col_off, row_off, width, height), a pair of slices (rows, columns), or "
    "((row_start, row_stop), (col_start, col_stop))"
)


def asked_window(window: object, rows: int, cols: int) -> Window:
    """A window of a scene of rows x cols pixels, None for all of it. Raises InvalidArgument."""
    if window is None:
        return Window(0, 0, rows, cols)
    if isinstance(window, Window):
        return check_inside(window, rows, cols)
    if _is_rasterio_window(window):
        row, col, height, width = (_whole(getattr(window, name), f"the window's {name}") for name in _RASTERIO)
        return check_inside(Window(row, col, height, width), rows, cols)
    if not isinstance(window, (tuple, list)) or len(window) != 2:
        raise InvalidArgument(f"the window is {window!r}; {_FORMS}")
    (row, row_end), (col, col_end) = (_range(part, size) for part, size in zip(window, (rows, cols)))
    return check_inside(Window(row, col, row_end - row, col_end - col), rows, cols)


def is_window(value: object) -> bool:
    """Whether a value is a window in one of its forms, and cannot be numbers of bands."""
    if isinstance(value, (tuple, list)):
        return len(value) == 2 and all(isinstance(part, (slice, tuple, list)) for part in value)
    return isinstance(value, Window) or _is_rasterio_window(value)


def _is_rasterio_window(value: object) -> bool:
    return all(hasattr(value, name) for name in _RASTERIO)


def _range(part: object, size: int) -> tuple[int, int]:
    """First and first beyond, of a slice or of a pair; None is the scene's edge."""
    if isinstance(part, slice):
        if part.step not in (None, 1):
            raise InvalidArgument(
                f"the window has a step of {part.step}; index the scene for steps: scene[:, ::2, ::2]"
            )
        part = part.start, part.stop
    if not isinstance(part, (tuple, list)) or len(part) != 2:
        raise InvalidArgument(f"the window has {part!r} in it; {_FORMS}")
    start = 0 if part[0] is None else _whole(part[0], "the window's start")
    stop = size if part[1] is None else _whole(part[1], "the window's stop")
    if not 0 <= start < stop:
        raise InvalidArgument(
            f"the window goes from {start} to {stop}; expected 0 <= start < stop: there is no counting from the end, "
            "and no window without pixels"
        )
    return start, stop


def _whole(value: object, name: str) -> int:
    """An integer, also one that is kept as a float (rasterio's windows hold floats). Raises InvalidArgument."""
    number = _index(value)
    if number is not None:
        return number
    if isinstance(value, (float, np.floating)):
        if float(value).is_integer():
            return int(value)
        raise InvalidArgument(
            f"{name} is {value}; a window is of whole pixels: round it first, with rasterio by "
            "window.round_offsets().round_lengths()"
        )
    raise InvalidArgument(f"{name} is {value!r}; expected a whole number")


def _index(value: object) -> int | None:
    """A whole number; None for anything else."""
    try:
        return operator.index(value)  # type: ignore[arg-type]  # that is the question
    except TypeError:
        return None


def chosen_indexes(indexes: object, count: int) -> list[int]:
    """Numbers from 0 of the bands that were asked for by numbers from 1, in that order, repeats too; None for all.

    Raises InvalidArgument.
    """
    return _chosen(indexes, count, 1)


def chosen_bands(bands: object, count: int) -> list[int]:
    """The same of numbers from 0."""
    return _chosen(bands, count, 0)


def _chosen(asked: object, count: int, first: int) -> list[int]:
    if asked is None:
        return list(range(count))
    chosen = [_band(band, count, first) for band in (asked if is_several(asked) else [asked])]  # type: ignore[attr-defined]
    if not chosen:
        raise InvalidArgument(f"no band was asked for; leave `{'indexes' if first else 'bands'}` out for all {count}")
    return chosen


def numbered_bands(bands: object) -> tuple[int, ...]:
    """Numbers from 1 of different bands, of one or several; whether the scene has them is not known here. Raises InvalidArgument."""
    given = list(bands) if isinstance(bands, Set) or is_several(bands) else [bands]  # type: ignore[call-overload]
    numbers = tuple(_index(band) or 0 for band in given)
    if any(isinstance(band, (bool, np.bool_)) for band in given) or min(numbers, default=1) < 1:
        raise InvalidArgument(f"the exact bands are {bands!r}; expected whole numbers of bands, the first is 1")
    if len(set(numbers)) < len(numbers):
        raise InvalidArgument(f"the exact bands are {bands!r}; expected each of them once")
    return numbers


def is_several(asked: object) -> bool:
    """Whether numbers of bands are a list of them, however long, and not one number."""
    ordered = isinstance(asked, Iterable) and not isinstance(asked, (str, bytes, Mapping, Set))
    return ordered and getattr(asked, "ndim", 1) == 1


def _band(band: object, count: int, first: int) -> int:
    if isinstance(band, (bool, np.bool_)):
        raise InvalidArgument(f"a band is {band}; expected the numbers of bands (of a mask: numpy.flatnonzero(mask))")
    number = _index(band)
    if number is None:
        raise InvalidArgument(f"a band is {band!r}; expected whole numbers, counted from {first}, or one of them")
    if not first <= number < first + count:
        there = "band 1 alone" if count == 1 else f"the bands 1 to {count}"
        zero = "" if first else f" (number {number} in `bands`, which counts from 0)"
        raise InvalidArgument(f"there is no band {number + 1 - first}{zero}; the scene has {there}")
    return number - first

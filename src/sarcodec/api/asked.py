"""What a caller asks for, in the forms that callers have at hand, as a window and a list of bands.

Whole numbers may be Python's, NumPy's or arrays of one; windows may be rasterio's, which this room does not import.
"""

import operator
from collections.abc import Iterable, Mapping, Set

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.format.tiling import Window, check_inside

_RASTERIO = ("row_off", "col_off", "height", "width")
_FORMS = (
    "expected sarcodec.Window(row, col, rows, cols), rasterio.windows.Window(col_off, row_off, width, height), "
    "a pair of slices (rows, columns), or ((row_start, row_stop), (col_start, col_stop))"
)


def asked_window(window: object, rows: int, cols: int) -> Window:
    """A window of a scene of rows x cols pixels, None for all of it. Raises InvalidArgument."""
    if window is None:
        return Window(0, 0, rows, cols)
    if isinstance(window, Window):
        return check_inside(window, rows, cols)
    if all(hasattr(window, name) for name in _RASTERIO):
        row, col, height, width = (whole(getattr(window, name), f"the window's {name}") for name in _RASTERIO)
        return check_inside(Window(row, col, height, width), rows, cols)
    if not isinstance(window, (tuple, list)) or len(window) != 2:
        raise InvalidArgument(f"the window is {window!r}; {_FORMS}")
    (row, row_end), (col, col_end) = (_range(part, size) for part, size in zip(window, (rows, cols)))
    return check_inside(Window(row, col, row_end - row, col_end - col), rows, cols)


def _range(part: object, size: int) -> tuple[int, int]:
    """First and first beyond, of a slice or of a pair; None is the scene's edge."""
    if isinstance(part, slice):
        if part.step not in (None, 1):
            raise InvalidArgument(f"the window has a step of {part.step}; read every pixel, and take a part of the array")
        part = part.start, part.stop
    if not isinstance(part, (tuple, list)) or len(part) != 2:
        raise InvalidArgument(f"the window has {part!r} in it; {_FORMS}")
    start = 0 if part[0] is None else whole(part[0], "the window's start")
    stop = size if part[1] is None else whole(part[1], "the window's stop")
    if not 0 <= start < stop:
        raise InvalidArgument(
            f"the window goes from {start} to {stop}; expected 0 <= start < stop: there is no counting from the end, "
            "and no window without pixels"
        )
    return start, stop


def whole(value: object, name: str) -> int:
    """An integer, also one that is kept as a float (rasterio's windows hold floats). Raises InvalidArgument."""
    try:
        return operator.index(value)
    except TypeError:
        pass
    if isinstance(value, (float, np.floating)):
        if float(value).is_integer():
            return int(value)
        raise InvalidArgument(
            f"{name} is {value}; a window is of whole pixels: round it first, with rasterio by "
            "window.round_offsets().round_lengths()"
        )
    raise InvalidArgument(f"{name} is {value!r}; expected a whole number")


def chosen_bands(bands: object, count: int) -> list[int]:
    """Numbers from 0 of the bands that were asked for, in that order, repeats too; None for all. Raises InvalidArgument."""
    if bands is None:
        return list(range(count))
    ordered = isinstance(bands, Iterable) and not isinstance(bands, (str, bytes, Mapping, Set))
    many = ordered and getattr(bands, "ndim", 1) == 1
    chosen = [_band(band, count) for band in (bands if many else [bands])]
    if not chosen:
        raise InvalidArgument(f"no band was asked for; leave `bands` out for all {count}")
    return chosen


def numbered_bands(bands: object) -> tuple[int, ...]:
    """Numbers from 1 of different bands, of one or several; whether the scene has them is not known here. Raises InvalidArgument."""
    many = isinstance(bands, Iterable) and not isinstance(bands, (str, bytes, Mapping)) and getattr(bands, "ndim", 1) == 1
    try:
        given = [bands] if not many else list(bands)
        numbers = tuple(operator.index(band) for band in given)
    except TypeError:
        numbers = (0,)
    if any(isinstance(band, (bool, np.bool_)) for band in given) or min(numbers, default=1) < 1:
        raise InvalidArgument(f"the exact bands are {bands!r}; expected whole numbers of bands, the first is 1")
    if len(set(numbers)) < len(numbers):
        raise InvalidArgument(f"the exact bands are {bands!r}; expected each of them once")
    return numbers


def _band(band: object, count: int) -> int:
    if isinstance(band, (bool, np.bool_)):
        raise InvalidArgument(f"a band is {band}; expected the numbers of bands (of a mask: numpy.flatnonzero(mask))")
    try:
        number = operator.index(band)
    except TypeError:
        raise InvalidArgument(f"a band is {band!r}; expected whole numbers, counted from 0, or one of them") from None
    if not 0 <= number < count:
        raise InvalidArgument(
            f"there is no band {number + 1} (number {number} in Python, which counts from 0); the scene has "
            f"{count} band{'s' * (count > 1)}"
        )
    return number

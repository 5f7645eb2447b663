"""A scene's index as NumPy means it: which bands and which window are read, and what is taken of them.

In: an index and the shape (bands, rows, cols). Out: a Selection. Reads nothing.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType

import numpy as np

from sarcodec.errors import InvalidArgument, InvalidIndex
from sarcodec.format.tiling import Window

_AXES = ("bands", "rows", "columns")
_FORMS = "expected whole numbers, slices and `...`, or a list of whole numbers for the bands"


@dataclass(frozen=True)
class Selection:
    """bands: numbers from 0 that are read; window: None where nothing is selected; rest: the index of what was read that
    gives what was asked for; shape: of the answer."""

    bands: list[int]
    window: Window | None
    rest: tuple[int | slice, ...]
    shape: tuple[int, ...]


def select(index: object, shape: tuple[int, int, int]) -> Selection:
    """Raises InvalidIndex (an IndexError) outside the scene and for more than three axes, InvalidArgument for other kinds."""
    bands, rows, cols = (_axis(part, axis, shape[axis]) for axis, part in enumerate(_expanded(index)))
    sizes = tuple(len(numbers) for numbers in (bands, rows, cols) if not isinstance(numbers, int))
    chosen = [bands] if isinstance(bands, int) else list(bands)
    (row, row_rest, row_count), (col, col_rest, col_count) = _hull(rows), _hull(cols)
    window = Window(row, col, row_count, col_count) if chosen and row_count and col_count else None
    band_rest = 0 if isinstance(bands, int) else slice(None)
    return Selection(chosen, window, (band_rest, row_rest, col_rest), sizes)


def _expanded(index: object) -> list[object]:
    """One part an axis."""
    parts = list(index) if isinstance(index, tuple) else [index]
    dots = [place for place, part in enumerate(parts) if isinstance(part, EllipsisType)]
    if len(dots) > 1:
        raise InvalidIndex("the index has more than one `...`; expected at most one")
    missing = 3 - (len(parts) - len(dots))
    if missing < 0:
        raise InvalidIndex(f"the index has {len(parts) - len(dots)} parts; a scene has three axes: {', '.join(_AXES)}")
    place = dots[0] if dots else len(parts)
    return [*parts[:place], *[slice(None)] * missing, *parts[place + 1 :]]


def _axis(part: object, axis: int, size: int) -> int | Sequence[int]:
    """The numbers, from 0, that one part of the index selects; one number alone takes the axis away."""
    if isinstance(part, slice):
        return range(*part.indices(size))
    if isinstance(part, (list, np.ndarray)) and np.ndim(part) == 1:
        if axis:
            raise InvalidArgument(
                f"the index has a list for the {_AXES[axis]}; {_FORMS}. Read them, and index the array"
            )
        return [_number(item, axis, size) for item in part]
    return _number(part, axis, size)


def _number(part: object, axis: int, size: int) -> int:
    try:
        number = operator.index(part)  # type: ignore[arg-type]  # that is the question
    except TypeError:
        number = None
    if number is None or isinstance(part, (bool, np.bool_)):
        raise InvalidArgument(f"the index has {part!r} for the {_AXES[axis]}; {_FORMS}")
    if not -size <= number < size:
        raise InvalidIndex(
            f"index {number} is beyond the {_AXES[axis]}, of which there are {size}; an index counts from 0, "
            "as NumPy's do (`read` and `indexes` count bands from 1)"
        )
    return number % size


def _hull(numbers: int | Sequence[int]) -> tuple[int, int | slice, int]:
    """First and count of what must be read to have some rows or columns, and their index within that."""
    if isinstance(numbers, int):
        return numbers, 0, 1
    if not numbers:
        return 0, slice(0, 0), 0
    first, last = min(numbers[0], numbers[-1]), max(numbers[0], numbers[-1])
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 1
    return first, slice(None, None, step), last - first + 1

"""Tiles of a learned band: a model's weights and the walk over a tile (native/model.c, walk.c, reading.c, following.c).

In: arrays, contiguous and of the types named; out: the same, and the library's answer, 0 where all went well.
"""

from __future__ import annotations

from ctypes import byref, c_char_p, c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

from sarcodec.native.library import function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sarcodec.arrays import Floats, Integers

DAMAGED, REFUSED, NO_MEMORY = -1, -2, -3


@cache
def _make() -> Any:
    return function("model_make", c_int32, *[c_void_p] * 3, c_int32, c_void_p)


@cache
def _free() -> Any:
    return function("model_free", None, c_void_p)


@cache
def _read() -> Any:
    return function("tile_read", c_int32, *[c_void_p] * 4, c_char_p, c_int64, *[c_int32] * 3, c_void_p, c_int32, *[c_void_p] * 3)


@cache
def _follow() -> Any:
    return function("tile_follow", c_int32, *[c_void_p] * 3, *[c_int32] * 3, c_void_p, c_int32, *[c_void_p] * 5)


class Model:
    """A model's weights in the library's own order, freed with this object. Safe for threads."""

    def __init__(self, sizes: tuple[int, int, int, int], arrays: Sequence[Integers]) -> None:
        """sizes: P, S, W and H of docs/format.md, 9.4; arrays: as native/model.c names them, which are copied. Raises ValueError, MemoryError."""
        made, count = c_void_p(), len(arrays)
        places, lengths = (c_void_p * count)(*(a.ctypes.data for a in arrays)), (c_int64 * count)(*(a.size for a in arrays))
        answer = _make()((c_int32 * 4)(*sizes), places, lengths, count, byref(made))
        if answer == NO_MEMORY:
            raise MemoryError("there is no memory for a model's weights")
        if answer:
            raise ValueError(f"a model of sizes {sizes} cannot have arrays of {[a.size for a in arrays]} numbers")
        self.address = made.value
        finalize(self, _free(), made.value)


def read(
    model: Model,
    tables: tuple[Integers, Integers, Integers],
    stream: bytes,
    place: tuple[int, int, int],
    reference: tuple[Integers, int] | None,
    symbols: Integers,
    latents: Integers,
    lost: Floats | None,
) -> int:
    """A tile's stream: fills symbols int32 (24 a hyper cell and 1024 a cell), latents int32 and lost float32 (1024 a cell).

    tables: cumulative, layout and lookup of FrozenTables; place: step, rows and columns in cells; reference: latents int32 of the band
    that this one leans on, and their step.
    """
    answer: int = _read()(
        model.address,
        *_places(*tables),
        stream,
        len(stream),
        *place,
        *_lent(reference),
        *_places(symbols, latents, lost),
    )
    return answer


def follow(
    model: Model,
    hyper: Integers,
    places: Integers,
    place: tuple[int, int, int],
    reference: tuple[Integers, int] | None,
    tables: Integers,
    means: Integers,
    latents: Integers,
    lost: Floats | None,
) -> int:
    """As `read`, but with hyper symbols and places, int32 in coded order, that are given; fills tables and means int32, in that order, too."""
    symbols = np.empty(tables.size, np.int32)
    answer: int = _follow()(
        model.address,
        hyper.ctypes.data,
        places.ctypes.data,
        *place,
        *_lent(reference),
        *_places(symbols, tables, means, latents, lost),
    )
    return answer


def _lent(reference: tuple[Integers, int] | None) -> tuple[int | None, int]:
    return (None, 0) if reference is None else (reference[0].ctypes.data, reference[1])


def _places(*arrays: Integers | Floats | None) -> list[int | None]:
    return [None if a is None else a.ctypes.data for a in arrays]

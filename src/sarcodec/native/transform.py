"""The lapped transform (native/transform.c). In: contiguous arrays of the types named; out: float32 arrays."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import Structure, c_float, c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.native.library import function, level

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats, Integers

BLOCK, CHANNELS = 32, 1024
TYPES = ("int16", "int32", "float32")
MOST_CELLS = 16
_DAMAGED, _REFUSED, _NO_MEMORY = -1, -2, -3


class _Piece(Structure):
    _fields_ = (("values", c_void_p), ("unit_db", c_void_p), ("type", c_int64))


@cache
def _synthesise(level: str | None) -> Any:
    return function("lapped_synthesise", c_int32, *[c_void_p] * 5, c_int64, c_int64, c_float, c_void_p)


@cache
def _analyse(level: str | None) -> Any:
    return function("lapped_analyse", c_int32, *[c_void_p] * 5, c_int64, c_int64, c_void_p)


def tables(dct: Floats, rotation: Floats) -> Floats:
    """What both directions look up, from the DCT (32, 32) and the rotation (32, 32)."""
    bases = [dct[parity::2, : BLOCK // 2] for parity in (0, 1)]
    parts = [*bases, *(basis.T for basis in bases), rotation, rotation.T]
    return np.concatenate([np.ascontiguousarray(part, np.float32).reshape(-1) for part in parts])


def places(order: Integers) -> Integers:
    """Channel -> its place among the four quadrants of even and odd frequencies, uint16; order: its place in the (32, 32) of frequencies."""
    down, across = order // BLOCK, order % BLOCK
    quadrant, half = 2 * (down % 2) + across % 2, BLOCK // 2
    return (quadrant * half * half + down // 2 * half + across // 2).astype(np.uint16)


def synthesise(
    tables: Floats,
    places: Integers,
    pieces: Sequence[tuple[Integers | Floats, Floats] | None],
    lapped: tuple[Bools, Bools],
    offset_db: float,
) -> tuple[Floats, bool]:
    """Levels (32 rows, 32 cols), and whether they are finite.

    pieces: nine; values of one of TYPES with last axis 1024 and what 1 is in dB (1024,) float32. lapped: the borders (rows + 1,), (cols + 1,).
    """
    given = (_Piece * len(pieces))()
    for slot, piece in zip(given, pieces, strict=True):
        if piece is not None:
            values, unit = piece
            slot.values, slot.unit_db, slot.type = values.ctypes.data, unit.ctypes.data, TYPES.index(values.dtype.name)
    rows, cols = (len(line) - 1 for line in lapped)
    levels = np.empty((rows * BLOCK, cols * BLOCK), np.float32)
    answer = _synthesise(level())(
        tables.ctypes.data,
        places.ctypes.data,
        given,
        lapped[0].ctypes.data,
        lapped[1].ctypes.data,
        rows,
        cols,
        offset_db,
        levels.ctypes.data,
    )
    _check(answer)
    return levels, answer != _DAMAGED


def analyse(tables: Floats, places: Integers, levels_db: Floats, lapped: tuple[Bools, Bools]) -> Floats:
    """Levels (32 (rows + 2), 32 (cols + 2)) -> latents (rows, cols, 1024)."""
    rows, cols = (len(line) - 1 for line in lapped)
    latents = np.empty((rows, cols, CHANNELS), np.float32)
    answer = _analyse(level())(
        tables.ctypes.data,
        places.ctypes.data,
        levels_db.ctypes.data,
        lapped[0].ctypes.data,
        lapped[1].ctypes.data,
        rows,
        cols,
        latents.ctypes.data,
    )
    _check(answer)
    return latents


def _check(answer: int) -> None:
    if answer == _NO_MEMORY:
        raise MemoryError("libsarcodec found no memory for a row of cells")
    if answer == _REFUSED:
        raise ValueError(f"a tile has more than {MOST_CELLS} rows or columns of cells, or none")

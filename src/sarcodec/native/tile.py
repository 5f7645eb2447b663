"""Tiles of a learned band: a model's weights and the walk over a tile (native/model.c, walk.c, reading.c, following.c).

In: arrays, contiguous and of the types named; out: the same, and the library's answer, 0 where all went well.
"""

from __future__ import annotations

from ctypes import byref, c_char_p, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import finalize

from sarcodec.native.library import function, level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sarcodec.arrays import Floats, Integers

DAMAGED, REFUSED, NO_MEMORY = -1, -2, -3


@cache
def _functions(_: str | None) -> dict[str, Any]:
    """Those of a level; what one level has packed, another cannot read."""
    where = *[c_int32] * 3, c_void_p, c_int32, c_void_p, c_int32
    return {
        "make": function("model_make", c_int32, *[c_void_p] * 3, c_int32, c_void_p),
        "free": function("model_free", None, c_void_p),
        "read": function(
            "tile_read", c_int32, *[c_void_p] * 4, c_char_p, c_int64, c_char_p, c_int64, *where, *[c_void_p] * 3
        ),
        "follow": function("tile_follow", c_int32, *[c_void_p] * 3, *where, *[c_void_p] * 5),
    }


class Model:
    """A model's weights in the library's own order, freed with this object. Safe for threads."""

    def __init__(self, sizes: tuple[int, int, int, int], arrays: Sequence[Integers]) -> None:
        """sizes: P, S, W and H of docs/format.md, 9.4; arrays: as native/model.c names them, which are copied. Raises ValueError, MemoryError."""
        self.functions = _functions(level())
        made, count = c_void_p(), len(arrays)
        places, lengths = (
            (c_void_p * count)(*(a.ctypes.data for a in arrays)),
            (c_int64 * count)(*(a.size for a in arrays)),
        )
        answer = self.functions["make"]((c_int32 * 4)(*sizes), places, lengths, count, byref(made))
        if answer == NO_MEMORY:
            raise MemoryError("there is no memory for a model's weights")
        if answer:
            raise ValueError(f"a model of sizes {sizes} cannot have arrays of {[a.size for a in arrays]} numbers")
        self.address = made.value
        finalize(self, self.functions["free"], made.value)


@dataclass(frozen=True)
class Where:
    """step, rows and columns in cells; latents int32 (cells, 1024) of the band that the tile leans on, or None, and their step; int32 (1024,)
    that are added to the scales, or None; whether the trellis has 1,024 states."""

    step: int
    rows: int
    cols: int
    reference: Integers | None = None
    reference_step: int = 0
    shifts: Integers | None = None
    many: bool = False

    def arguments(self) -> list[int | None]:
        return [
            self.step,
            self.rows,
            self.cols,
            *_places(self.reference),
            self.reference_step,
            *_places(self.shifts),
            self.many,
        ]


@dataclass(frozen=True)
class Found:
    """What is filled: symbols int32 (24 a hyper cell and 1024 a cell), latents int32 and, where asked for, lost float32 (1024 a cell)."""

    symbols: Integers
    latents: Integers
    lost: Floats | None


def read(
    model: Model,
    tables: tuple[Integers, Integers, Integers],
    streams: tuple[bytes, bytes | None],
    where: Where,
    found: Found,
) -> int:
    """A tile's two streams; without the second all latents, lost variances and those of the reference are 16 a cell, and symbols end with group 0. tables: cumulative, layout and lookup of FrozenTables, 752 of them."""
    out = _places(found.symbols, found.latents, found.lost)
    call = model.functions["read"]
    base, rest = streams
    lengths = len(base), len(rest or b"")
    answer: int = call(model.address, *_places(*tables), base, lengths[0], rest, lengths[1], *where.arguments(), *out)
    return answer


def follow(
    model: Model, given: tuple[Integers, Integers], where: Where, named: tuple[Integers, Integers], found: Found
) -> int:
    """As `read`, but with hyper symbols and places, int32 in coded order, that are given; fills tables and means int32, in that order, too. The
    symbols that are found have no meaning."""
    out = _places(found.symbols, *named, found.latents, found.lost)
    answer: int = model.functions["follow"](model.address, *_places(*given), *where.arguments(), *out)
    return answer


def _places(*arrays: Integers | Floats | None) -> list[int | None]:
    return [None if a is None else a.ctypes.data for a in arrays]

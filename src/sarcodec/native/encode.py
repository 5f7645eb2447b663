"""A tile of a learned band, encoded: the walk, the search and rANS in one call (native/encode.c). In: contiguous arrays of the types named; out: the same."""

from __future__ import annotations

from ctypes import byref, c_int32, c_int64, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from sarcodec.native.library import function

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers
    from sarcodec.native.tile import Model, Where


@cache
def _encode() -> Any:
    numbers = [c_int32] * 4
    return function(
        "tile_encode", c_int32, *[c_void_p] * 10, *numbers, c_void_p, c_int32, *[c_void_p] * 4, c_int64, *[c_void_p] * 2
    )


@dataclass(frozen=True, eq=False)
class Asked:
    """A tile to encode.

    latents_db float32 (rows, cols, 1024); steps_db and weights float32 (1024,), weights as native/search.c takes them; hyper int32,
    symbols of the hyper grid; where: its size is that of the latents; greedy: no search.
    """

    latents_db: Floats
    steps_db: Floats
    weights: Floats
    hyper: Integers
    where: Where
    greedy: bool


def encode(
    model: Model,
    tables: tuple[Integers, ...],
    asked: Asked,
    symbols: Integers,
    latents: Integers,
    lost: Floats | None,
    words: Integers,
) -> tuple[int, int, int]:
    """tables: cumulative, layout, near, zero, price. Fills symbols int32 (24 a hyper cell, 1024 a cell), latents int32 and lost float32 (1024 a
    cell), and words uint16 (6 a symbol and 8 more) from their end -> answer, the coder's last state, the first word."""
    first, state = c_int64(words.size), c_uint64(1)
    answer: int = _encode()(
        model.address,
        *_places(*tables, asked.latents_db, asked.steps_db, asked.weights, asked.hyper),
        asked.greedy,
        *asked.where.arguments(),
        *_places(symbols, latents, lost, words),
        words.size,
        byref(first),
        byref(state),
    )
    return answer, state.value, first.value


def _places(*arrays: Integers | Floats | None) -> list[int | None]:
    return [None if a is None else a.ctypes.data for a in arrays]

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
        "tile_encode",
        c_int32,
        *[c_void_p] * 10,
        *numbers,
        c_void_p,
        c_int32,
        c_void_p,
        c_int32,
        *[c_void_p] * 5,
        c_int64,
        *[c_void_p] * 2,
    )


@dataclass(frozen=True, eq=False)
class Asked:
    """A tile to encode.

    latents_db float32 (rows, cols, 1024); steps_db and weights float32 (1024,), weights as native/search.c takes them; hyper int32,
    symbols of the hyper grid; where: its size is that of the latents; greedy: no search; costs: int64 zeros (1024, 9), filled, or None: what symbols
    would take under other scales.
    """

    latents_db: Floats
    steps_db: Floats
    weights: Floats
    hyper: Integers
    where: Where
    greedy: bool
    costs: Integers | None = None


def encode(
    model: Model,
    tables: tuple[Integers, ...],
    asked: Asked,
    symbols: Integers,
    latents: Integers,
    lost: Floats | None,
    words: Integers,
) -> tuple[int, tuple[int, int], tuple[int, int]]:
    """tables: cumulative, layout, near, zero, price. Fills symbols int32 (24 a hyper cell, 1024 a cell), latents int32 and lost float32 (1024 a
    cell), and words uint16 (6 a symbol and 16 more) from their end -> answer, and of the two streams, base and rest, the coder's last state and the
    first word."""
    first, state = (c_int64 * 2)(words.size, words.size), (c_uint64 * 2)(1, 1)
    answer: int = _encode()(
        model.address,
        *_places(*tables, asked.latents_db, asked.steps_db, asked.weights, asked.hyper),
        asked.greedy,
        *asked.where.arguments(),
        *_places(asked.costs, symbols, latents, lost, words),
        words.size,
        byref(first),
        byref(state),
    )
    return answer, (state[0], state[1]), (first[0], first[1])


def _places(*arrays: Integers | Floats | None) -> list[int | None]:
    return [None if a is None else a.ctypes.data for a in arrays]

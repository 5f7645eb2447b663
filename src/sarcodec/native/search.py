"""The choice of symbols along the trellis (native/search.c). In: contiguous arrays of the types named; out: the same."""

from __future__ import annotations

from ctypes import byref, c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sarcodec.native.library import function

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers


@cache
def _search() -> Any:
    return function("search", c_int32, *[c_void_p] * 8, c_int64, c_int32, c_int32, *[c_void_p] * 3)


def search(
    tables: tuple[Integers, ...],
    residual: Floats,
    rows: Integers,
    weights: Floats,
    greedy: bool,
    state: int,
    many: bool = False,
) -> tuple[Integers, Integers, int]:
    """tables: near, zero, price, layout, centroids; residual, weights float32 (n,), rows uint8 (n,) -> symbols int32, quantisers uint8, the last state; many: of the trellis of 1,024 states."""
    n = residual.size
    symbols, quantisers, last = np.empty(n, np.int32), np.empty(n, np.uint8), c_int32(state)
    arrays = (a.ctypes.data for a in (*tables, residual, rows, weights))
    if _search()(*arrays, n, greedy, many, byref(last), symbols.ctypes.data, quantisers.ctypes.data):
        raise MemoryError(f"no memory for the search along {n} symbols")
    return symbols, quantisers, last.value

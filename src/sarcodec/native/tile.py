"""Tiles of a learned band: a model's weights and the walk over a tile (native/model.c, walk.c, reading.c). In: arrays, contiguous and of the types named; out: the same."""

from __future__ import annotations

from ctypes import POINTER, byref, c_int32, c_int64, c_void_p
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

from sarcodec.native.library import function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sarcodec.arrays import Floats, Integers


class Model:
    """A model's weights in the library's own order, freed with this object. Safe for threads."""

    def __init__(self, sizes: tuple[int, int, int, int], arrays: Sequence[Integers]) -> None:
        """sizes P, S, W and H of docs/format.md, 9.4; arrays in the order of native/model.c, weights int16. Raises ValueError, MemoryError."""


def decode(
    model: Model,
    stream: bytes,
    step: int,
    shape: tuple[int, int],
    reference: tuple[Integers, int] | None,
    symbols: Integers,
    latents: Integers,
    lost: Floats | None,
) -> int:
    """A whole tile: fills symbols int32 (n,), latents int32 and lost float32 (cells, 1024); gives SARC_OK or what it died of.

    shape: rows and columns in cells; reference: latents int32 (cells, 1024) of the band that this one leans on, and their step.
    """
    raise NotImplementedError


def known_answer(model: Model) -> int:
    """The checksum of docs/format.md, 10.4."""
    raise NotImplementedError

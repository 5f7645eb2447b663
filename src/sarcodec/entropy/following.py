"""The walk with symbols that are known before it begins: what a model is asked when it is loaded, and what tests compare.

In: a prior, hyper symbols and places in coded order; out: the tables and means that the walk named, and the latents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.prior import CHANNELS, Prior
from sarcodec.entropy.tiles import Place, check_answer
from sarcodec.entropy.walk import walk
from sarcodec.native import tile as native_tile
from sarcodec.native.tile import Found

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers


@dataclass(frozen=True, eq=False)
class Followed:
    """tables (hyper symbols and latents) and means (latents) int32 in coded order; latents and lost (cells, 1024) int32 and float32."""

    tables: Integers
    means: Integers
    latents: Integers
    lost: Floats


class _Following:
    """The twin's port."""

    def __init__(self, hyper: Integers, places: Integers) -> None:
        self.symbols, self.places, self.place = hyper, places, 0
        self.tables: list[Integers] = []
        self.means: list[Integers] = []

    def hyper(self, rows: Integers) -> Integers:
        self.tables.append(rows)
        return self.symbols

    def latents(self, rows: Integers, mean: Integers, cells: Integers, channels: slice) -> Integers:
        self.tables.append(rows.reshape(-1))
        self.means.append(mean.reshape(-1))
        self.place += rows.size
        return self.places[self.place - rows.size : self.place].reshape(rows.shape)


def follow(prior: Prior, hyper: Integers, places: Integers, place: Place) -> Followed:
    """Walks with hyper symbols (24 a hyper cell, at most 127 in size) and places on the grid of half steps (1024 a cell, at most 2^25), int32."""
    return (_by_twin if prior.native is None else _by_library)(prior, hyper, places, place)


def _by_library(prior: Prior, hyper: Integers, places: Integers, place: Place) -> Followed:
    tables, means, symbols = (
        np.empty(n, np.int32) for n in (place.hyper_count + place.count, place.count, place.hyper_count + place.count)
    )
    latents = np.empty((place.rows * place.cols, CHANNELS), np.int32)
    lost = np.empty(latents.shape, np.float32)
    given = np.ascontiguousarray(hyper, np.int32), np.ascontiguousarray(places, np.int32)
    found = Found(symbols, latents, lost)
    check_answer(native_tile.follow(prior.packed(), given, place.where(), (tables, means), found))
    return Followed(tables, means, latents, lost)


def _by_twin(prior: Prior, hyper: Integers, places: Integers, place: Place) -> Followed:
    port, lost = _Following(hyper, places), np.zeros((place.rows * place.cols, CHANNELS), np.float32)
    latents = walk(prior, place.step, place.rows, place.cols, port, place.reference, lost, shifts=place.shifts)
    lost *= np.square(prior.steps.steps_db(place.step))
    return Followed(
        np.concatenate(port.tables).astype(np.int32), np.concatenate(port.means).astype(np.int32), latents, lost
    )

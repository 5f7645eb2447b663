"""A scene's work between passes: what is large of it lies in a spool, in memory or in a file.

In: works of parts; out: the same works, however often they are asked for. The bytes come back as they were: a file does not depend on
how much memory there was. Knows no target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.encoding.measured import Encoded
from sarcodec.encoding.overview_fitting import ReducedOriginal
from sarcodec.encoding.scene import TileWork
from sarcodec.encoding.target_finding import Found
from sarcodec.encoding.tile_analysis import TileData
from sarcodec.format.sections import Payload
from sarcodec.storage.spool import Place, Spool

if TYPE_CHECKING:
    from sarcodec.arrays import Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """A `TileData` in a spool; latents and shape None where nothing is valid."""

    place: tuple[int, int]
    masks: tuple[Place, Place]
    power: Place
    power_shape: tuple[int, ...]
    latents: Place | None
    shape: tuple[int, ...] | None
    targets: Place | None = None

    def again(self, spool: Spool) -> TileData:
        mask, reduced_mask = (spool.get(place) for place in self.masks)
        reduced = ReducedOriginal(_floats(spool.get(self.power), self.power_shape), reduced_mask)
        if self.latents is None or self.shape is None:
            return TileData(self.place, mask, reduced, None)
        targets = None if self.targets is None else Found.unpack(spool.get(self.targets))
        return TileData(self.place, mask, reduced, _floats(spool.get(self.latents), self.shape), targets=targets)


def _floats(data: bytes, shape: tuple[int, ...]) -> Floats:
    return np.frombuffer(data, np.float32).reshape(shape)


Kept = tuple[_Plane | Place, ...]


def kept(work: TileWork, spool: Spool) -> Kept:
    """A work whose latents, masks and payloads are put into a spool. Raises SarcodecError where the disk refuses."""
    return tuple(_kept(plane, spool) for plane in work.planes)


def _kept(plane: TileData | Encoded, spool: Spool) -> _Plane | Place:
    if isinstance(plane, Encoded):
        return spool.add(
            plane.payload.rest
        )  # all that is kept of what no model codes; of bounded bands nothing was measured twice
    masks, power, latents = (spool.add(plane.mask), spool.add(plane.reduced.mask)), plane.reduced.power, plane.latents
    known = plane.place, masks, spool.add(power.data), power.shape
    if latents is None:
        return _Plane(*known, None, None)
    targets = None if plane.targets is None else spool.add(plane.targets.pack())
    return _Plane(*known, spool.add(latents.astype(np.float32, copy=False).data), latents.shape, targets)


class Analysed:
    """Works by number, in the order of the file. Safe for threads."""

    def __init__(self, spool: Spool, works: list[Kept]) -> None:
        self._spool, self._works = spool, works

    def __len__(self) -> int:
        return len(self._works)

    def __getitem__(self, number: int) -> TileWork:
        planes = (
            plane.again(self._spool) if isinstance(plane, _Plane) else Encoded(Payload(rest=self._spool.get(plane)))
            for plane in self._works[number]
        )
        return TileWork(tuple(planes))

"""A scene's work between passes: what is large of it lies in a spool, in memory or in a file.

In: works of parts; out: the same works, however often they are asked for. The bytes come back as they were: a file does not depend on
how much memory there was. Knows no target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarcodec.encoding.learned import TileData
from sarcodec.encoding.scene import TileWork
from sarcodec.storage.spool import Place, Spool


@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """A `TileData` in a spool; latents and shape None where nothing is valid."""

    place: tuple[int, int]
    mask: Place
    latents: Place | None
    shape: tuple[int, ...] | None

    def again(self, spool: Spool) -> TileData:
        mask = spool.get(self.mask)
        if self.latents is None or self.shape is None:
            return TileData(self.place, mask, None)
        return TileData(self.place, mask, np.frombuffer(spool.get(self.latents), np.float32).reshape(self.shape))


Kept = tuple[_Plane | Place, ...]


def kept(work: TileWork, spool: Spool) -> Kept:
    """A work whose latents, masks and payloads are put into a spool. Raises SarcodecError where the disk refuses."""
    return tuple(_kept(plane, spool) for plane in work.planes)


def _kept(plane: TileData | bytes, spool: Spool) -> _Plane | Place:
    if isinstance(plane, bytes):
        return spool.add(plane)
    mask, latents = spool.add(plane.mask), plane.latents
    if latents is None:
        return _Plane(plane.place, mask, None, None)
    return _Plane(plane.place, mask, spool.add(latents.astype(np.float32, copy=False).data), latents.shape)


class Analysed:
    """Works by number, in the order of the file. Safe for threads."""

    def __init__(self, spool: Spool, works: list[Kept]) -> None:
        self._spool, self._works = spool, works

    def __len__(self) -> int:
        return len(self._works)

    def __getitem__(self, number: int) -> TileWork:
        planes = (
            plane.again(self._spool) if isinstance(plane, _Plane) else self._spool.get(plane)
            for plane in self._works[number]
        )
        return TileWork(tuple(planes))

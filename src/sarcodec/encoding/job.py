"""One call of compress: what it aims at, its tools, and the scene's latents between passes.

In: an encoder, workers, a target; out: files at any step, spooled and not yet under their name. Knows no search.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec.decoding.tile import CELL_PX, TILE_LOG2
from sarcodec.decoding.workers import Workers
from sarcodec.encoding.learned import TileData
from sarcodec.encoding.scene import SceneEncoder, TileWork
from sarcodec.errors import InvalidArgument
from sarcodec.format.container import DIGEST_BYTES, Header
from sarcodec.format.writer import Writer
from sarcodec.quality.classes import class_of
from sarcodec.storage.output import require_space

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

DEFAULT_QUALITY = 60.0
_Tile = TypeVar("_Tile")
KEEP_IN_MEMORY = 512 << 20  # bytes of latents; more go to a file


@dataclass(frozen=True)
class Target:
    """What decides the step: kind 'quality', 'bpp', 'size' (bytes) or 'rmse_db' and its value, or 'class' and `quality_class`.

    Or, without a step, 'max_error_db' and 'lossless' (0)."""

    kind: str
    value: float = 0.0
    quality_class: str = ""


def chosen_target(given: dict[str, float | str | None]) -> Target:
    """The one target that was given (by kind, None: not given), or the default quality. Raises InvalidArgument."""
    named = {kind: value for kind, value in given.items() if value is not None}
    if len(named) > 1:
        raise InvalidArgument(f"{len(named)} targets were given ({', '.join(named)}), expected at most one")
    kind, value = next(iter(named.items()), ("quality", DEFAULT_QUALITY))
    if kind == "class":
        return Target(kind, quality_class=class_of(str(value)).name)
    if isinstance(value, (bool, np.bool_)) and kind != "lossless":
        raise InvalidArgument(f"target {kind} is {value}, expected a number")
    try:
        value = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgument(f"target {kind} is {value!r}, expected a number") from None
    if not math.isfinite(value) or (kind not in ("quality", "lossless") and value <= 0):
        raise InvalidArgument(f"target {kind} is {value}, expected a number above 0")
    return Target(kind, value)


class Analysed:
    """Every tile's work between passes: latents in memory, or in an unnamed file where they are many."""

    def __init__(self, encoder: SceneEncoder, pool: Workers, folder: Path | None, tick: Callable[[], None]) -> None:
        self._store: Floats
        cells = [math.prod(-(-n // CELL_PX) for n in encoder.grid.window(t).shape) for t in range(encoder.grid.count)]
        total = sum(cells) * CELL_PX**2 * len(encoder.learned_bands)
        if 4 * total > KEEP_IN_MEMORY:
            # A mapped file that meets a full disk kills the process.
            require_space(Path(folder or tempfile.gettempdir()), 4 * total, "the latents that are kept between passes")
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".sarcodec-")  # noqa: SIM115  # open as long as this object
            self._store = np.memmap(self._file, np.float32, "w+", shape=(total,))
        else:
            self._store = np.empty(total, np.float32)
        self._used = 0
        self.tiles: list[TileWork] = []
        for work in pool.map(encoder.analyse, range(encoder.grid.count)):
            self.tiles.append(TileWork(tuple(map(self._kept, work.planes))))
            tick()

    def _kept(self, plane: TileData | bytes) -> TileData | bytes:
        if isinstance(plane, bytes) or plane.latents is None:
            return plane
        begin, self._used = self._used, self._used + plane.latents.size
        place = self._store[begin : self._used].reshape(plane.latents.shape)
        place[...] = plane.latents
        return replace(plane, latents=place, original=None)  # read again where it is needed: it takes as much room


@dataclass(eq=False)
class Job:
    """One call of compress, its tools and what it has learnt."""

    encoder: SceneEncoder
    pool: Workers
    new_writer: Callable[[], Writer]
    folder: Path | None
    metadata: bytes
    remarks: bytes
    tick: Callable[[], None]

    def header(self, step: int) -> Header:
        """The head of the file at a step index, which has no meaning where no band is learned."""
        info, encoder = self.encoder.info, self.encoder
        model = encoder.learned.codec.model if encoder.learned_bands else None
        return Header(
            info.rows,
            info.cols,
            info.dtype,
            TILE_LOG2,
            model.id if model else "",
            model.digest[:DIGEST_BYTES] if model else b"",
            step if model else 0,
            encoder.fields,
            self.metadata,
            info.mask_planes,
            self.remarks,
        )

    def write_pass(self, tiles: list[TileWork], step: int) -> Writer:
        """All payloads at a step, spooled; nothing appears until `finish`."""
        return self._written(lambda tile: self.encoder.encode(tile, step), tiles, step)

    def stream(self, step: int) -> Writer:
        """Analysis and coding in one walk, for a step that is known."""
        return self._written(
            lambda tile: self.encoder.encode(self.encoder.analyse(tile), step), range(self.encoder.grid.count), step
        )

    def _written(self, work: Callable[[_Tile], list[bytes]], tiles: Iterable[_Tile], step: int) -> Writer:
        writer = self.new_writer()
        for payloads in self.pool.map(work, tiles):
            for payload in payloads:
                writer.append(payload, step)
            self.tick()
        return writer

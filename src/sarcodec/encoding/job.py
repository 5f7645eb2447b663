"""One call of compress: what it aims at, its tools, and the scene's latents between passes.

In: an encoder, workers, a target; out: files at any step, spooled and not yet under their name. Knows no search.
"""

import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sarcodec.format.container import DIGEST_BYTES, Header
from sarcodec.format.writer import FileWriter
from sarcodec.errors import InvalidArgument
from sarcodec.quality.classes import class_of
from sarcodec.storage.output import require_space
from sarcodec.decoding.tile import CELL_PX, TILE_LOG2

from sarcodec.encoding.scene import SceneEncoder, TileWork
from sarcodec.encoding.learned import TileData
from sarcodec.decoding.workers import Workers

DEFAULT_QUALITY = 60.0
KEEP_IN_MEMORY = 512 << 20  # bytes of latents; more go to a file


@dataclass(frozen=True)
class Target:
    """What decides the step: kind 'quality', 'bpp', 'size' (bytes) or 'rmse_db' and its value, or 'class' and its name.

    Or, without a step, 'max_error_db' and 'lossless' (0)."""

    kind: str
    value: float | str


def chosen_target(given: dict[str, float | str | None]) -> Target:
    """The one target that was given (by kind, None: not given), or the default quality. Raises InvalidArgument."""
    given = {k: v for k, v in given.items() if v is not None}
    if len(given) > 1:
        raise InvalidArgument(f"{len(given)} targets were given ({', '.join(given)}), expected at most one")
    kind, value = next(iter(given.items()), ("quality", DEFAULT_QUALITY))
    if kind == "class":
        return Target(kind, class_of(value).name)
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

    def __init__(self, encoder: SceneEncoder, pool: Workers, folder: Path, tick: Callable[[], None]):
        cells = [math.prod(-(-n // CELL_PX) for n in encoder.grid.window(t).shape) for t in range(encoder.grid.count)]
        total = sum(cells) * CELL_PX**2 * len(encoder.learned_bands)
        if 4 * total > KEEP_IN_MEMORY:
            # A mapped file that meets a full disk kills the process.
            require_space(Path(folder or tempfile.gettempdir()), 4 * total, "the latents that are kept between passes")
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".sarcodec-")
            self._store = np.memmap(self._file, np.float32, "w+", shape=(total,))
        else:
            self._store = np.empty(total, np.float32)
        self.tiles, self._used = [], 0
        for work in pool.map(encoder.analyse, range(encoder.grid.count)):
            self.tiles.append(TileWork(tuple(map(self._kept, work.planes))))
            tick()

    def _kept(self, plane: TileData | bytes) -> TileData | bytes:
        if isinstance(plane, bytes) or plane.latents is None:
            return plane
        begin, self._used = self._used, self._used + plane.latents.size
        place = self._store[begin : self._used].reshape(plane.latents.shape)
        place[...] = plane.latents
        return replace(plane, latents=place)


@dataclass(eq=False)
class Job:
    """One call of compress, its tools and what it has learnt."""

    encoder: SceneEncoder
    pool: Workers
    new_writer: Callable[[], FileWriter]
    folder: Path
    metadata: bytes
    remarks: bytes
    tick: Callable[[], None]

    def header(self, step: int) -> Header:
        """The head of the file at a step index, which has no meaning where no band is learned."""
        info, encoder = self.encoder.info, self.encoder
        model = ("", b"", 0)
        if encoder.learned_bands:
            model = (encoder.codec.model.id, encoder.codec.model.digest[:DIGEST_BYTES], step)
        return Header(
            info.rows,
            info.cols,
            info.dtype,
            TILE_LOG2,
            *model,
            encoder.fields,
            self.metadata,
            info.mask_planes,
            self.remarks,
        )

    def write_pass(self, tiles: list[TileWork], step: int) -> FileWriter:
        """All payloads at a step, spooled; nothing appears until `finish`."""
        return self._written(lambda tile: self.encoder.encode(tile, step), tiles, step)

    def stream(self, step: int) -> FileWriter:
        """Analysis and coding in one walk, for a step that is known."""
        work = lambda tile: self.encoder.encode(self.encoder.analyse(tile), step)
        return self._written(work, range(self.encoder.grid.count), step)

    def _written(self, work: Callable, tiles: Iterable, step: int) -> FileWriter:
        writer = self.new_writer()
        for payloads in self.pool.map(work, tiles):
            for payload in payloads:
                writer.append(payload, step)
            self.tick()
        return writer

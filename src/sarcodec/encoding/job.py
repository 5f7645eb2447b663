"""One call of compress: what it aims at and its tools.

In: an encoder, workers, a target; out: files at any step, spooled and not yet under their name. Knows no search.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from sarcodec.decoding.tile import CELL_PX, TILE_LOG2
from sarcodec.decoding.workers import Workers
from sarcodec.encoding.analysed import Analysed, kept
from sarcodec.encoding.scene import SceneEncoder
from sarcodec.errors import InvalidArgument
from sarcodec.format.container import DIGEST_BYTES, Header
from sarcodec.format.writer import Writer
from sarcodec.quality.classes import class_of
from sarcodec.storage.output import require_space
from sarcodec.storage.spool import Spool

DEFAULT_QUALITY = 60.0
LATENTS_IN_WORDS = "the latents that are kept between passes"
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Rooms:
    """Bytes of memory: latents that are kept between passes (the others go to a file), tiles that are decoded to try a file."""

    latents: int
    tiles: int


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


@dataclass(eq=False)
class Job:
    """One call of compress, its tools and what it has learnt. folder: where latents go that memory has no room for."""

    encoder: SceneEncoder
    pool: Workers
    new_writer: Callable[[], Writer]
    folder: Path | None
    memory: Rooms
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

    def analysed(self) -> Analysed:
        """The whole scene, analysed for several passes."""
        self.require_space()
        spool = Spool(self.memory.latents, self.folder, LATENTS_IN_WORDS)
        works = self.pool.map(lambda part: kept(self.encoder.analyse(part), spool), self.encoder.parts())
        return Analysed(spool, list(self._counted(works)))

    def require_space(self) -> None:
        """Raises SarcodecError where the disk has no room for the latents that memory has none for."""
        windows = (self.encoder.grid.window(tile) for tile in range(self.encoder.grid.count))
        cells = sum(math.prod(-(-n // CELL_PX) for n in window.shape) for window in windows)
        beyond = 4 * cells * CELL_PX**2 * len(self.encoder.learned_bands) - self.memory.latents
        if beyond > 0:
            require_space(Path(self.folder or tempfile.gettempdir()), beyond, LATENTS_IN_WORDS)

    def write_pass(self, scene: Analysed, step: int) -> Writer:
        """All payloads at a step, spooled; nothing appears until `finish`."""
        return self._written(lambda number: self.encoder.encode(scene[number], step), range(len(scene)), step)

    def stream(self, step: int) -> Writer:
        """Analysis and coding in one walk, for a step that is known."""
        return self._written(
            lambda part: self.encoder.encode(self.encoder.analyse(part), step), self.encoder.parts(), step
        )

    def _written(self, work: Callable[[_Item], list[bytes]], items: Iterable[_Item], step: int) -> Writer:
        writer = self.new_writer()
        for payloads in self._counted(self.pool.map(work, items)):
            for payload in payloads:
                writer.append(payload, step)
        return writer

    def _counted(self, results: Iterable[_Item]) -> Iterator[_Item]:
        for result in results:
            yield result
            self.tick()

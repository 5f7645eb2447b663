"""The verb estimate_archive: how large an archive will be and how long it will take, from one tile each of a few scenes. Writes nothing that stays.

Tiles are cut out into a temporary GeoTIFF, compressed and judged as the archive would; what was measured is scaled by pixels, and from the sample to all by
the bytes of the sources.
"""

from __future__ import annotations

import heapq
import os
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sarcodec.api import choices
from sarcodec.api.information import info
from sarcodec.archiving.crew import worker_count
from sarcodec.archiving.judge import judge
from sarcodec.archiving.judging import asked_of
from sarcodec.archiving.names import Listing, Scene, Shard
from sarcodec.archiving.places import Place, place_of
from sarcodec.archiving.report import EstimateReport
from sarcodec.archiving.sources import state_of
from sarcodec.archiving.tasks import Answer, Job, errors_said, make
from sarcodec.decoding.tile import TILE_PX
from sarcodec.format.scene import excerpt
from sarcodec.format.tiling import Window
from sarcodec.products.reading import open_original
from sarcodec.raster.geotiff import write_array
from sarcodec.storage.fetched import fetched

SAMPLE = 8


@dataclass(frozen=True)
class _Tried:
    """A sampled scene. source, output: bytes, the second as estimated for all of it; seconds: of one core."""

    source: int
    output: float
    seconds: float


@dataclass
class _Todo:
    """What is to be done: scenes without an output, their bytes, and a few of them."""

    scenes: int = 0
    bytes: int = 0
    there: int = 0


def estimate_archive(
    source: choices.Path,
    out: choices.Path | None = None,
    *,
    sample: int = SAMPLE,
    seed: int = 0,
    workers: int | None = None,
    shard: tuple[int, int] = (1, 1),
    **options: Any,
) -> EstimateReport:
    """Estimate bytes and hours of `archive` from one tile each of a few scenes.

    Args:
        source, workers, shard: as `archive` has them.
        out: outputs that are there are left out; None: nothing is there.
        sample: of how many scenes a tile is compressed.
        seed: of the draw of scenes and tiles.
        **options: keywords of `sarcodec.compress`, as `archive` has them.

    Raises InvalidArgument as `archive` does.
    """
    count, listing = worker_count(workers), Listing(source, Shard(*shard))
    asked_of(options)
    todo, draw = _Todo(), random.Random(seed)
    missing = _missing(listing, None if out is None else place_of(out), todo)
    drawn = heapq.nsmallest(sample, ((draw.random(), number, scene) for number, scene in enumerate(missing)))
    tried, refused = [], 0
    with tempfile.TemporaryDirectory(prefix="sarcodec-estimate-") as folder:
        for number, (_, _, scene) in enumerate(drawn):
            if number == 0:
                _try(scene, Path(folder), options, draw)  # what is loaded once is no part of a scene's time
            answer, found = _try(scene, Path(folder), options, draw)
            refused += bool(answer.code)
            tried += [] if found is None else [found]
    return _report(todo, tried, refused, count)


def _missing(listing: Listing, place: Place | None, todo: _Todo) -> Iterator[Scene]:
    for scene in listing:
        if place is not None and place.there(scene.output):
            todo.there += 1
            continue
        todo.scenes += 1
        found = scene.state or state_of(scene.source)
        if found is None:
            continue  # it will be told when it is compressed
        todo.bytes += found[0]
        yield scene


def _try(scene: Scene, folder: Path, options: dict[str, Any], draw: random.Random) -> tuple[Answer, _Tried | None]:
    """Compress and judge a tile of a scene."""
    cut, target = folder / "tile.tif", folder / "tile.sarc"
    target.unlink(missing_ok=True)
    with errors_said() as failure:
        share = _cut(scene.source, cut, draw)
    if failure.fields:
        return Answer(**failure.fields), None
    words = {**options, "threads": 1}
    if options.get("target_size") is not None:  # of a whole scene
        words["target_size"] = max(1, round(share * options["target_size"]))
    job, began = Job(os.fspath(cut), os.fspath(target), words), time.perf_counter()
    made = make(job)
    if made.code:
        return made, None
    judge(job, "")
    seconds, about = time.perf_counter() - began, info(target)
    once = about.description_bytes + about.overhead_bytes
    size = once + (about.bytes - once) / share
    return made, _Tried((scene.state or state_of(scene.source) or (0, 0))[0], size, seconds / share)


def _cut(source: str, target: Path, draw: random.Random) -> float:
    """Write one tile as a GeoTIFF; gives its share of the scene's pixels. Masks are left out: they take next to nothing."""
    with fetched(source) as copy, open_original(copy, as_is=True) as scene:
        rows, cols = (min(TILE_PX, size) for size in (scene.info.rows, scene.info.cols))
        place = [draw.randrange(-(-size // TILE_PX)) * TILE_PX for size in (scene.info.rows, scene.info.cols)]
        window = Window(min(place[0], scene.info.rows - rows), min(place[1], scene.info.cols - cols), rows, cols)
        pixels = np.stack([scene.read(band, window) for band in range(scene.info.count)])
        about = replace(excerpt(scene.info, window, range(scene.info.count)), mask=None)
        write_array(target, pixels, about, overwrite=True)
        return rows * cols / (scene.info.rows * scene.info.cols)


def _report(todo: _Todo, tried: list[_Tried], refused: int, workers: int) -> EstimateReport:
    """From the sample to all, by the bytes of the sources."""
    read = sum(one.source for one in tried)
    times = todo.bytes / read if read else 0.0
    hours = times * sum(one.seconds for one in tried) / 3600
    return EstimateReport(
        scenes=todo.scenes,
        there=todo.there,
        sampled=len(tried) + refused,
        refused=refused,
        bytes_in=todo.bytes,
        bytes_out=round(times * sum(one.output for one in tried)) if tried else None,
        core_hours=hours if tried else None,
        hours=hours / workers if tried else None,
        workers=workers,
    )

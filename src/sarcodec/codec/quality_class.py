"""The coarsest step whose decoded pixels belong to a quality class in every band. Judged as `evaluate` judges, on
what a file decodes to.

In: a job of `compression` that can write the scene at any step; out: the step and its file, not yet under its name.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.bitstream.steps import STEP_COUNT, quality_of_step
from sarcodec.errors import TargetNotReached
from sarcodec.fidelity.classes import QualityClass, Verdict, class_of, judge
from sarcodec.fidelity.metrics import CUT_PX, ErrorAccumulator
from sarcodec.raster.radiometry import normalise
from sarcodec.raster.tiling import Window
from sarcodec.tile import TILE_PX

from .decoder import SceneDecoder
from .encoder import SceneEncoder, TileData
from .targets import ERROR_SLOPE, Try, first_step_for_rmse, search
from .workers import Workers

if TYPE_CHECKING:
    from sarcodec.bitstream.files import FileWriter

    from .compression import _Job

MOST_TRIES = 14
FIRST_RMSE_DB = 3.5  # of a bound of 1 dB on multilooked error: where a search begins
NEARLY = 0.01  # of the bound: a step that leaves no more of it unused ends the search
_LEAST = 1e-6

assert TILE_PX % CUT_PX == 0  # so that tiles give the figures of the whole scene


def reach_class(job: "_Job", name: str, tiles: list[TileData]) -> tuple[int, "FileWriter", int]:
    """The coarsest step that passes, its file, and how many were written. TargetNotReached where none passes."""
    wanted, writers, verdicts = class_of(name), {}, {}

    def judged(step: int) -> tuple[bool, float]:
        writers[step] = job.write_pass(tiles, step)
        with writers[step].reader(job.header(step)) as file:
            verdicts[step] = judge_bands(job.encoder, SceneDecoder(file, job.pool.threads), job.pool, wanted)
        return all(v.passed for v in verdicts[step]), max(v.excess for v in verdicts[step])

    tries = coarsest(judged, first_step(wanted))
    best = max((t.step for t in tries if t.miss > 0), default=None)
    if best is None:
        raise TargetNotReached(_why_not(name, min(verdicts), verdicts[min(verdicts)]))
    return best, writers[best], len(tries)


def first_step(wanted: QualityClass) -> int:
    """Where the search begins: speckle that keeps most of its looks has about so much error."""
    return first_step_for_rmse(FIRST_RMSE_DB * wanted.multilook_db)


def coarsest(judged: Callable[[int], tuple[bool, float]], first: int) -> list[Try]:
    """Tries in order. `judged(step)`: whether it passes, and its excess (1 at the bound). The best try is the
    coarsest that passes.

    Where passing is monotone and `MOST_TRIES` suffice, no coarser step passes, or the best one leaves less than
    `NEARLY` unused.
    """

    def miss(step: int) -> float:
        passed, excess = judged(step)
        used = -math.log(min(max(excess, _LEAST), 1 / _LEAST))
        return max(used, _LEAST) if passed else min(used, -_LEAST)

    tries = search(miss, first, -2 * ERROR_SLOPE, lambda t: 0 < t.miss < NEARLY)
    while len(tries) < MOST_TRIES and not 0 < tries[-1].miss < NEARLY:
        passing = max((t.step for t in tries if t.miss > 0), default=-1)
        failing = min((t.step for t in tries if t.miss < 0 and t.step > passing), default=STEP_COUNT)
        if failing - passing <= 1:
            break
        step = (passing + failing) // 2
        tries.append(Try(step, miss(step)))
    return tries


def judge_bands(
    encoder: SceneEncoder, decoder: SceneDecoder, pool: Workers, wanted: QualityClass
) -> tuple[Verdict, ...]:
    """A verdict a band. Homogeneous windows are chosen in the next band of the original, if there is one."""
    info, places = encoder.info, encoder.places()
    errors = [ErrorAccumulator() for _ in range(info.count)]
    exact, any_valid = np.ones(info.count, bool), np.zeros(info.count, bool)

    def work(place):
        tile, band = place
        window = encoder.grid.window(tile)
        guide = _guide(encoder, window, band) if info.count > 1 else None
        return *_levels(encoder, decoder, place, window), guide

    for (_, band), (level, decoded, valid, same, guide) in zip(places, pool.map(work, places)):
        exact[band] &= same
        any_valid[band] |= bool(valid.any())
        errors[band].add(level, decoded, valid, guide)
    return tuple(
        judge(wanted, errors[band].summary() if any_valid[band] else None, bool(exact[band]))
        for band in range(info.count)
    )


def _levels(encoder: SceneEncoder, decoder: SceneDecoder, place: tuple[int, int], window: Window):
    """Level before and after, where both are valid, and whether the invalid pixels are the same bit for bit."""
    tile, band = place
    nodata = encoder.info.nodata[band]
    pixels, returned = encoder.reader.read(band, window), decoder.tile_pixels(tile, band)
    (level, valid), (decoded, still) = (normalise(p, encoder.domain, nodata) for p in (pixels, returned))
    bits = np.dtype(f"u{pixels.dtype.itemsize}")
    same = bool(still[valid].all() and (pixels.view(bits)[~valid] == returned.view(bits)[~valid]).all())
    return level, decoded, valid & still, same


def _guide(encoder: SceneEncoder, window: Window, band: int) -> np.ndarray:
    other = (band + 1) % encoder.info.count
    level, valid = normalise(encoder.reader.read(other, window), encoder.domain, encoder.info.nodata[other])
    return np.where(valid, level, np.float32(np.nan))


def _why_not(name: str, step: int, verdicts: tuple[Verdict, ...]) -> str:
    """What to say when not even the finest step that was tried passes."""
    failed = [
        f"band {band}: {c.name} {'changed' if c.value is None else format(c.value, '.4g')}, expected {c.bound}"
        for band, verdict in enumerate(verdicts, start=1)
        for c in verdict.checks
        if not c.passed
    ]
    return (
        f"no file of this scene is of the class {name}: found at quality {quality_of_step(step):.4g} "
        f"{'; '.join(failed)}. "
        "Choose a class that asks for less, or a quality"
    )

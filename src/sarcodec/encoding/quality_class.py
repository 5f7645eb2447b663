"""The coarsest step whose decoded pixels belong to a quality class in every band. Judged as `evaluate` judges, on
what a file decodes to.

In: a job of `compression` that can write the scene at any step; out: the step and its file, not yet under its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.scene import SceneDecoder
from sarcodec.decoding.tile import TILE_PX
from sarcodec.decoding.workers import Workers
from sarcodec.encoding.analysed import Analysed
from sarcodec.encoding.job import Job
from sarcodec.encoding.scene import SceneEncoder
from sarcodec.encoding.targets import ERROR_SLOPE, Try, first_step_for_rmse, search
from sarcodec.entropy.step_index import STEP_COUNT, quality_of_step
from sarcodec.errors import TargetNotReached
from sarcodec.format.tiling import Window
from sarcodec.format.writer import Writer
from sarcodec.quality.classes import QualityClass, Verdict, class_of, judge
from sarcodec.quality.metrics import CUT_PX, ErrorAccumulator
from sarcodec.signal.radiometry import normalise

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

MOST_TRIES = 40
SCATTER = (
    2.5  # of the error of 8 x 8 blocks from step to step, as a share: at most about this by the root of their number
)
FIRST_RMSE_DB = 3.5  # of a bound of 1 dB on multilooked error: where a search begins
NEARLY = 0.01  # of the bound: a step that leaves no more of it unused ends the search
_LEAST = 1e-6

assert TILE_PX % CUT_PX == 0  # so that tiles give the figures of the whole scene


def reach_class(job: Job, name: str, tiles: Analysed) -> tuple[int, Writer, int]:
    """The coarsest step that passes, its file, and how many were written. TargetNotReached where none passes."""
    wanted = class_of(name)
    writers: dict[int, Writer] = {}
    verdicts: dict[int, dict[int, Verdict]] = {}

    def judged(step: int) -> tuple[bool, float]:
        writers[step] = job.write_pass(tiles, step)
        with writers[step].reader(job.header(step)) as file:
            verdicts[step] = judge_bands(job.encoder, SceneDecoder(file, job.memory.tiles), job.pool, wanted)
        return all(v.passed for v in verdicts[step].values()), max(map(_smooth, verdicts[step].values()))

    blocks = job.encoder.info.rows * job.encoder.info.cols / 64
    tries = coarsest(judged, first_step(wanted), SCATTER / math.sqrt(max(blocks, 1)))
    best = max((step for step, passed in tries.items() if passed), default=None)
    if best is None:
        raise TargetNotReached(_why_not(name, min(verdicts), verdicts[min(verdicts)]))
    return best, writers[best], len(tries)


def _smooth(verdict: Verdict) -> float:
    """Excess of the figure that grows with the step, the error of 8 x 8 blocks, and of the mask; of bias where there is no block."""
    excess = {c.name: c.excess for c in verdict.checks if c.value is not None or c.name == "mask"}
    return max(excess["mask"], excess.get("8 x 8 error dB", excess.get("bias dB", 0.0)))


def first_step(wanted: QualityClass) -> int:
    """Where the search begins: speckle that keeps most of its looks has about so much error."""
    return first_step_for_rmse(FIRST_RMSE_DB * wanted.multilook_db)


def coarsest(judged: Callable[[int], tuple[bool, float]], first: int, scatter: float = 0.05) -> dict[int, bool]:
    """Steps in the order in which they were tried, and whether they passed; the coarsest that did is the answer.

    `judged(step)`: whether it passes, and how much of their bounds (1: all) the figures that grow with the step use.
    Those are met first. But bias, and the ENL ratio as a median of some hundred windows, scatter from step to step, and
    the smooth figures do too, by a share of up to `scatter`; so a step may pass between others that fail. From the edge
    of the smooth figures the search goes finer, faster and faster, until a step passes, then back half the way, and at
    last over every step that was left out, from the coarsest that passed to where smooth figures are beyond their bounds
    by more than they scatter, as far as MOST_TRIES reach.
    """
    passed: dict[int, bool] = {}
    uses: dict[int, float] = {}

    def miss(step: int) -> float:
        passed[step], used = judged(step)
        uses[step] = used
        left = -math.log(min(max(used, _LEAST), 1 / _LEAST))
        return left or -_LEAST

    edge = _edge(miss, first)
    if edge >= 0:
        _go_finer(miss, passed, edge)
        _fill(miss, passed, uses, 1 + scatter)
    return passed


def _edge(miss: Callable[[int], float], first: int) -> int:
    """The coarsest step at which the smooth figures keep to their bounds, or nearly; -1 if none does."""
    tries = search(miss, first, -2 * ERROR_SLOPE, lambda t: 0 < t.miss < NEARLY)
    while not 0 < tries[-1].miss < NEARLY:
        inside = max((t.step for t in tries if t.miss > 0), default=-1)
        outside = min((t.step for t in tries if t.miss < 0 and t.step > inside), default=STEP_COUNT)
        if outside - inside <= 1:
            break
        step = (inside + outside) // 2
        tries.append(Try(step, miss(step)))
    return max((t.step for t in tries if t.miss > 0), default=-1)


def _go_finer(miss: Callable[[int], float], passed: dict[int, bool], edge: int) -> None:
    """From the edge, with growing strides, to the first step that passes; then half the way back, and so on."""
    stride, step = 1, edge
    while not passed[step] and step > 0 and len(passed) < MOST_TRIES:
        step = max(step - stride, 0)
        stride = stride + 1 if stride < 6 else 2 * stride
        if step not in passed:
            miss(step)
    if passed[step] and step < edge:
        _halve(miss, passed, step)


def _halve(miss: Callable[[int], float], passed: dict[int, bool], step: int) -> None:
    """Look for a coarser step that passes between `step` and the next one that was tried."""
    coarser = min(other for other in passed if other > step)
    while coarser - step > 1 and len(passed) < MOST_TRIES:
        middle = (step + coarser) // 2
        miss(middle)
        step, coarser = (middle, coarser) if passed[middle] else (step, middle)


def _fill(miss: Callable[[int], float], passed: dict[int, bool], uses: dict[int, float], enough: float) -> None:
    """Try every step from the coarsest that passed to the first that uses `enough` of the bounds: the nearest is the likeliest."""
    step = max((step for step in passed if passed[step]), default=STEP_COUNT - 1)
    while step < STEP_COUNT - 1 and len(passed) < MOST_TRIES:
        step += 1
        if step not in passed:
            miss(step)
        if uses[step] > enough:
            break


@dataclass(frozen=True, eq=False)
class _Compared:
    """A tile of a band: level before and after, where both are valid, whether the invalid pixels are the same bit for bit, and the
    level of the band that chooses windows, if there is one."""

    level: Floats
    decoded: Floats
    valid: Bools
    same: bool
    guide: Floats | None


def judge_bands(
    encoder: SceneEncoder, decoder: SceneDecoder, pool: Workers, wanted: QualityClass
) -> dict[int, Verdict]:
    """A verdict on each learned band (from 0). Homogeneous windows are chosen in the next one of the original, if there is one."""
    bands = encoder.learned_bands
    places = [(tile, bands[n]) for tile, n in decoder.walk(encoder.grid.whole, bands, pool.threads)]
    errors = {band: ErrorAccumulator() for band in bands}
    exact, any_valid = dict.fromkeys(bands, True), dict.fromkeys(bands, False)

    def work(place: tuple[int, int]) -> _Compared:
        tile, band = place
        window = encoder.grid.window(tile)
        return _compared(encoder, decoder, place, window, _guide(encoder, window, band))

    for (_, band), tile in zip(places, pool.map(work, places), strict=True):
        exact[band] &= tile.same
        any_valid[band] |= bool(tile.valid.any())
        errors[band].add(tile.level, tile.decoded, tile.valid, tile.guide)
    return {band: judge(wanted, errors[band].summary() if any_valid[band] else None, exact[band]) for band in bands}


def _compared(
    encoder: SceneEncoder, decoder: SceneDecoder, place: tuple[int, int], window: Window, guide: Floats | None
) -> _Compared:
    tile, band = place
    pixels, returned = encoder.reader.read(band, window), decoder.tile_pixels(tile, band)
    level, valid = encoder.learned.analysis.levels(band, window, pixels)
    decoded, still = normalise(returned, encoder.learned.learned[band].measure)
    bits = np.dtype(f"u{pixels.dtype.itemsize}")
    same = bool(still[valid].all() and (pixels.view(bits)[~valid] == returned.view(bits)[~valid]).all())
    return _Compared(level, decoded, valid & still, same, guide)


def _guide(encoder: SceneEncoder, window: Window, band: int) -> Floats | None:
    other = encoder.learned.analysis.guides[band]
    if other is None:
        return None
    level, valid = encoder.learned.analysis.levels(other, window)
    return np.where(valid, level, np.float32(np.nan))


def _why_not(name: str, step: int, verdicts: dict[int, Verdict]) -> str:
    """What to say when not even the finest step that was tried passes."""
    failed = [
        f"band {band + 1}: {c.name} {'changed' if c.value is None else format(c.value, '.4g')}, expected {c.bound}"
        for band, verdict in verdicts.items()
        for c in verdict.checks
        if not c.passed
    ]
    return (
        f"no file of this scene is of the class {name}: found at quality {quality_of_step(step):.4g} "
        f"{'; '.join(failed)}. "
        "Choose a class that asks for less, or a quality (--class, --quality)"
    )

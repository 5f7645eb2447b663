"""From a target to the step that meets it: rate, size, error or class, each by trying files.

In: a job that can write the scene at any step, and what it aims at; out: the step and its file, not yet under its name.
"""

import math
from collections.abc import Callable

import numpy as np

from sarcodec.decoding.reconstruction import LEAST_ERROR
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.encoding.analysed import Analysed
from sarcodec.encoding.job import Job, Target
from sarcodec.encoding.quality_class import reach_class
from sarcodec.encoding.targets import ERROR_SLOPE, RATE_SLOPE, Try, first_step_for_rmse, search, typical_step
from sarcodec.entropy.step_index import STEP_COUNT, step_of_quality
from sarcodec.errors import TargetNotReached
from sarcodec.format.writer import Writer
from sarcodec.signal.radiometry import normalise

RATE_TOLERANCE = 0.005  # ends the search early
RATE_PROMISE = 0.02  # for files of more than SMALL_FILE bytes, whose heads do not count
SMALL_FILE = 4096
SIZE_MARGIN = 0.004  # aimed below a size that must not be exceeded


def reach(job: Job, aim: Target) -> tuple[int, Writer, int, float | None]:
    """The step that meets a target, its file, how many were written, and the RMSE in dB where that was the target.

    Raises TargetNotReached.
    """
    if not job.encoder.learned_bands:
        return _without_step(job, aim)
    if aim.kind == "quality":
        step = step_of_quality(aim.value)
        return step, job.stream(step), 1, None
    tiles = job.analysed()
    if aim.kind == "class":
        return *reach_class(job, aim.quality_class, tiles), None
    return _reach_rmse(job, aim.value, tiles) if aim.kind == "rmse_db" else _reach_size(job, aim, tiles)


def _without_step(job: Job, aim: Target) -> tuple[int, Writer, int, float | None]:
    """Where no band is learned there is one file, which reaches a target or does not."""
    writer = job.stream(0)
    samples = job.encoder.info.rows * job.encoder.info.cols * job.encoder.info.count
    wanted = {"size": aim.value, "bpp": aim.value * samples / 8}.get(aim.kind)
    size = writer.size(job.header(0))
    if wanted is not None and size > max(wanted, SMALL_FILE if aim.kind == "bpp" else 0):
        raise TargetNotReached(
            f"every pixel of this scene is kept, which takes {size} bytes, {int(wanted)} were allowed; leave the target out (--target-size, --target-bpp)"
        )
    return 0, writer, 1, 0.0 if aim.kind == "rmse_db" else None


def _reach_size(job: Job, aim: Target, tiles: Analysed) -> tuple[int, Writer, int, None]:
    samples = job.encoder.info.rows * job.encoder.info.cols * job.encoder.info.count
    wanted = aim.value if aim.kind == "size" else aim.value * samples / 8
    aimed = wanted * (1 - SIZE_MARGIN) if aim.kind == "size" else wanted
    sizes: dict[int, int] = {}
    writers: dict[int, Writer] = {}
    place = typical_step(8 * aimed / samples)

    def measure(step: int) -> float:
        """How many steps too fine this is, if the scene's curve is the typical one moved along the steps."""
        writers[step] = job.write_pass(tiles, step)
        sizes[step] = writers[step].size(job.header(step))
        return place - typical_step(8 * sizes[step] / samples)

    def off(t: Try) -> float:
        return abs(math.log(sizes[t.step] / aimed))

    limited = aim.kind == "size"
    tries = search(
        measure, place, RATE_SLOPE, lambda t: off(t) < (SIZE_MARGIN if limited else RATE_TOLERANCE), lean=limited
    )
    if aim.kind == "bpp":
        best = min(tries, key=off).step
        promised = max(wanted, sizes[best]) > SMALL_FILE and off(Try(best, 0)) > RATE_PROMISE
        if best in (0, STEP_COUNT - 1) and promised:
            raise TargetNotReached(
                f"this scene takes {8 * sizes[best] / samples:.4f} bits a pixel with the "
                f"{'coarsest' if best else 'finest'} step, {aim.value} were asked for; ask for "
                f"{'more' if best else 'less'} (--target-bpp){'' if best else ', or for every bit (--lossless)'}"
            )
    else:
        best = _largest_that_fits(measure, tries, sizes, wanted)
    return best, writers[best], len(tries), None


def _largest_that_fits(measure: Callable[[int], float], tries: list[Try], sizes: dict[int, int], wanted: float) -> int:
    """The step of the largest file of at most `wanted` bytes; where no try has given one, coarser steps are tried and added."""
    fitting = [t for t in tries if sizes[t.step] <= wanted]
    while not fitting and tries[-1].step < STEP_COUNT - 1:  # a curve that is not smooth: give way until it fits
        coarser = min(STEP_COUNT - 1, max(t.step for t in tries) + 24)
        tries.append(Try(coarser, measure(coarser)))
        fitting = [t for t in tries if sizes[t.step] <= wanted]
    if not fitting:
        raise TargetNotReached(
            f"the smallest file of this scene takes {min(sizes.values())} bytes, {int(wanted)} were allowed; "
            "allow more (--target-size)"
        )
    return max(fitting, key=lambda t: sizes[t.step]).step


def _reach_rmse(job: Job, wanted: float, tiles: Analysed) -> tuple[int, Writer, int, float]:
    writers: dict[int, Writer] = {}
    errors: dict[int, float] = {}

    def measure(step: int) -> float:
        writers[step] = job.write_pass(tiles, step)
        errors[step] = _rmse_db(job, writers[step], step)
        return math.log(wanted / max(errors[step], 1e-9))

    tries = search(measure, first_step_for_rmse(wanted), -ERROR_SLOPE, lambda t: 0 <= t.miss < 0.01)
    within = [t for t in tries if errors[t.step] <= wanted * 1.005]
    if not within and min(errors.values()) > 1.02 * wanted:
        raise TargetNotReached(
            f"the least error reached on this scene is {min(errors.values()):.4f} dB RMSE, {wanted} was asked for; ask for "
            "more (--target-rmse-db), or for a bound or every bit (--max-error-db, --lossless)"
        )
    best = max(within, key=lambda t: t.step) if within else min(tries, key=lambda t: errors[t.step])
    return best.step, writers[best.step], len(tries), errors[best.step]


def _rmse_db(job: Job, writer: Writer, step: int) -> float:
    """Error in dB of what the file decodes to, over all valid pixels of learned bands, rounding to the dtype included."""
    encoder = job.encoder
    with writer.reader(job.header(step)) as file:
        decoder, bands = SceneDecoder(file, job.memory.tiles, LEAST_ERROR), encoder.learned_bands

        def squares(place: tuple[int, int]) -> tuple[float, int]:
            tile, band = place[0], bands[place[1]]
            level, valid = encoder.learned.analysis.levels(band, encoder.grid.window(tile))
            decoded, _ = normalise(decoder.tile_pixels(tile, band), encoder.learned.learned[band].measure)
            return float(np.square(decoded - level, dtype=np.float64)[valid].sum()), int(valid.sum())

        places = decoder.walk(encoder.grid.whole, bands, job.pool.threads)
        total = [sum(x) for x in zip(*job.pool.map(squares, places))]
    return math.sqrt(total[0] / max(total[1], 1))

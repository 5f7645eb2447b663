"""The verb compress: a raster and at most one target in, a whole file and a report out."""

import math
import os
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sarcodec import published
from sarcodec.bitstream.container import DIGEST_BYTES, Header
from sarcodec.bitstream.files import FileWriter
from sarcodec.bitstream.steps import STEP_COUNT, quality_of_step, step_db, step_of_quality
from sarcodec.engine import Engine
from sarcodec.errors import InvalidArgument, TargetNotReached
from sarcodec.fidelity.classes import class_of
from sarcodec.raster.geotiff import open_scene
from sarcodec.raster.radiometry import normalise
from sarcodec.raster.scene import pack_scene
from sarcodec.tile import CELL_PX, DEFAULT_EFFORT, EFFORTS, TILE_LOG2, TileCodec

from .bounded import BoundedEncoder, bound_of
from .decoder import SceneDecoder
from .encoder import SceneEncoder, TileData
from .quality_class import reach_class
from .targets import ERROR_SLOPE, MOST_PASSES, RATE_SLOPE, Try, first_step_for_rmse, search, typical_step
from .texture import LEAST_ERROR
from .workers import Workers, workers

DEFAULT_QUALITY = 60.0
RATE_TOLERANCE = 0.005  # ends the search early
RATE_PROMISE = 0.02  # for files of more than SMALL_FILE bytes, whose heads do not count
SMALL_FILE = 4096
SIZE_MARGIN = 0.004  # aimed below a size that must not be exceeded
KEEP_IN_MEMORY = 512 << 20  # bytes of latents; more go to a file

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CompressReport:
    """What was written. bits_per_pixel counts every band's pixels; rmse_db only where it was aimed at.

    mode: 'learned', 'bounded' or 'lossless'; quality, step and model only in the first, max_error_db in the others.
    """

    path: str
    bytes: int
    pixels: int
    bands: int
    bits_per_pixel: float
    quality: float | None
    step: int | None
    step_db: float | None
    domain: str
    model: str | None
    passes: int
    rmse_db: float | None
    seconds: float
    mode: str = "learned"
    max_error_db: float | None = None
    quality_class: str | None = None


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
    if not math.isfinite(value) or (kind not in ("quality", "lossless") and value <= 0):
        raise InvalidArgument(f"target {kind} is {value}, expected a number above 0")
    return Target(kind, float(value))


class _Analysed:
    """Every tile's data between passes: latents in memory, or in an unnamed file where they are many."""

    def __init__(self, encoder: SceneEncoder, pool: Workers, folder: Path, tick: Callable[[], None]):
        cells = [math.prod(-(-n // CELL_PX) for n in encoder.grid.window(t).shape) for t in range(encoder.grid.count)]
        total = sum(cells) * CELL_PX**2 * encoder.info.count
        if 4 * total > KEEP_IN_MEMORY:
            self._file = tempfile.TemporaryFile(dir=folder, prefix=".sarcodec-")
            self._store = np.memmap(self._file, np.float32, "w+", shape=(total,))
        else:
            self._store = np.empty(total, np.float32)
        self.tiles, begin = [], 0
        for bands, count in zip(pool.map(encoder.analyse, range(encoder.grid.count)), cells):
            size = count * CELL_PX**2
            self.tiles.append([self._kept(data, begin + b * size) for b, data in enumerate(bands)])
            begin += size * len(bands)
            tick()

    def _kept(self, data: TileData, begin: int) -> TileData:
        if data.latents is None:
            return data
        place = self._store[begin : begin + data.latents.size].reshape(data.latents.shape)
        place[...] = data.latents
        return replace(data, latents=place)


@dataclass(eq=False)
class _Job:
    """One call of compress, its tools and what it has learnt."""

    encoder: SceneEncoder
    pool: Workers
    target: Path
    overwrite: bool
    stack: ExitStack
    metadata: bytes
    tick: Callable[[], None]

    def header(self, step: int) -> Header:
        info, model = self.encoder.info, self.encoder.codec.model
        return Header(
            info.rows,
            info.cols,
            info.dtype,
            self.encoder.domain,
            TILE_LOG2,
            model.id,
            model.digest[:DIGEST_BYTES],
            step,
            self.encoder.bands,
            self.metadata,
        )

    def write_pass(self, tiles: list[list[TileData]], step: int) -> FileWriter:
        """All payloads at a step, spooled; nothing appears until `finish`."""
        return self._written(lambda tile: self.encoder.encode(tile, step), tiles, step)

    def stream(self, step: int) -> FileWriter:
        """Analysis and coding in one walk, for a step that is known."""
        work = lambda tile: self.encoder.encode(self.encoder.analyse(tile), step)
        return self._written(work, range(self.encoder.grid.count), step)

    def _written(self, work: Callable, tiles: Iterable, step: int) -> FileWriter:
        writer = self.stack.enter_context(FileWriter(self.target, self.overwrite))
        for payloads in self.pool.map(work, tiles):
            for payload in payloads:
                writer.append(payload, step)
            self.tick()
        return writer


def compress(
    source,
    target,
    *,
    quality=None,
    target_bpp=None,
    target_size=None,
    target_rmse_db=None,
    quality_class=None,
    max_error_db=None,
    lossless=False,
    domain="auto",
    effort=DEFAULT_EFFORT,
    together=True,
    model=None,
    threads=None,
    overwrite=False,
    progress: Progress | None = None,
) -> CompressReport:
    """Compress a GeoTIFF to a sarcodec file; at most one of quality (0..100), the targets and the class.

    target_bpp: bits a pixel and band of the whole file; target_size: bytes, never exceeded; target_rmse_db: error over all
    valid pixels; quality_class: the smallest file whose bands are all of that class of `fidelity.classes`; max_error_db: no valid
    pixel is off by more, lossless: all pixels bit for bit, both without a model and with the extra `bounded`. effort: 0 (fastest) to
    9; it costs time here and none in decoding. together: every second band is coded knowing the one before it, and cannot be
    decoded without it. Raises the errors of `sarcodec.errors`; on any of them nothing appears under `target`.
    """
    began = time.perf_counter()
    aim = chosen_target(
        {
            "quality": quality,
            "bpp": target_bpp,
            "size": target_size,
            "rmse_db": target_rmse_db,
            "class": quality_class,
            "max_error_db": max_error_db,
            "lossless": 0 if lossless else None,
        }
    )
    if aim.kind in ("max_error_db", "lossless"):
        if model is not None:
            raise InvalidArgument(f"model {model!r} with {aim.kind}: such files are made without a model, leave it out")
        return _compress_bounded(source, Path(target), aim, domain, threads, overwrite, progress)
    if aim.kind == "quality":
        step_of_quality(aim.value)
    if effort not in EFFORTS:
        raise InvalidArgument(f"effort is {effort}, expected a whole number from {EFFORTS[0]} to {EFFORTS[-1]}")
    with workers(threads) as pool, open_scene(source) as reader, ExitStack() as stack:
        codec = TileCodec(published.load(model), Engine(threads=pool.threads), effort)
        encoder = SceneEncoder(reader, domain, codec, together)
        count = encoder.grid.count
        job = _Job(
            encoder, pool, Path(target), overwrite, stack, pack_scene(reader.info), _ticker(progress, aim, count)
        )
        stack.enter_context(
            FileWriter(job.target, overwrite)
        )  # refuses an output that may not be written before any work
        step, writer, passes, rmse = _reach(job, aim)
        size = writer.finish(job.header(step))
        if progress:
            progress(1, 1)
    info = encoder.info
    pixels = info.rows * info.cols
    return CompressReport(
        os.fspath(target),
        size,
        pixels,
        info.count,
        8 * size / (pixels * info.count),
        quality_of_step(step),
        step,
        step_db(step),
        encoder.domain,
        codec.model.id,
        passes,
        rmse,
        time.perf_counter() - began,
        quality_class=aim.value if aim.kind == "class" else None,
    )


def _compress_bounded(source, target: Path, aim: Target, domain, threads, overwrite, progress) -> CompressReport:
    """One walk over the tiles, each of which is decoded again and compared before it is written."""
    began, bound = time.perf_counter(), bound_of(aim.value) if aim.kind == "max_error_db" else 0
    with workers(threads) as pool, open_scene(source) as reader, FileWriter(target, overwrite) as writer:
        encoder = BoundedEncoder(reader, domain, bound)
        places, header, info = encoder.places(), encoder.header(), encoder.info
        for done, payload in enumerate(pool.map(encoder.encode, places)):
            writer.append(payload, 0)
            if progress:
                progress(done + 1, len(places))
        size = writer.finish(header)
    pixels, mode = info.rows * info.cols, "bounded" if header.bound else "lossless"
    rate, seconds = 8 * size / (pixels * info.count), time.perf_counter() - began
    return CompressReport(
        os.fspath(target), size, pixels, info.count, rate, None, None, None, header.domain, None, 1, None, seconds,
        mode, header.max_error_db,
    )  # fmt: skip


def _ticker(progress: Progress | None, aim: Target, count: int) -> Callable[[], None]:
    """Counts tiles; with a target the number of passes is not known beforehand, so the share ends early."""
    total, done = count * (1 if aim.kind == "quality" else 1 + MOST_PASSES), [0]

    def tick():
        done[0] += 1
        if progress:
            progress(min(done[0], total), total)

    return tick


def _reach(job: _Job, aim: Target) -> tuple[int, FileWriter, int, float | None]:
    if aim.kind == "quality":
        step = step_of_quality(aim.value)
        return step, job.stream(step), 1, None
    tiles = _Analysed(job.encoder, job.pool, job.target.parent, job.tick).tiles
    if aim.kind == "class":
        return *reach_class(job, aim.value, tiles), None
    return _reach_rmse(job, aim.value, tiles) if aim.kind == "rmse_db" else _reach_size(job, aim, tiles)


def _reach_size(job: _Job, aim: Target, tiles: list[list[TileData]]) -> tuple[int, FileWriter, int, None]:
    samples = job.encoder.info.rows * job.encoder.info.cols * job.encoder.info.count
    wanted = aim.value if aim.kind == "size" else aim.value * samples / 8
    aimed = wanted * (1 - SIZE_MARGIN) if aim.kind == "size" else wanted
    sizes, writers = {}, {}
    place = typical_step(8 * aimed / samples)

    def measure(step: int) -> float:
        """How many steps too fine this is, if the scene's curve is the typical one moved along the steps."""
        writers[step] = job.write_pass(tiles, step)
        sizes[step] = writers[step].size(job.header(step))
        return place - typical_step(8 * sizes[step] / samples)

    off = lambda t: abs(math.log(sizes[t.step] / aimed))
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
                f"{'coarsest' if best else 'finest'} step, {aim.value} were asked for"
            )
        return best, writers[best], len(tries), None
    fitting = [t for t in tries if sizes[t.step] <= wanted]
    while not fitting and tries[-1].step < 639:  # a curve that is not smooth: give way until it fits
        coarser = min(639, max(t.step for t in tries) + 24)
        tries.append(Try(coarser, measure(coarser)))
        fitting = [t for t in tries if sizes[t.step] <= wanted]
    if not fitting:
        raise TargetNotReached(
            f"the smallest file of this scene takes {min(sizes.values())} bytes, {int(wanted)} were allowed"
        )
    best = max(fitting, key=lambda t: sizes[t.step]).step
    return best, writers[best], len(tries), None


def _reach_rmse(job: _Job, wanted: float, tiles: list[list[TileData]]) -> tuple[int, FileWriter, int, float]:
    writers, errors = {}, {}

    def measure(step: int) -> float:
        writers[step] = job.write_pass(tiles, step)
        errors[step] = _rmse_db(job, writers[step], step)
        return math.log(wanted / max(errors[step], 1e-9))

    tries = search(measure, first_step_for_rmse(wanted), -ERROR_SLOPE, lambda t: 0 <= t.miss < 0.01)
    within = [t for t in tries if errors[t.step] <= wanted * 1.005]
    if not within and min(errors.values()) > 1.02 * wanted:
        raise TargetNotReached(
            f"the least error reached on this scene is {min(errors.values()):.4f} dB RMSE, {wanted} was asked for"
        )
    best = max(within, key=lambda t: t.step) if within else min(tries, key=lambda t: errors[t.step])
    return best.step, writers[best.step], len(tries), errors[best.step]


def _rmse_db(job: _Job, writer: FileWriter, step: int) -> float:
    """Error in dB of what the file decodes to, over all valid pixels, rounding to the dtype included."""
    encoder, info = job.encoder, job.encoder.info
    with writer.reader(job.header(step)) as file:
        decoder = SceneDecoder(file, job.pool.threads, LEAST_ERROR)

        def squares(place):
            tile, band = place
            window, nodata = encoder.grid.window(tile), info.nodata[band]
            level, valid = normalise(encoder.reader.read(band, window), encoder.domain, nodata)
            decoded, _ = normalise(decoder.tile_pixels(tile, band), encoder.domain, nodata)
            return float(np.square(decoded - level, dtype=np.float64)[valid].sum()), int(valid.sum())

        total = [sum(x) for x in zip(*job.pool.map(squares, encoder.places()))]
    return math.sqrt(total[0] / max(total[1], 1))

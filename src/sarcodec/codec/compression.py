"""The verb compress: a raster and at most one target in, a whole file and a report out."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sarcodec import published
from sarcodec.bitstream.writer import FileWriter
from sarcodec.bitstream.steps import quality_of_step, step_db, step_of_quality
from sarcodec.engine import Engine
from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import open_scene
from sarcodec.raster.scene import pack_scene
from sarcodec.tile import DEFAULT_EFFORT, EFFORTS, TileCodec

from .bounded import BoundedEncoder, bound_of
from .encoder import SceneEncoder
from .job import Job, Target, chosen_target
from .reaching import reach
from .targets import MOST_PASSES
from .workers import workers

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
        job = Job(
            encoder, pool, Path(target), overwrite, stack, pack_scene(reader.info), _ticker(progress, aim, count)
        )
        stack.enter_context(
            FileWriter(job.target, overwrite)
        )  # refuses an output that may not be written before any work
        step, writer, passes, rmse = reach(job, aim)
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

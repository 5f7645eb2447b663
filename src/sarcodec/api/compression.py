"""The verb compress: a raster and at most one target in, a whole file and a report out."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sarcodec.models import published
from sarcodec.format.container import EXACT
from sarcodec.entropy.steps import quality_of_step, step_db, step_of_quality
from sarcodec.format.writer import FileWriter
from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import open_scene
from sarcodec.raster.meaning import BandMeaning
from sarcodec.format.scene import pack_scene
from sarcodec.encoding.tile import DEFAULT_EFFORT, EFFORTS, TileEncoder

from sarcodec.api.asked import numbered_bands
from sarcodec.encoding.bounded import bound_of
from sarcodec.encoding.scene import SceneEncoder
from sarcodec.encoding.job import Job, Target, chosen_target
from sarcodec.decoding.band_kinds import BandKind, kinds_of, mode_of
from sarcodec.encoding.meanings import meanings_of
from sarcodec.encoding.reaching import reach
from sarcodec.format.remarks import pack_remarks
from sarcodec.encoding.targets import MOST_PASSES
from sarcodec.decoding.workers import workers

Progress = Callable[[int, int], None]
PROMISES = ("max_error_db", "lossless")


@dataclass(frozen=True)
class CompressReport:
    """What was written. bits_per_pixel counts every band's pixels; rmse_db only where it was aimed at.

    mode: 'learned', 'bounded' or 'lossless', or 'exact' where no band is radar; quality, step and model only in the first, max_error_db
    in the second and third. domain: of the radar bands, with commas where they differ. band_kinds: what became of each band, and why.
    notes: what of the scene does not come back, in sentences.
    """

    path: str
    bytes: int
    pixels: int
    bands: int
    bits_per_pixel: float
    quality: float | None
    step: int | None
    step_db: float | None
    domain: str | None
    model: str | None
    passes: int
    rmse_db: float | None
    seconds: float
    mode: str = "learned"
    max_error_db: float | None = None
    quality_class: str | None = None
    band_kinds: tuple[BandKind, ...] = ()
    notes: tuple[str, ...] = ()


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
    exact_bands: Sequence[int] | None = None,
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
    pixel is off by more, lossless: all pixels bit for bit, both without a model and with the extra `bounded`. domain: what the
    pixels of radar bands are, 'auto': what units, names, tags and values say. exact_bands: numbers, from 1, of bands that are no radar and are
    kept bit for bit, besides those that are found. effort: 0 (fast: symbols are
    rounded one by one), 1 (searched along the trellis), 2 (smallest: the second of two bands is tried alone too); it costs time here and none in decoding. together: every second radar band is coded knowing the one before it, and cannot be
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
    _check(aim, effort, model)
    bound = _bound(aim)
    exact = None if exact_bands is None else numbered_bands(exact_bands)
    with workers(threads) as pool, open_scene(source) as reader, ExitStack() as stack:
        new_writer = lambda: stack.enter_context(FileWriter(target, overwrite, inputs=reader.paths))
        new_writer()  # refuses an output that may not be written before any work
        meanings = meanings_of(reader, domain, exact, lossless=bound == 0)
        codec = _codec(meanings, bound, model, effort)
        encoder = SceneEncoder(reader, meanings, codec, together, bound)
        tick = _ticker(progress, aim, encoder.grid.count)
        remarks = pack_remarks(tuple(meaning.why for meaning in meanings))
        job = Job(encoder, pool, new_writer, _folder(target), pack_scene(reader.info), remarks, tick)
        step, writer, passes, rmse = reach(job, aim)
        size = writer.finish(job.header(step))
        if progress:
            progress(1, 1)
    return _report(target, encoder, aim, size, step, passes, rmse, time.perf_counter() - began)


def _check(aim: Target, effort: int, model: str | None) -> None:
    """Arguments that have no meaning together are refused before the scene is opened."""
    if aim.kind in PROMISES and model is not None:
        raise InvalidArgument(f"model {model!r} with {aim.kind}: such files are made without a model, leave it out (--model)")
    if aim.kind == "quality":
        step_of_quality(aim.value)
    if isinstance(effort, bool) or effort not in tuple(EFFORTS):
        there = ", ".join(f"{level} ({name})" for level, name in EFFORTS.items())
        raise InvalidArgument(f"effort is {effort!r}; there are {there}")


def _bound(aim: Target) -> int | None:
    """The bound in 1/1000 dB that every pixel keeps, 0 for exact ones; None where the model codes radar bands."""
    if aim.kind not in PROMISES:
        return None
    return bound_of(aim.value) if aim.kind == "max_error_db" else 0


def _codec(
    meanings: tuple[BandMeaning, ...], bound: int | None, model: str | None, effort: int
) -> TileEncoder | None:
    """The codec where a band needs one."""
    if bound is not None or all(meaning.kind == EXACT for meaning in meanings):
        return None
    return TileEncoder(published.load(model), effort)


def _folder(target: str | os.PathLike) -> Path | None:
    """Where latents are kept between passes: beside the output, which has the room; None (the system's place) for standard output."""
    return None if os.fspath(target) == "-" else Path(os.path.realpath(target)).parent


def _report(
    target, encoder: SceneEncoder, aim: Target, size: int, step: int, passes: int, rmse: float | None, seconds: float
) -> CompressReport:
    info, learned = encoder.info, bool(encoder.learned_bands)
    pixels, kinds = info.rows * info.cols, kinds_of(encoder.fields, tuple(m.why for m in encoder.meanings))
    bounds = [field.max_error_db for field in encoder.fields if field.kind != EXACT and not field.learned]
    domains = sorted({kind.domain for kind in kinds if kind.domain})
    return CompressReport(
        path=os.fspath(target),
        bytes=size,
        pixels=pixels,
        bands=info.count,
        bits_per_pixel=8 * size / (pixels * info.count),
        quality=quality_of_step(step) if learned else None,
        step=step if learned else None,
        step_db=step_db(step) if learned else None,
        domain=", ".join(domains) or None,
        model=encoder.codec.model.id if learned else None,
        passes=passes,
        rmse_db=rmse,
        seconds=seconds,
        mode=mode_of(encoder.fields),
        max_error_db=max(bounds, default=0.0) if aim.kind in PROMISES else None,
        quality_class=aim.value if aim.kind == "class" else None,
        band_kinds=kinds,
        notes=encoder.reader.notes,
    )


def _ticker(progress: Progress | None, aim: Target, count: int) -> Callable[[], None]:
    """Counts tiles; with a target the number of passes is not known beforehand, so the share ends early."""
    total, done = count * (1 if aim.kind == "quality" else 1 + MOST_PASSES), [0]

    def tick():
        done[0] += 1
        if progress:
            progress(min(done[0], total), total)

    return tick

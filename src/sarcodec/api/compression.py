"""The verb compress: a raster and at most one target in, a whole file and a report out."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sarcodec.api import choices
from sarcodec.api.attached import named, paths
from sarcodec.api.memory import DEFAULT_MEMORY, checked_memory, encoding_shares
from sarcodec.api.request import PROMISES, Outcome, Request, fulfil
from sarcodec.decoding.band_kinds import BandKind, kinds_of, mode_of
from sarcodec.decoding.workers import workers
from sarcodec.encoding.job import Rooms, Target
from sarcodec.encoding.tile import DEFAULT_EFFORT
from sarcodec.entropy.step_index import quality_of_step, step_db
from sarcodec.format.attachments import pack_attachments
from sarcodec.format.bands import EXACT
from sarcodec.format.claims import Claims
from sarcodec.format.writer import FileWriter
from sarcodec.products.files import is_product
from sarcodec.products.reading import open_original
from sarcodec.raster.blocks import block_cache
from sarcodec.storage import check_output
from sarcodec.storage.fetched import fetched
from sarcodec.storage.forms import SARCODEC
from sarcodec.storage.objects import is_object


@dataclass(frozen=True, kw_only=True)
class CompressReport:
    """What was written. bits_per_pixel counts every band's pixels; rmse_db only where it was aimed at.

    mode: 'learned', 'bounded' or 'lossless', or 'exact' where no band is radar; quality, step and model only in the first, max_error_db
    in the second and third. domain: of the radar bands, with commas where they differ. band_kinds: what became of each band, and why.
    notes: what of the scene does not come back, in sentences. claims: what the file says of itself, measured figures of each band among it.
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
    claims: Claims | None = None


def compress(
    source: choices.Path,
    target: choices.Path,
    *,
    quality: float | None = None,
    target_bpp: float | None = None,
    target_size: int | None = None,
    target_rmse_db: float | None = None,
    quality_class: choices.QualityClass | None = None,
    max_error_db: float | None = None,
    lossless: bool = False,
    domain: choices.Domain = "auto",
    exact_bands: choices.Indexes | None = None,
    effort: choices.Effort = DEFAULT_EFFORT,
    independent_bands: bool = False,
    model: str | None = None,
    attachments: choices.Attachments | None = None,
    as_is: bool = False,
    threads: int | None = None,
    memory: int = DEFAULT_MEMORY,
    overwrite: bool = False,
    progress: choices.Progress | None = None,
) -> CompressReport:
    """Compress a GeoTIFF, another raster that GDAL reads, or a Sentinel-1 GRD product, to a sarcodec file.

    At most one of the first seven keywords says how good or how small the file is to be; without any the quality is 60.

    Args:
        source: path of the raster, or its address in a bucket (s3://, gs://, az://), from which it is fetched whole; or of a product, a folder NAME.SAFE or a zip archive of one, which is kept whole: its polarisations as bands,
            all other files as attachments, so that `decompress` can make a product again.
        target: path of the file to write; '-' for standard output; or an address in a bucket, where it appears whole or not at all. Compressed tiles wait in a temporary file until the head is known: beside the
            output, or in the system's folder for temporary files where that is a pipe or a bucket.
        quality: 0 to 100, the quantiser step, which halves every 10 (60: 1 dB).
        target_bpp: bits a pixel and band, of the whole file.
        target_size: bytes, never exceeded.
        target_rmse_db: root mean square error in dB over all valid pixels.
        quality_class: 'archive' or 'analysis', the smallest file whose bands all keep to the bounds of that class.
        max_error_db: no valid pixel is off by more. Without a model; needs the extra `bounded`.
        lossless: all pixels come back bit for bit. Without a model; needs the extra `bounded`.
        domain: what the pixels of radar bands are; 'auto' is what units, names, tags and values say.
        exact_bands: bands, from 1, that are no radar and are kept bit for bit, besides those that are found; (): there are none.
        effort: 0 (fast: symbols are rounded one by one), 1 (default: they are searched along the trellis), 2 (small: scales,
            a larger trellis, and the second of two bands alone are tried too), 3 (smallest: scales one by one). It costs time here and none in decoding.
        independent_bands: code every band alone, so that it can be decoded alone. Else every second radar band is coded knowing
            the one before it.
        model: id of a published model; default the newest.
        attachments: named bytes that the file keeps beside its pixels, compressed: {'annotation/iw.xml': path or bytes}. All of them lie in memory.
        as_is: take a product even if files that its manifest lists are missing, or are not those of its checksums.
        threads: how many tiles are coded at once; default one a core.
        memory: bytes that the process may take, at least 256 MiB (default: 1 GiB), whatever the size of the scene. Where there is little of it, fewer threads
            work, and what is kept between passes goes to a temporary file beside the output; the file is the same.
        overwrite: replace a file that is there, once the new one is whole.
        progress: called with the number of steps that are done and the number that is expected.

    Raises:
        InvalidArgument: for arguments that have no meaning.
        UnsupportedScene: for pixels that sarcodec does not take, or whose domain cannot be told.
        UnreadableScene: where the raster cannot be read.
        OutputExists: where `target` is there and `overwrite` is not set.
        TargetNotReached: where a size, rate or error cannot be met on this scene.
        Unreachable: where a bucket does not answer.
        SarcodecError: where the disk refuses. On every error nothing appears under `target`.
    """
    began = time.perf_counter()
    given = named(attachments)
    request = Request(
        quality=quality,
        target_bpp=target_bpp,
        target_size=target_size,
        target_rmse_db=target_rmse_db,
        quality_class=quality_class,
        max_error_db=max_error_db,
        lossless=lossless,
        domain=domain,
        exact_bands=exact_bands,
        effort=effort,
        independent_bands=independent_bands,
        model=model,
        progress=progress,
    )
    bytes_of_memory = checked_memory(memory)
    beside = None
    with ExitStack() as stack:
        if is_object(source) or is_product(source):  # fetching, or its checksums, take long
            check_output(target, overwrite=overwrite, inputs=(source,), form=SARCODEC)
            beside = _folder(target)
        source = stack.enter_context(fetched(source, beside))
        reader = open_original(source, beside if is_product(source) else None, as_is, trial=lossless)
        stack.callback(reader.close)
        attached = pack_attachments([*getattr(reader, "attachments", ()), *given])
        shares = encoding_shares(bytes_of_memory, threads, reader.blocks, several_passes=request.several_passes)
        stack.enter_context(block_cache(shares.blocks))
        pool = stack.enter_context(workers(shares.threads))

        inputs = (*reader.paths, *paths(attachments))

        def new_writer() -> FileWriter:
            return stack.enter_context(FileWriter(target, overwrite, inputs, attached))

        new_writer()  # refuses an output that may not be written before any work
        outcome = fulfil(request, reader, pool, new_writer, _folder(target), Rooms(shares.latents, shares.tiles))
    return _report(target, outcome, request.aim, time.perf_counter() - began)


def _folder(target: choices.Path) -> Path | None:
    """Where latents are kept between passes: beside the output, which has the room; None (the system's place) for standard output and buckets."""
    return None if os.fspath(target) == "-" or is_object(target) else Path(os.path.realpath(target)).parent


def _report(target: choices.Path, outcome: Outcome, aim: Target, seconds: float) -> CompressReport:
    encoder, size, step = outcome.encoder, outcome.size, outcome.step
    info, learned = encoder.info, bool(encoder.learned_bands)
    pixels, kinds = info.rows * info.cols, kinds_of(encoder.fields, tuple(m.why for m in encoder.meanings))
    bounds = [field.max_error_db or 0.0 for field in encoder.fields if field.kind != EXACT and not field.learned]
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
        model=encoder.codec.model.id if learned and encoder.codec else None,
        passes=outcome.passes,
        rmse_db=outcome.rmse_db,
        seconds=seconds,
        mode=mode_of(encoder.fields),
        max_error_db=max(bounds, default=0.0) if aim.kind in PROMISES else None,
        quality_class=aim.quality_class or None,
        band_kinds=kinds,
        notes=encoder.reader.notes,
        claims=outcome.claims,
    )

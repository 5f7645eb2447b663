"""The verbs on a compressed file: decompress to a GeoTIFF, open lazily, describe, verify."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sarcodec.bitstream.container import VERSION, Header
from sarcodec.bitstream.reader import FileReader
from sarcodec.bitstream.steps import quality_of_step, step_db
from sarcodec.raster.geotiff import SceneWriter
from sarcodec.raster.scene import SceneInfo, excerpt, unpack_scene
from sarcodec.raster.tiling import Window, overlap

from .asked import asked_window, chosen_bands
from .bounded import BoundedDecoder, decoder_of
from .decoder import SceneDecoder
from .texture import Reconstruction
from .workers import workers

Progress = Callable[[int, int], None]
TAG_NAMESPACE = "SARCODEC"


@dataclass(frozen=True)
class DecompressReport:
    """What was written."""

    path: str
    rows: int
    cols: int
    bands: int
    seconds: float


@dataclass(frozen=True)
class FileInfo:
    """What a file says of itself without being decoded. bits_per_pixel counts every band's pixels.

    mode: 'learned', 'bounded' (no pixel is off by more than max_error_db) or 'lossless'; without a model in the last two.
    """

    path: str
    bytes: int
    format_version: int
    rows: int
    cols: int
    bands: int
    dtype: str
    domain: str
    mode: str
    max_error_db: float | None
    model: str | None
    model_digest: str | None
    quality: float | None
    step: int | None
    step_db: float | None
    tiles: int
    bits_per_pixel: float
    payload_bytes: int
    description_bytes: int
    overhead_bytes: int
    crs_wkt: str | None
    transform: tuple[float, ...] | None
    ground_control_points: int
    nodata: tuple[float | None, ...]
    band_names: tuple[str | None, ...]


def info(path) -> FileInfo:
    """Describe a file from its head alone. Raises FormatError's kin."""
    with FileReader(path) as file:
        h, payload = file.header, sum(e.length for e in file.entries)
        scene = unpack_scene(h.metadata, h.rows, h.cols, len(h.bands), h.dtype)
        pixels = h.rows * h.cols * len(h.bands)
        return FileInfo(
            os.fspath(path),
            file.size,
            VERSION,
            h.rows,
            h.cols,
            len(h.bands),
            h.dtype,
            h.domain,
            mode_of(h),
            h.max_error_db,
            *((None,) * 5 if h.bounded else _model_facts(h)),
            len(file.entries) // len(h.bands),
            8 * file.size / pixels,
            payload,
            len(h.metadata),
            file.size - payload - len(h.metadata),
            scene.crs_wkt,
            scene.transform,
            len(scene.gcps),
            scene.nodata,
            scene.descriptions,
        )


def mode_of(header: Header) -> str:
    """'learned', 'bounded' or 'lossless'."""
    return "learned" if not header.bounded else "bounded" if header.bound else "lossless"


def _model_facts(header: Header) -> tuple[str, str, float, int, float]:
    step = header.base_step
    return header.model_id, header.model_digest.hex(), quality_of_step(step), step, step_db(step)


def _tagged(scene: SceneInfo, decoder: SceneDecoder | BoundedDecoder) -> SceneInfo:
    """The scene's description with a record of what it went through, in a tag namespace of its own."""
    h = decoder.header
    promise = (("MODE", mode_of(h)), ("MAX_ERROR_DB", f"{h.max_error_db:g}")) if h.bounded else ()
    record = promise or (
        ("MODEL", h.model_id),
        ("MODEL_DIGEST", h.model_digest.hex()),
        ("STEP_DB", f"{step_db(h.base_step):.6g}"),
        ("QUALITY", f"{quality_of_step(h.base_step):.6g}"),
        ("RECONSTRUCT", decoder.wanted.reconstruct),
        ("SPECKLE", decoder.wanted.speckle),
    )
    kept = tuple(t for t in scene.tags if t[0] != TAG_NAMESPACE)
    return replace(scene, tags=(*kept, (TAG_NAMESPACE, record)))


def decompress(
    source,
    target,
    *,
    window: Window | None = None,
    band: int | None = None,
    reconstruct: str = "power",
    speckle: str = "keep",
    threads: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> DecompressReport:
    """Decompress a file, or a window and a band (from 0) of it, to a GeoTIFF with everything that was said of the scene.

    reconstruct: 'power' (unbiased power) or 'log' (least squared error in dB); speckle: 'keep', or 'restore' what was lost of it
    (made up, of the right strength and spectrum; the tags say so).
    """
    began, wanted = time.perf_counter(), Reconstruction(reconstruct, speckle)
    with workers(threads) as pool, FileReader(source) as file:
        decoder = decoder_of(file, pool.threads, wanted)
        window = asked_window(window, decoder.info.rows, decoder.info.cols)
        bands = chosen_bands(band, decoder.info.count)
        scene = _tagged(excerpt(decoder.info, window, bands), decoder)
        places = [(t, i) for t in decoder.grid.touched(window) for i in range(len(bands))]
        with SceneWriter(target, scene, overwrite, pool.threads) as writer:
            decoded = pool.map(lambda p: decoder.tile_pixels(p[0], bands[p[1]]), places)
            for done, ((tile, i), pixels) in enumerate(zip(places, decoded)):
                whole = decoder.grid.window(tile)
                shared = overlap(whole, window)
                place = Window(shared.row - window.row, shared.col - window.col, *shared.shape)
                writer.write(i, place, np.ascontiguousarray(pixels[shared.within(whole)]))
                if progress:
                    progress(done + 1, len(places))
    return DecompressReport(os.fspath(target), window.rows, window.cols, len(bands), time.perf_counter() - began)

"""The page of `sarcodec evaluate --report`: two rasters, and the compressed file if it is named, into one HTML file.

Walks the scene once through `comparison` and gathers small pictures on the way, so that memory stays bounded.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from sarcodec import __version__
from sarcodec.codec.tile_sizes import TileSizes, tile_sizes
from sarcodec.commands.comparison import BandComparison, Comparison, compare_scenes
from sarcodec.errors import InvalidArgument
from sarcodec.evaluate.page import BandPage, Detail, Page, render
from sarcodec.evaluate.thumbnails import DETAIL_PX, ThumbnailCollector, Thumbnails
from sarcodec.raster.geotiff import SceneReader, open_scene
from sarcodec.raster.radiometry import Measure, normalise
from sarcodec.raster.scene import SceneInfo
from sarcodec.raster.tiling import Window
from sarcodec.storage import Output
from sarcodec.storage.forms import HTML


def write_report(options: argparse.Namespace, names: tuple[str, str]) -> Comparison:
    """Compare `options.original` and `.decoded` in `.domain`, write `.report`; `.compressed` may be None.

    names: of the two as the user gave them. Raises OutputExists unless `options.overwrite`, InvalidArgument where the
    compressed file is not of this scene or the page would replace an input, and what comparing raises. The page appears
    under its name only when it is whole.
    """
    with open_scene(options.original) as before, open_scene(options.decoded) as after:
        inputs = (*names, options.compressed or b"", *_files_of(before), *_files_of(after))
        with Output(options.report, overwrite=options.overwrite, inputs=inputs, form=HTML) as output:
            found, page = _page(options, names, before, after)
            output.write(render(page))
    return found


def _files_of(scene: SceneReader) -> tuple[str, ...]:
    return tuple(getattr(scene, "paths", ()))


def _page(
    options: argparse.Namespace, names: tuple[str, str], before: SceneReader, after: SceneReader
) -> tuple[Comparison, Page]:
    info = before.info
    sizes = _sizes_of(options.compressed, info) if options.compressed else None
    collectors = [ThumbnailCollector(info.rows, info.cols) for _ in range(info.count)]

    def watch(band: int, window: Window, *levels: np.ndarray) -> None:
        collectors[band].add(window.row, window.col, *levels)

    found = compare_scenes(options.original, options.decoded, options.domain, watch)
    found = replace(found, original=names[0], decoded=names[1])
    bands = tuple(
        _band_page(before, after, band, collector.finish(), sizes)
        for band, collector in zip(found.bands, collectors, strict=True)
    )
    title = " beside ".join("standard input" if name == "-" else Path(name).name for name in reversed(names))
    return found, Page(title, _facts(found, info, sizes), bands)


def _sizes_of(path: str, info: SceneInfo) -> TileSizes:
    sizes = tile_sizes(path)
    found = (sizes.bytes.shape[0], sizes.rows, sizes.cols)
    if found != (info.count, info.rows, info.cols):
        raise InvalidArgument(
            f"{path} holds {found[0]} bands of {found[1]} x {found[2]} pixels, the scene has {info.count} of "
            f"{info.rows} x {info.cols}; give the file that the scene was decompressed from"
        )
    return sizes


def _band_page(
    before: SceneReader,
    after: SceneReader,
    band: BandComparison,
    thumbs: Thumbnails,
    sizes: TileSizes | None,
) -> BandPage:
    number = band.band - 1
    said = before.info.descriptions[number] if before.info.descriptions else None
    return BandPage(
        f"Band {band.band}" + (f", {said}" if said else ""),
        band.errors,
        band.texture,
        band.classes,
        thumbs,
        _detail(before, after, band.measure, number, thumbs) if band.errors else None,
        _tile_bits(sizes, number, thumbs) if sizes else None,
    )


def _tile_bits(sizes: TileSizes, band: int, thumbs: Thumbnails) -> np.ndarray:
    """Bits a pixel of the tile under the corner of every dot of the thumbnails."""
    row, col = (np.arange(size) * thumbs.cell_px // sizes.tile_px for size in thumbs.original_db.shape)
    return sizes.bits_per_pixel[band][row[:, None], col[None, :]]


def _detail(before: SceneReader, after: SceneReader, measure: Measure, band: int, thumbs: Thumbnails) -> Detail:
    """The busiest part of the scene, read again pixel by pixel."""
    info, (row, col) = before.info, thumbs.busiest()
    window = Window(row, col, min(DETAIL_PX, info.rows - row), min(DETAIL_PX, info.cols - col))
    levels = []
    for scene in (before, after):
        level, valid = normalise(scene.read(band, window), measure)
        levels.append(np.where(valid, level, np.float32(np.nan)))
    return Detail(row, col, *levels)


def _facts(found: Comparison, info: SceneInfo, sizes: TileSizes | None) -> tuple[tuple[str, str], ...]:
    size = f"{info.rows:,} x {info.cols:,} pixels"
    bands = f"{info.count} band{'s' * (info.count > 1)} of {size}, {info.dtype}, {found.domain or 'no radar'}"
    facts = [("original", found.original), ("decoded", found.decoded), ("scene", bands)]
    mask = "every invalid pixel came back bit by bit" if found.invalid_identical else "invalid pixels changed"
    lost = "no valid pixel was lost" if not found.valid_lost else f"{found.valid_lost:,} valid pixels were lost"
    facts.append(("mask", f"{mask}; {lost}"))
    if sizes:
        bits = 8 * sizes.file_bytes / (info.rows * info.cols * info.count)
        facts.append(("compressed", f"{sizes.file_bytes:,} bytes, {bits:.3f} bit/pixel and band"))
    return (*facts, ("judged by", f"sarcodec {__version__}"))

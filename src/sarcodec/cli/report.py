"""The page of `sarcodec evaluate --report`: two rasters, and the compressed file if it is named, into one HTML file.

Walks the scene once through `comparison` and gathers small pictures on the way, so that memory stays bounded.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from sarcodec.api.comparison import BandComparison, Comparison, compare_scenes
from sarcodec.api.information import FileInfo
from sarcodec.api.information import info as file_info
from sarcodec.decoding.tile_sizes import TileSizes, tile_sizes
from sarcodec.errors import InvalidArgument
from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window
from sarcodec.products.reading import Original, open_original
from sarcodec.quality.contents import BandPage, Detail, KeyFigure, Page
from sarcodec.quality.page import render
from sarcodec.quality.thumbnails import DETAIL_PX, ThumbnailCollector, Thumbnails
from sarcodec.signal.radiometry import Measure, normalise
from sarcodec.storage import Output
from sarcodec.storage.forms import HTML
from sarcodec.version import installed_version


@dataclass(frozen=True, eq=False)
class _Compressed:
    """What the compressed file says of itself, and what its tiles took."""

    info: FileInfo
    sizes: TileSizes


def write_report(options: argparse.Namespace, names: tuple[str, str]) -> Comparison:
    """Compare `options.original` and `.decoded` in `.domain`, write `.report`; `.compressed` may be None.

    names: of the two as the user gave them. Raises OutputExists unless `options.overwrite`, InvalidArgument where the
    compressed file is not of this scene or the page would replace an input, and what comparing raises. The page appears
    under its name only when it is whole.
    """
    with open_original(options.original, as_is=True) as before, open_original(options.decoded, as_is=True) as after:
        inputs = (
            *names,
            b"" if options.compressed is None else options.compressed,
            *_files_of(before),
            *_files_of(after),
        )
        with Output(options.report, overwrite=options.overwrite, inputs=inputs, form=HTML) as output:
            found, page = _page(options, names, before, after)
            output.write(render(page))
    return found


def _files_of(scene: Original) -> tuple[str, ...]:
    return tuple(getattr(scene, "paths", ()))


def _page(
    options: argparse.Namespace, names: tuple[str, str], before: Original, after: Original
) -> tuple[Comparison, Page]:
    info = before.info
    packed = None if options.compressed is None else _compressed(options.compressed, info)
    collectors = [ThumbnailCollector(info.rows, info.cols) for _ in range(info.count)]

    def watch(band: int, window: Window, *levels: np.ndarray) -> None:
        collectors[band].add(window.row, window.col, *levels)

    found = compare_scenes(options.original, options.decoded, options.domain, watch)
    found = replace(found, original=names[0], decoded=names[1])
    bands = tuple(
        _band_page(before, after, band, collector.finish(), packed)
        for band, collector in zip(found.bands, collectors, strict=True)
    )
    title = " beside ".join("standard input" if name == "-" else Path(name).name for name in reversed(names))
    return found, Page(title, _figures(found, info, packed), _facts(found, info, packed), bands)


def _compressed(path: str, info: SceneInfo) -> _Compressed:
    sizes = tile_sizes(path)
    found = (sizes.bytes.shape[0], sizes.rows, sizes.cols)
    if found != (info.count, info.rows, info.cols):
        raise InvalidArgument(
            f"{path} holds {found[0]} bands of {found[1]} x {found[2]} pixels, the scene has {info.count} of "
            f"{info.rows} x {info.cols}; give the file that the scene was decompressed from"
        )
    return _Compressed(file_info(path), sizes)


def _band_page(
    before: Original,
    after: Original,
    band: BandComparison,
    thumbs: Thumbnails,
    packed: _Compressed | None,
) -> BandPage:
    number = band.band - 1
    said = before.info.descriptions[number] if before.info.descriptions else None
    page = BandPage(
        f"Band {band.band}" + (f", {said}" if said else ""),
        (before.info.rows, before.info.cols),
        band.errors,
        band.texture,
        band.classes,
        thumbs,
        _detail(before, after, band.measure, number, thumbs) if band.errors and band.measure else None,
        _tile_bits(packed.sizes, number, thumbs) if packed else None,
    )
    return page if band.measure else replace(page, why_empty=_no_radar(band))


def _no_radar(band: BandComparison) -> str:
    came = f"{band.invalid_changed:,} of its pixels changed" if band.invalid_changed else "every pixel did"
    return f"This band is no radar image ({band.why}), so every pixel is to come back bit by bit: {came}."


def _tile_bits(sizes: TileSizes, band: int, thumbs: Thumbnails) -> np.ndarray:
    """Bits a pixel of the tile under the corner of every dot of the thumbnails."""
    row, col = (np.arange(size) * thumbs.cell_px // sizes.tile_px for size in thumbs.original_db.shape)
    bits: np.ndarray = sizes.bits_per_pixel[band][row[:, None], col[None, :]]
    return bits


def _detail(before: Original, after: Original, measure: Measure, band: int, thumbs: Thumbnails) -> Detail:
    """The busiest part of the scene, read again pixel by pixel."""
    info, (row, col) = before.info, thumbs.busiest()
    window = Window(row, col, min(DETAIL_PX, info.rows - row), min(DETAIL_PX, info.cols - col))
    levels = []
    for scene in (before, after):
        level, valid = normalise(scene.read(band, window), measure)
        levels.append(np.where(valid, level, np.float32(np.nan)))
    return Detail(row, col, *levels)


def _figures(found: Comparison, info: SceneInfo, packed: _Compressed | None) -> tuple[KeyFigure, ...]:
    """The tiles of the head."""
    error = (
        () if found.rmse_db is None else (KeyFigure("Error of a pixel", f"{found.rmse_db:.2f} dB", "root mean square"),)
    )
    date = KeyFigure("Date of this page", datetime.now(UTC).strftime("%Y-%m-%d"), f"sarcodec {installed_version()}")
    return (*(_figures_of_file(packed.info, info) if packed else ()), *error, date)


def _figures_of_file(file: FileInfo, info: SceneInfo) -> tuple[KeyFigure, ...]:
    raw = info.rows * info.cols * info.count * np.dtype(info.dtype).itemsize
    ratio = f"{raw:,} bytes of pixels in {file.bytes:,} bytes"
    model = KeyFigure(
        "Model", file.model or "none", f"digest {file.model_digest}" if file.model_digest else "works without one"
    )
    return (
        KeyFigure("Compression ratio", f"{raw / file.bytes:.1f} to 1", ratio),
        KeyFigure(
            "Size",
            f"{file.bits_per_pixel:.3f} bit/pixel",
            f"of each band; {info.dtype} has {8 * np.dtype(info.dtype).itemsize}",
        ),
        _quality(file),
        model,
    )


def _quality(file: FileInfo) -> KeyFigure:
    if file.quality is not None:
        return KeyFigure("Quality", f"{file.quality:g} of 100", f"quantiser step {file.step_db:.3g} dB")
    if file.mode == "bounded":
        return KeyFigure("Quality", f"within {file.max_error_db:g} dB", "bound on the error of every pixel")
    return KeyFigure("Quality", "lossless", "every pixel bit by bit")


def _facts(found: Comparison, info: SceneInfo, packed: _Compressed | None) -> tuple[tuple[str, str], ...]:
    size = f"{info.rows:,} x {info.cols:,} pixels (rows x columns)"
    bands = f"{info.count} band{'s' * (info.count > 1)} of {size}, {info.dtype}, {found.domain or 'no radar'}"
    mask = "every invalid pixel came back bit by bit" if found.invalid_identical else "invalid pixels changed"
    lost = "no valid pixel was lost" if not found.valid_lost else f"{found.valid_lost:,} valid pixels were lost"
    unknown = "not named; give it with --compressed to see ratio, quality and model here"
    return (
        ("Original", found.original),
        ("Decoded", found.decoded),
        ("Compressed", packed.info.path if packed else unknown),
        ("Scene", bands),
        ("Mask", f"{mask}; {lost}"),
    )

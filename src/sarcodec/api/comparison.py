"""Two GeoTIFFs of one scene, compared window by window and band by band, in bounded memory.

In: paths and a domain; out: a frozen Comparison. Knows rasters and metrics, and no compressed file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sarcodec.encoding.meanings import meanings_of
from sarcodec.encoding.sampling import hidden_pixels
from sarcodec.errors import InvalidArgument
from sarcodec.format.tiling import TileGrid, Window
from sarcodec.products.reading import Original, open_original
from sarcodec.quality.classes import CLASSES, Verdict, judge
from sarcodec.quality.metrics import ErrorAccumulator, ErrorSummary
from sarcodec.quality.texture import TextureAccumulator, TextureSummary
from sarcodec.raster.meaning import BandMeaning
from sarcodec.signal.radiometry import Measure, normalise

WINDOW_PX = 1024
"""Side of the windows that are read at once; a multiple of `metrics.CUT_PX`."""

Watch = Callable[[int, Window, np.ndarray, np.ndarray, np.ndarray], None]
"""Called with band (from 0), window, original level, decoded level, and where both are valid, for every window."""


@dataclass(frozen=True)
class BandComparison:
    """One band, counted from 1, and what its pixels measure (None where it is no radar: all of it is to be the same).

    `errors` and `texture` are None where not one pixel is valid in both; `classes`: a verdict each.
    """

    band: int
    measure: Measure | None
    why: str
    valid_lost: int
    invalid_changed: int
    errors: ErrorSummary | None
    texture: TextureSummary | None
    classes: tuple[Verdict, ...]


@dataclass(frozen=True)
class Comparison:
    """All bands. `domain`: of the radar bands, with commas where they differ. `valid_lost`: valid pixels that became
    invalid (left out of the errors); `invalid_identical`: every invalid pixel of the original, and every pixel of bands
    that are no radar, came back bit by bit; `passed`: that, and no valid pixel was lost."""

    original: str
    decoded: str
    domain: str | None
    passed: bool
    invalid_identical: bool
    valid_lost: int
    pixels: int
    invalid: int
    rmse_db: float | None
    max_abs_error_db: float | None
    bands: tuple[BandComparison, ...]


def compare_scenes(
    original: str | os.PathLike[str], decoded: str | os.PathLike[str], domain: str = "auto", watch: Watch | None = None
) -> Comparison:
    """Errors of every band of `decoded`. Homogeneous windows, bins and edges are chosen in the next band, if there is
    one.

    Raises InvalidArgument when size, bands or dtype differ, and what reading and normalising raise.
    """
    with open_original(original, as_is=True) as before, open_original(decoded, as_is=True) as after:
        _check_alike(before, after)
        # The same pixels are looked at as `compress` looks at.
        meanings = meanings_of(before, domain, None, lossless=False)
        bands = tuple(_compare_band(before, after, band, meanings, watch) for band in range(before.info.count))
        whole = before.info.rows * before.info.cols * before.info.count
    errors = [band.errors for band in bands if band.errors]
    pixels = sum(summary.pixels for summary in errors)
    lost, changed = sum(band.valid_lost for band in bands), sum(band.invalid_changed for band in bands)
    square_sum = sum(summary.mse_db2 * summary.pixels for summary in errors)
    return Comparison(
        original=os.fspath(original),
        decoded=os.fspath(decoded),
        domain=", ".join(sorted({band.measure.domain for band in bands if band.measure})) or None,
        passed=not lost and not changed,
        invalid_identical=not changed,
        valid_lost=lost,
        pixels=pixels,
        invalid=whole - pixels - lost,
        rmse_db=float(np.sqrt(square_sum / pixels)) if pixels else None,
        max_abs_error_db=max((summary.max_abs_error_db for summary in errors), default=None),
        bands=bands,
    )


def _check_alike(before: Original, after: Original) -> None:
    first, second = (
        f"{scene.info.count} bands of {scene.info.rows} x {scene.info.cols} {scene.info.dtype} pixels"
        for scene in (before, after)
    )
    if first != second:
        raise InvalidArgument(f"the original has {first}, the decoded scene {second}; compare two files of one scene")


def _compare_band(
    before: Original, after: Original, band: int, meanings: tuple[BandMeaning, ...], watch: Watch | None
) -> BandComparison:
    info, meaning = before.info, meanings[band]
    errors, texture, compared, lost, changed = ErrorAccumulator(), TextureAccumulator(), 0, 0, 0
    grid = TileGrid(info.rows, info.cols, WINDOW_PX)
    for window in map(grid.window, range(grid.count)):
        pixels, returned = before.read(band, window), after.read(band, window)
        (level, valid), (level_returned, still_valid) = _levels(before, band, window, meaning, pixels, returned)
        changed += int(np.count_nonzero(~valid & (_bits(pixels) != _bits(returned))))
        lost += int(np.count_nonzero(valid & ~still_valid))
        both = valid & still_valid
        compared += int(np.count_nonzero(both))
        guide = _selection(before, band, window, meanings)
        for figures in (errors, texture) if meaning.measure else ():
            figures.add(level, level_returned, both, guide)
        if watch:
            watch(band, window, level, level_returned, both)
    summary = errors.summary() if compared else None
    verdicts = tuple(judge(wanted, summary, not (lost or changed)) for wanted in CLASSES.values())
    summaries = summary, texture.summary() if compared else None
    return BandComparison(band + 1, meaning.measure, meaning.why, lost, changed, *summaries, verdicts)


def _levels(
    scene: Original, band: int, window: Window, meaning: BandMeaning, *pixels: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(level, valid) of each; no pixel is valid where the band is no radar, nor fill that a mask of the scene hides."""
    if meaning.measure is None:
        return [(np.zeros(one.shape, np.float32), np.zeros(one.shape, bool)) for one in pixels]
    found = [normalise(one, meaning.measure) for one in pixels]
    hidden = hidden_pixels(scene, band, window, pixels[0], meaning.hidden)
    return (
        found
        if hidden is None
        else [(np.where(hidden, np.float32(0), level), valid & ~hidden) for level, valid in found]
    )


def _selection(scene: Original, band: int, window: Window, meanings: tuple[BandMeaning, ...]) -> np.ndarray | None:
    """Levels of the next radar band, NaN where invalid; None if there is but one."""
    others = [other for other in (*range(band + 1, len(meanings)), *range(band)) if meanings[other].measure]
    if not others or not meanings[band].measure:
        return None
    ((level, valid),) = _levels(scene, others[0], window, meanings[others[0]], scene.read(others[0], window))
    return np.where(valid, level, np.float32(np.nan))


def _bits(pixels: np.ndarray) -> np.ndarray:
    return pixels.view(f"u{pixels.dtype.itemsize}")

"""The verb verify: every checksum, every symbol, the model; and, beside an original, what was lost and what must not be."""

import os
import time
from dataclasses import dataclass

import numpy as np

from sarcodec.bitstream.reader import FileReader
from sarcodec.bitstream.steps import step_db
from sarcodec.errors import InvalidArgument
from sarcodec.raster.geotiff import open_scene
from sarcodec.raster.radiometry import normalise, valid_mask
from sarcodec.raster.scene import pack_scene

from .bounded import BoundedDecoder, decoder_of
from .decoder import SceneDecoder
from .texture import LEAST_ERROR
from .workers import workers


@dataclass(frozen=True)
class Comparison:
    """Pixels decoded with the least error in dB (reconstruct 'log') beside the original's. Errors in dB over valid pixels; invalid pixels must be equal bit for bit.

    bias_power_db: 0 where powers are beyond what a float holds. error_plausible: the RMSE is one that the file's step can leave on its own original (see `_plausible`); another image of the
    same size and mask fails it, unless the quality is so low that little more than the scene's mean is left. In a file that keeps a
    bound (or is lossless): every valid pixel is within it (or identical), which is decided exactly.
    """

    valid_pixels: int
    rmse_db: float
    bias_power_db: float
    max_abs_error_db: float
    error_plausible: bool
    invalid_identical: bool
    valid_stay_valid: bool
    description_identical: bool


@dataclass(frozen=True)
class VerifyReport:
    """The result; damage raises an error instead. `passed` is False only where a comparison broke a promise."""

    path: str
    tiles: int
    symbols: int
    passed: bool
    comparison: Comparison | None
    seconds: float


def verify(path, against=None, threads=None, progress=None) -> VerifyReport:
    """Try a whole file; with `against`, its original, also decode it and compare.

    Raises FormatError's kin where the file is damaged, ModelError where its model is not right here.
    """
    began = time.perf_counter()
    with workers(threads) as pool, FileReader(path) as file:
        decoder = decoder_of(file, pool.threads, LEAST_ERROR)
        bands = len(file.header.bands)
        places = [(n // bands, n % bands) for n in range(len(file.entries))]
        total, symbols = len(places) * (2 if against else 1), 0
        for done, count in enumerate(pool.map(lambda p: decoder.symbols(*p).size, places)):
            symbols += count
            if progress:
                progress(done + 1, total)
        comparison = _compare(decoder, pool, places, against, progress) if against else None
    passed = comparison is None or (
        comparison.error_plausible and comparison.invalid_identical and comparison.valid_stay_valid
    )
    return VerifyReport(os.fspath(path), len(places), symbols, passed, comparison, time.perf_counter() - began)


def _compare(decoder: SceneDecoder | BoundedDecoder, pool, places, against, progress) -> Comparison:
    with open_scene(against) as reader:
        mine, theirs = decoder.info, reader.info
        if (mine.rows, mine.cols, mine.count, mine.dtype) != (theirs.rows, theirs.cols, theirs.count, theirs.dtype):
            raise InvalidArgument(
                f"{against} has {theirs.count} bands of {theirs.rows} x {theirs.cols} {theirs.dtype}, the file holds "
                f"{mine.count} of {mine.rows} x {mine.cols} {mine.dtype}: not its original"
            )
        sums = np.zeros(6)
        worst, same, stay, kept = 0.0, True, True, True
        for done, part in enumerate(pool.map(lambda p: _tile(decoder, reader, p), places)):
            sums += part[0]
            worst, same, stay = max(worst, part[1]), same and part[2], stay and part[3]
            kept = kept and part[4]
            if progress:
                progress(len(places) + done + 1, 2 * len(places))
    count = max(sums[0], 1)
    rmse, spread = float(np.sqrt(sums[1] / count)), float(np.sqrt(max(sums[5] / count - (sums[4] / count) ** 2, 0)))
    plausible = kept if decoder.header.bounded else _plausible(rmse, spread, step_db(max(e.step for e in decoder.file.entries)))
    bias = 10 * np.log10(sums[3] / sums[2]) if sums[2] > 0 and np.isfinite(sums[2:4]).all() else 0.0
    return Comparison(
        int(sums[0]), rmse, float(bias), worst, plausible, same, stay, pack_scene(mine) == pack_scene(theirs)
    )


def _plausible(rmse_db: float, spread_db: float, step_db: float) -> bool:
    """Decoding is about 0.3 steps off, up to 2 where nothing is like speckle, and never much worse than a constant; two images
    that have nothing to do with each other are off by 1.4 times their spread (standard deviation of the levels)."""
    return rmse_db <= min(2.5 * step_db + 0.05, 1.2 * spread_db + 0.25 * step_db + 0.5)


def _tile(decoder: SceneDecoder | BoundedDecoder, reader, place) -> tuple[np.ndarray, float, bool, bool, bool]:
    """Counts, squared error, original and decoded power, sum and sum of squares of levels; largest error; invalid identical; valid stay valid;
    a promised bound is kept."""
    tile, band = place
    nodata, domain = decoder.info.nodata[band], decoder.header.domain
    original, decoded = reader.read(band, decoder.grid.window(tile)), decoder.tile_pixels(tile, band)
    level, valid = normalise(original, domain, nodata)
    bits = np.dtype(f"u{original.dtype.itemsize}")
    same = bool((original.view(bits)[~valid] == decoded.view(bits)[~valid]).all())
    stay = bool(valid_mask(decoded, domain, nodata)[valid].all())
    a, b = level[valid].astype(np.float64), normalise(decoded, domain, nodata)[0][valid].astype(np.float64)
    with np.errstate(over="ignore"):  # dB of 3,080 and more, which bounded files may hold, are no powers that a float can
        powers = [(10 ** (x / 10)).sum() for x in (a, b)]
    sums = np.array([a.size, np.square(a - b).sum(), *powers, a.sum(), np.square(a).sum()])
    kept = not decoder.header.bounded or decoder.keeps(original, decoded, band)
    return sums, float(np.abs(a - b).max(initial=0)), same, stay, kept

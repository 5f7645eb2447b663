"""Errors between two images in dB: in go levels and the mask of valid pixels, window by window; out comes a summary.

Memory does not grow with the scene but for 28 bytes a 16 x 16 window. Must not know files, codecs or domains.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.quality.speckle import PITCH_PX, WINDOW_PX, measure_windows, power_of, split_blocks, window_enl

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats, Integers

MULTILOOK_PX = 8
"""Side of the blocks whose mean power is compared in `multilook_rmse_db`."""

CUT_PX = 16
"""Scenes that are added in windows cut at multiples of this give the same summary as the whole scene."""

HISTOGRAM_STEP_DB = 1 / 1024
"""Resolution of `p999_abs_error_db`: the percentile is rounded up to a multiple of it."""

MOST_HOMOGENEOUS = 0.1
"""Share of the windows that a selection image chooses."""

_Number = TypeVar("_Number", bound=np.generic)
_HISTOGRAM_BINS = 128 * 1024  # up to 128 dB; larger errors share the last bin, and the maximum is known exactly


@dataclass(frozen=True)
class ErrorSummary:
    """How far decoded levels are from the original ones. Errors are decoded minus original, in dB, over valid pixels.

    - `pixels`, `invalid`: valid pixels compared, invalid pixels left out.
    - `bias_power_db`: 10 log10(sum of decoded power / sum of original power); `mean_error_db`: mean error of the level.
    - `p999_abs_error_db`: 99.9th percentile of the absolute error, rounded up to 1/1024 dB.
    - `multilook_rmse_db`: RMSE of the level of 8 x 8 blocks of mean power, fully valid blocks only.
    - `enl_*`: median ENL of the chosen 15 x 15 windows, and decoded / original (above 1: smoothed, below: noise added).
      Correlated speckle gives about a tenth more than its true ENL in so small a window; the ratio does not suffer.
    - `correlation_*`: median lag-1 correlation of the level in the same windows, along rows and along columns.

    Figures of blocks and windows are None where the scene holds none that is fully valid.
    """

    pixels: int
    invalid: int
    mse_db2: float
    rmse_db: float
    bias_power_db: float
    mean_error_db: float
    max_abs_error_db: float
    p999_abs_error_db: float
    multilook_rmse_db: float | None
    enl_windows: int
    enl_original: float | None
    enl_decoded: float | None
    enl_ratio: float | None
    correlation_across_original: float | None
    correlation_across_decoded: float | None
    correlation_along_original: float | None
    correlation_along_decoded: float | None


@dataclass(frozen=True)
class _WindowRecord:
    """One value a window, float32; `homogeneity` is the ENL of the selection image, NaN where none was given."""

    homogeneity: Floats
    enl_original: Floats
    enl_decoded: Floats
    correlation_across_original: Floats
    correlation_across_decoded: Floats
    correlation_along_original: Floats
    correlation_along_decoded: Floats


class ErrorAccumulator:
    """Adds up the errors of a scene window by window, in any order. See `ErrorSummary` for the figures.

    Windows should be cut at multiples of `CUT_PX` pixels: blocks and speckle windows are counted from each window's
    corner, and those that a cut would halve are left out. The other figures do not depend on the cut.

    `selection_db` names the image that chooses the homogeneous windows for ENL and correlation: the tenth with the
    highest ENL in it. It must be another image of the same place, such as the other polarisation: windows that are
    chosen because the judged original happens to vary little there have too high an ENL in it, and perfect, fresh
    speckle then scores 0.74 instead of 1 (measured on simulated GRDH speckle). Without it every window counts.
    """

    def __init__(self) -> None:
        self._pixels = self._invalid = 0
        self._error_sum = self._square_sum = self._max_abs = 0.0
        self._power_original = self._power_decoded = 0.0
        self._histogram = np.zeros(_HISTOGRAM_BINS, dtype=np.int64)
        self._blocks, self._block_square_sum = 0, 0.0
        self._records: list[_WindowRecord] = []
        self._selecting: bool | None = None

    def add(
        self,
        original_db: Floats,
        decoded_db: Floats,
        valid: Bools,
        selection_db: Floats | None = None,
    ) -> None:
        """Add one window: levels in dB, float (rows, cols), bool mask of the same shape.

        InvalidArgument: shapes differ, a valid pixel is not finite, or `selection_db` is given for some windows only.
        """
        original, decoded, valid = np.asarray(original_db), np.asarray(decoded_db), np.asarray(valid, dtype=bool)
        _check_window(original, decoded, valid)
        self._check_selection(original, selection_db)
        # Zero for invalid pixels keeps NaN and infinity out of the arithmetic; no figure looks at them.
        original, decoded = (np.where(valid, level, 0.0).astype(np.float64) for level in (original, decoded))
        self._add_pixels(original, decoded, valid)
        self._add_blocks(original, decoded, valid)
        self._add_windows(original, decoded, valid, selection_db)

    def summary(self) -> ErrorSummary:
        """The figures of everything added so far. InvalidArgument if not one valid pixel was added."""
        if not self._pixels:
            raise InvalidArgument(
                f"found no valid pixel to compare ({self._invalid} invalid ones), expected at least one; "
                "compare images that have valid pixels in common"
            )
        mse = self._square_sum / self._pixels
        windows, medians = self._speckle()
        before, after = medians["enl_original"], medians["enl_decoded"]
        return ErrorSummary(
            pixels=self._pixels,
            invalid=self._invalid,
            mse_db2=mse,
            rmse_db=float(np.sqrt(mse)),
            bias_power_db=float(10 * np.log10(self._power_decoded / self._power_original)),
            mean_error_db=self._error_sum / self._pixels,
            max_abs_error_db=self._max_abs,
            p999_abs_error_db=self._percentile(0.999),
            multilook_rmse_db=float(np.sqrt(self._block_square_sum / self._blocks)) if self._blocks else None,
            enl_windows=windows,
            enl_ratio=None if before is None or after is None else after / before,
            **medians,
        )

    def _check_selection(self, original: Floats, selection_db: Floats | None) -> None:
        given = selection_db is not None
        if self._selecting not in (None, given):
            raise InvalidArgument("selection_db was given for some windows only; give it for every window or for none")
        if selection_db is not None and np.shape(selection_db) != original.shape:
            raise InvalidArgument(
                f"found a selection of shape {np.shape(selection_db)}, expected {original.shape}; "
                "give the same window of the other band"
            )
        self._selecting = given

    def _add_pixels(self, original: Floats, decoded: Floats, valid: Bools) -> None:
        count = int(np.count_nonzero(valid))
        self._pixels += count
        self._invalid += valid.size - count
        if not count:
            return
        error = (decoded - original)[valid]
        magnitude = np.abs(error)
        self._error_sum += float(error.sum())
        self._square_sum += float(np.dot(error, error))
        self._max_abs = max(self._max_abs, float(magnitude.max()))
        self._power_original += float(power_of(original[valid]).sum())
        self._power_decoded += float(power_of(decoded[valid]).sum())
        bins = np.minimum(np.ceil(magnitude / HISTOGRAM_STEP_DB), _HISTOGRAM_BINS - 1).astype(np.int64)
        self._histogram += np.bincount(bins, minlength=_HISTOGRAM_BINS)

    def _add_blocks(self, original: Floats, decoded: Floats, valid: Bools) -> None:
        kept = _split_multilook(valid).all(axis=(1, 2))
        looks = [power_of(_split_multilook(level)[kept]).mean(axis=(1, 2)) for level in (original, decoded)]
        self._blocks += int(np.count_nonzero(kept))
        self._block_square_sum += float(np.sum((10 * np.log10(looks[1] / looks[0])) ** 2))

    def _add_windows(self, original: Floats, decoded: Floats, valid: Bools, selection_db: Floats | None) -> None:
        kept: Bools = np.asarray(split_blocks(valid, WINDOW_PX, PITCH_PX).all(axis=(1, 2)))
        homogeneity = np.full(kept.size, np.nan, dtype=np.float32)
        if selection_db is not None:
            levels = split_blocks(np.asarray(selection_db, dtype=np.float64), WINDOW_PX, PITCH_PX)
            kept &= np.isfinite(levels).all(axis=(1, 2))
            homogeneity[kept] = window_enl(levels[kept])
        before, after = measure_windows(original, kept), measure_windows(decoded, kept)
        self._records.append(
            _WindowRecord(
                homogeneity[kept], before.enl, after.enl, before.across, after.across, before.along, after.along
            )
        )

    def _percentile(self, share: float) -> float:
        """Smallest histogram edge that at least `share` of the pixels do not exceed."""
        bin_index = int(np.searchsorted(np.cumsum(self._histogram), share * self._pixels))
        if bin_index == _HISTOGRAM_BINS - 1:
            return self._max_abs
        return min(bin_index * HISTOGRAM_STEP_DB, self._max_abs)

    def _speckle(self) -> tuple[int, dict[str, float | None]]:
        """How many windows are chosen, and the median of each of their figures, by its name."""
        columns = {
            field.name: np.concatenate([getattr(record, field.name) for record in self._records])
            for field in fields(_WindowRecord)
        }
        homogeneity = columns.pop("homogeneity")
        chosen = _choose(homogeneity) if self._selecting else np.arange(homogeneity.size)
        medians = {name: float(np.median(values[chosen])) if chosen.size else None for name, values in columns.items()}
        return int(chosen.size), medians


def compare_levels(
    original_db: Floats,
    decoded_db: Floats,
    valid: Bools,
    selection_db: Floats | None = None,
) -> ErrorSummary:
    """Summary of one image that fits in memory; arguments and errors as in `ErrorAccumulator.add` and `.summary`."""
    errors = ErrorAccumulator()
    errors.add(original_db, decoded_db, valid, selection_db)
    return errors.summary()


def _check_window(original: Floats, decoded: Floats, valid: Bools) -> None:
    if original.ndim != 2 or original.shape != decoded.shape or original.shape != valid.shape:
        raise InvalidArgument(
            f"found shapes {original.shape} (original), {decoded.shape} (decoded) and {valid.shape} (valid), "
            "expected one and the same (rows, cols); compare one band of equal windows at a time"
        )
    for name, level in (("original", original), ("decoded", decoded)):
        broken = int(np.count_nonzero(valid & ~np.isfinite(level)))
        if broken:
            raise InvalidArgument(
                f"found {broken} pixels of the {name} that are marked valid and are not finite, expected none; "
                "mark them invalid, or find out why they were lost"
            )


def _split_multilook(pixels: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    return split_blocks(pixels, MULTILOOK_PX, MULTILOOK_PX)


def _choose(homogeneity: Floats) -> Integers:
    """Indices of the tenth of the windows (at least one, if there is one) with the highest ENL in the selection."""
    count = int(np.ceil(MOST_HOMOGENEOUS * homogeneity.size))
    return np.argsort(-homogeneity, kind="stable")[:count]

"""What users do with an image, as functions of levels in dB: water mask, ship detection, change detection; and their
scores.

Fixed, plain methods with thresholds that come from the original, so that a difference in the result is the codec's.
"""

from __future__ import annotations

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.quality.speckle import power_of

WATER_PX = 5
"""Side of the box whose mean power is compared with the threshold of water; that of change detection too."""

GUARD_PX, BACKGROUND_PX = 25, 41
CFAR_FACTOR = 5.0
"""A ship's pixel is brighter than this times its background: 7 dB, which 4 in 10 million pixels of 4.83-look sea
exceed."""

_OTSU_BINS = 512


def box_mean(image: np.ndarray, side: int) -> np.ndarray:
    """Mean over side x side pixels (odd), mirrored at the edges: (rows, cols) float64."""
    if side % 2 == 0 or min(image.shape) <= side // 2:
        raise InvalidArgument(
            f"found a box of {side} pixels for an image of {image.shape}, expected an odd, smaller one"
        )
    out = image.astype(np.float64)
    for axis in (0, 1):
        padding = [(side // 2 + 1, side // 2) if which == axis else (0, 0) for which in (0, 1)]
        sums = np.cumsum(np.pad(out, padding, mode="symmetric"), axis=axis)
        lower, upper = ([slice(None)] * 2, [slice(None)] * 2)
        lower[axis], upper[axis] = slice(None, -side), slice(side, None)
        out = (sums[tuple(upper)] - sums[tuple(lower)]) / side
    return out


def multilook_db(level_db: np.ndarray, side: int = WATER_PX) -> np.ndarray:
    """Level of the mean power of the box around every pixel, in dB."""
    return 10 * np.log10(box_mean(power_of(level_db), side))


def otsu_threshold(values: np.ndarray) -> float:
    """The threshold that divides values into two classes of least variance (Otsu, IEEE SMC 9(1), 1979)."""
    counts, edges = np.histogram(values, _OTSU_BINS)
    middle = (edges[1:] + edges[:-1]) / 2
    below, sums = np.cumsum(counts)[:-1], np.cumsum(counts * middle)[:-1]
    above, rest = counts.sum() - below, np.dot(counts, middle) - sums
    with np.errstate(invalid="ignore", divide="ignore"):
        between = below * above * (sums / below - rest / above) ** 2
    best = np.flatnonzero(np.nan_to_num(between) >= np.nanmax(between))  # a gap between two classes: its middle
    return float(edges[1:-1][best].mean())


def water_mask(level_db: np.ndarray, threshold_db: float) -> np.ndarray:
    """True where the multilooked level is below the threshold: (rows, cols)."""
    return multilook_db(level_db) < threshold_db


def detect_ships(level_db: np.ndarray) -> np.ndarray:
    """True where a pixel's power exceeds `CFAR_FACTOR` times the mean of its background: (rows, cols).

    Cell-averaging CFAR (Finn and Johnson, RCA Review 29, 1968): the background is a square of 41 pixels less its
    inner 25.
    """
    power = power_of(level_db)
    outer, inner = (box_mean(power, side) * side**2 for side in (BACKGROUND_PX, GUARD_PX))
    return power > CFAR_FACTOR * (outer - inner) / (BACKGROUND_PX**2 - GUARD_PX**2)


def dilate(mask: np.ndarray, reach_px: int) -> np.ndarray:
    """True within a square of `reach_px` on every side of a true pixel."""
    return box_mean(mask.astype(np.float64), 2 * reach_px + 1) > 0.5 / (2 * reach_px + 1) ** 2


def change_score(first_db: np.ndarray, second_db: np.ndarray) -> np.ndarray:
    """Magnitude of the log ratio of multilooked powers, in dB: (rows, cols)."""
    return np.abs(multilook_db(second_db) - multilook_db(first_db))


def area_under_curve(unchanged: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """Area under the ROC curve from counts a score, (..., scores) each: the chance that a changed pixel scores higher.

    Ties count half. NaN where one side is empty.
    """
    lower = np.cumsum(unchanged, axis=-1) - unchanged / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return (changed * lower).sum(-1) / (changed.sum(-1) * unchanged.sum(-1))

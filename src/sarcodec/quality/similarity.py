"""SSIM and MS-SSIM of levels in dB, window by window. In: levels and mask; out: two numbers and the data range they
presume.

Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4), 2004 (11 x 11 Gaussian window of 1.5 pixels, K1 = 0.01, K2 = 0.03)
and Wang, Simoncelli, Bovik, Asilomar 2003 (five scales, 2 x 2 means between them, the weights below).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

DATA_RANGE_DB = 96.0
"""Data range of the level: what every codec of the comparison sees. A smaller range gives smaller figures."""

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_TAPS_PX, _SIGMA_PX, _K1, _K2 = 11, 1.5, 0.01, 0.03


@dataclass(frozen=True)
class Similarity:
    """`ssim`: mean over places whose 11 x 11 window is valid. `ms_ssim` is None where no place is left at the
    coarsest scale."""

    ssim: float | None
    ms_ssim: float | None
    data_range_db: float = DATA_RANGE_DB


class SimilarityAccumulator:
    """Adds up SSIM and its parts a scale. Places near an invalid pixel or the border of a window that is added are
    left out."""

    def __init__(self, data_range_db: float = DATA_RANGE_DB) -> None:
        self._range = data_range_db
        scales = len(SCALE_WEIGHTS)
        self._places, self._structure, self._whole = np.zeros(scales), np.zeros(scales), np.zeros(scales)

    def add(self, original_db: Floats, decoded_db: Floats, valid: Bools) -> None:
        """One window: levels in dB (rows, cols), mask."""
        first: Floats = np.where(valid, original_db, 0).astype(np.float64)
        second: Floats = np.where(valid, decoded_db, 0).astype(np.float64)
        for scale in range(len(SCALE_WEIGHTS)):
            if min(valid.shape) < _TAPS_PX:
                return
            self._add_scale(scale, first, second, valid)
            first, second, valid = _halve(first), _halve(second), _halve(valid) == 1

    def _add_scale(self, scale: int, first: Floats, second: Floats, valid: Bools) -> None:
        luminance, structure = _parts(first, second, self._range)
        kept = np.s_[:, :] if valid.all() else _smooth((~valid).astype(np.float64)) < 1e-9
        self._places[scale] += structure[kept].size
        self._structure[scale] += structure[kept].sum()
        self._whole[scale] += (luminance * structure)[kept].sum()

    def summary(self) -> Similarity:
        """The figures so far."""
        if not self._places[0]:
            return Similarity(None, None, self._range)
        ssim = float(self._whole[0] / self._places[0])
        if not self._places[-1]:
            return Similarity(ssim, None, self._range)
        means = np.append(self._structure[:-1] / self._places[:-1], self._whole[-1] / self._places[-1])
        # A negative mean (images that are opposites) has no such power; 0 says as much.
        return Similarity(ssim, float(np.prod(np.maximum(means, 0) ** np.array(SCALE_WEIGHTS))), self._range)


def _parts(first: Floats, second: Floats, data_range_db: float) -> tuple[Floats, Floats]:
    """Luminance, and contrast times structure, at every place."""
    c1, c2 = (_K1 * data_range_db) ** 2, (_K2 * data_range_db) ** 2
    mean_a, mean_b = _smooth(first), _smooth(second)
    # About one level, so that squares of large levels do not swallow their variance.
    middle = float(first.mean())
    a, b = first - middle, second - middle
    near_a, near_b = mean_a - middle, mean_b - middle
    variance = _smooth(a * a) - near_a**2 + _smooth(b * b) - near_b**2
    covariance = _smooth(a * b) - near_a * near_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return luminance, (2 * covariance + c2) / (variance + c2)


def _smooth(image: Floats) -> Floats:
    """Gaussian means where the window is whole: (rows - 10, cols - 10)."""
    taps = np.exp(-0.5 * ((np.arange(_TAPS_PX) - _TAPS_PX // 2) / _SIGMA_PX) ** 2)
    taps /= taps.sum()
    rows, cols = (size - _TAPS_PX + 1 for size in image.shape)
    down = _sum(taps, [image[shift : shift + rows] for shift in range(_TAPS_PX)])
    return _sum(taps, [down[:, shift : shift + cols] for shift in range(_TAPS_PX)])


def _sum(taps: Floats, parts: list[Floats]) -> Floats:
    """Weighted sum of parts of one shape; the taps are the same both ways."""
    half = len(parts) // 2
    sums: Floats = taps[half] * parts[half]
    scratch = np.empty_like(sums)
    for tap, first, last in zip(taps[:half], parts[:half], parts[:half:-1], strict=True):
        np.add(first, last, out=scratch)
        scratch *= tap
        sums += scratch
    return sums


def _halve(image: Floats | Bools) -> Floats:
    """Means of 2 x 2; an odd last row or column is left out."""
    rows, cols = (size // 2 * 2 for size in image.shape)
    found: Floats = image[:rows, :cols].reshape(rows // 2, 2, cols // 2, 2).mean(axis=(1, 3))
    return found

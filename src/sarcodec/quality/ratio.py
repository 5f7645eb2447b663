"""The ratio image, original power / decoded power: its mean, its variance, and whether it still shows the scene.

A ratio image without structure is nothing but noise: its mean and its spread are the same everywhere. What of the
scene is left in it was lost or moved by the codec (the despeckling literature's test: Oliver and Quegan,
Understanding SAR Images, 1998, section 6; Gomez et al., Remote Sensing 9(4):389, 2017, who compare co-occurrences
with those of the shuffled image). Shuffling presumes white speckle, and Sentinel-1's is correlated over three pixels;
so here the ratio image is compared with another image of the same place, a guide whose speckle is its own (the other
polarisation, the simulator's truth), and with itself over distances that speckle does not reach. All three figures
are 0 for structureless noise, correlated or not, whatever its distribution.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.quality.speckle import power_of, split_blocks

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

BLOCK_PX = 8
APART = 2
"""Blocks are compared with the ones this many places to the right and below: with a gap of 8 pixels between."""

DETAIL_PX = 4
SURROUND = 5
"""The guide's structure: its blocks of DETAIL_PX squared pixels less the mean of SURROUND x SURROUND of them."""

_LEAST_VARIANCE = 1e-12  # of the log ratio in dB^2: an image that came back as it was has a ratio of 1 and no structure


@dataclass(frozen=True)
class RatioSummary:
    """Mean and variance of the linear ratio over valid pixels, and its structure: correlations, None where there is
    nothing to compare.

    - `structure`: with the guide's structure. Above 0: edges and details of the scene are left in the ratio, as
      blurring leaves them. None without a guide.
    - `correlation`: of its block means with those 16 pixels away: whole areas that became brighter or darker.
    - `correlation_of_spread`: the same of the logarithm of the variance in a block: speckle that was kept here and
      smoothed there.
    """

    mean: float
    variance: float
    structure: float | None
    correlation: float | None
    correlation_of_spread: float | None


class RatioStatistics:
    """Adds up a ratio image window by window; blocks are counted from each window's corner."""

    def __init__(self) -> None:
        self._pixels, self._sum, self._squares = 0, 0.0, 0.0
        self._with_guide, self._of_mean, self._of_spread = _PairSums(), _PairSums(), _PairSums()

    def add(self, original_db: Floats, decoded_db: Floats, valid: Bools, guide_db: Floats | None = None) -> None:
        """One window: levels in dB (rows, cols), the mask, the guide's level (NaN where it has none)."""
        log_ratio = np.where(valid, original_db, 0.0).astype(np.float64) - np.where(valid, decoded_db, 0.0)
        ratio = 10 ** (log_ratio[valid] / 10)
        self._pixels += ratio.size
        self._sum += float(ratio.sum())
        self._squares += float(np.dot(ratio, ratio))
        if min(valid.shape) >= BLOCK_PX:
            self._add_distant(log_ratio, valid)
        if guide_db is not None and min(valid.shape) >= SURROUND * DETAIL_PX:
            self._add_guided(log_ratio, valid & np.isfinite(guide_db), guide_db)

    def _add_distant(self, log_ratio: Floats, valid: Bools) -> None:
        shape = tuple(size // BLOCK_PX for size in valid.shape)
        blocks = split_blocks(log_ratio, BLOCK_PX, BLOCK_PX)
        whole = split_blocks(valid, BLOCK_PX, BLOCK_PX).all(axis=(1, 2)).reshape(shape)
        mean = blocks.mean(axis=(1, 2)).reshape(shape)
        spread = np.log(np.maximum(blocks.var(axis=(1, 2)), _LEAST_VARIANCE)).reshape(shape)
        for here, there in ((np.s_[:, :-APART], np.s_[:, APART:]), (np.s_[:-APART], np.s_[APART:])):
            both = whole[here] & whole[there]
            self._of_mean.add(mean[here][both], mean[there][both])
            self._of_spread.add(spread[here][both], spread[there][both])

    def _add_guided(self, log_ratio: Floats, valid: Bools, guide_db: Floats) -> None:
        shape = tuple(size // DETAIL_PX for size in valid.shape)
        blocks = (
            split_blocks(image, DETAIL_PX, DETAIL_PX) for image in (log_ratio, power_of(np.where(valid, guide_db, 0.0)))
        )
        ratio, guide = (part.mean(axis=(1, 2)).reshape(shape) for part in blocks)
        whole = split_blocks(valid, DETAIL_PX, DETAIL_PX).all(axis=(1, 2)).reshape(shape)
        level, edge = 10 * np.log10(guide), SURROUND // 2
        inner = (slice(edge, -edge),) * 2
        kept = _surround(whole.astype(np.float64)) > 1 - 1e-9
        self._with_guide.add(ratio[inner][kept], (level[inner] - _surround(level))[kept])

    def summary(self) -> RatioSummary | None:
        """The figures, None if no valid pixel was added."""
        if not self._pixels:
            return None
        mean = self._sum / self._pixels
        variance = max(self._squares / self._pixels - mean**2, 0.0)
        parts = (part.correlation() for part in (self._with_guide, self._of_mean, self._of_spread))
        return RatioSummary(mean, variance, *parts)


class _PairSums:
    """Correlation of pairs (a, b), added up."""

    def __init__(self) -> None:
        self._pairs, self._sums = 0, np.zeros(5)

    def add(self, a: Floats, b: Floats) -> None:
        self._pairs += a.size
        self._sums += [a.sum(), b.sum(), np.dot(a, a), np.dot(b, b), np.dot(a, b)]

    def correlation(self) -> float | None:
        """None of fewer than two pairs; 0 where one side does not vary."""
        if self._pairs < 2:
            return None
        first, second, of_first, of_second, product = self._sums / self._pairs
        variances = of_first - first**2, of_second - second**2
        if min(variances) < _LEAST_VARIANCE:
            return 0.0
        return float((product - first * second) / np.sqrt(variances[0] * variances[1]))


def _surround(blocks: Floats) -> Floats:
    """Means of SURROUND x SURROUND where all are inside."""
    for axis in (0, 1):
        places = blocks.shape[axis] - SURROUND + 1
        first, *others = (np.take(blocks, np.arange(n, n + places), axis) for n in range(SURROUND))
        blocks = sum(others, first) / SURROUND
    return blocks

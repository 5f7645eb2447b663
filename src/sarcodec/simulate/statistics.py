"""Statistics of speckle on homogeneous ground, taken in the same way from real chips and from the simulator.

In: intensity (linear power). Out: effective looks, lag-1 correlations of log intensity, pooled normalised log
intensity. Opens no file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

PATCH_PX = 13
# Ships lie in the middle of their chips; a chip this wide leaves its corners at least 9 pixels from the middle.
CHIP_LEAST_PX = 45
# Halves of a homogeneous patch differ by less than this in natural log of mean intensity: about three standard
# deviations.
_HALVES_APART = 0.5


@dataclass(frozen=True)
class SpeckleStatistics:
    """`enl` = mean^2 / variance of intensity; `lag_across` (along a row) and `lag_along` (down a column): lag-1
    correlation of its log."""

    enl: float
    lag_across: float
    lag_along: float

    def rounded(self) -> dict[str, float]:
        """As plain numbers of three decimals, for a report."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def measure(intensity: Floats) -> SpeckleStatistics:
    """Statistics of one homogeneous image (rows, cols) of positive intensity."""
    if intensity.ndim != 2 or min(intensity.shape) < 3 or not (intensity > 0).all():
        raise InvalidArgument(f"intensity of shape {intensity.shape}; expected at least 3 x 3 pixels, all above 0")
    power = intensity.astype(np.float64)
    log = np.log(power)
    log -= log.mean()
    variance = np.square(log).mean()
    return SpeckleStatistics(
        enl=float(power.mean() ** 2 / power.var(ddof=1)),
        lag_across=float((log[:, 1:] * log[:, :-1]).mean() / variance),
        lag_along=float((log[1:] * log[:-1]).mean() / variance),
    )


def chip_corners(chips: Iterable[Floats]) -> Iterator[Floats]:
    """The four corners of PATCH_PX of every chip (rows, cols; DN amplitude) that is wide enough, in intensity."""
    for chip in chips:
        if min(chip.shape) < CHIP_LEAST_PX:
            continue
        power = np.square(chip, dtype=np.float64)
        yield from (
            power[:PATCH_PX, :PATCH_PX],
            power[:PATCH_PX, -PATCH_PX:],
            power[-PATCH_PX:, :PATCH_PX],
            power[-PATCH_PX:, -PATCH_PX:],
        )


def patches(intensity: Floats) -> Iterator[Floats]:
    """An image cut into patches of the size of `chip_corners`, one apart from the next by as much again, so that they
    are independent."""
    for row in range(0, intensity.shape[0] - PATCH_PX + 1, 2 * PATCH_PX):
        for col in range(0, intensity.shape[1] - PATCH_PX + 1, 2 * PATCH_PX):
            yield intensity[row : row + PATCH_PX, col : col + PATCH_PX]


def homogeneous(candidates: Iterable[Floats]) -> list[Floats]:
    """Those patches whose pixels are all above 0 and whose halves, either way, have about the same mean."""
    return [patch for patch in candidates if (patch > 0).all() and _halves_apart(patch) < _HALVES_APART]


def median_statistics(chosen: list[Floats]) -> SpeckleStatistics:
    """Median over patches of each statistic: the few patches with a ship's sidelobe or a front do not move it."""
    if not chosen:
        raise InvalidArgument("no homogeneous patch was found; expected at least one")
    found = [measure(patch) for patch in chosen]
    return SpeckleStatistics(
        *(float(np.median([getattr(one, name) for one in found])) for name in ("enl", "lag_across", "lag_along"))
    )


def normalised_log(chosen: list[Floats]) -> Floats:
    """Pooled 10 log10(intensity / mean of its patch), sorted: what the histograms are of."""
    return np.sort(np.concatenate([10 * np.log10(patch / patch.mean(dtype=np.float64)).ravel() for patch in chosen]))


def cdf_distance(first: Floats, second: Floats) -> float:
    """Largest difference of two cumulative histograms (Kolmogorov and Smirnov), 0..1; both sorted."""
    both = np.concatenate([first, second])
    shares = [np.searchsorted(values, both, side="right") / values.size for values in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def _halves_apart(patch: Floats) -> float:
    """Largest |log ratio| of the means of upper and lower, left and right halves."""
    middle = patch.shape[0] // 2, patch.shape[1] // 2
    ratios = (
        patch[: middle[0]].mean() / patch[middle[0] :].mean(),
        patch[:, : middle[1]].mean() / patch[:, middle[1] :].mean(),
    )
    return float(np.abs(np.log(ratios)).max())

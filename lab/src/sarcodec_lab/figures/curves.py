"""Rate-distortion curves: points, the measured curves of other codecs, and the Bjontegaard delta rate between two.

Needs scipy (extra `bench`) for the interpolation. Must not know how a point was measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.errors import InvalidArgument

WINDOW_DB = (0.4, 1.4)
"""RMSE in dB between which two curves are compared."""

_SAMPLES = 400
_SAME_QUALITY_DB = 1e-6


@dataclass(frozen=True)
class RateDistortion:
    """One point of a curve: bits of the whole stream / pixels, and mean squared error of the level in dB^2."""

    bits_per_pixel: float
    mse_db2: float

    def __post_init__(self) -> None:
        if not (0 < self.bits_per_pixel < np.inf and 0 < self.mse_db2 < np.inf):
            raise InvalidArgument(
                f"found {self.bits_per_pixel} bit/pixel and {self.mse_db2} dB^2, expected two positive finite numbers; "
                "leave lossless and empty points out of a curve"
            )

    @property
    def rmse_db(self) -> float:
        """Root of the mean squared error, dB."""
        return float(np.sqrt(self.mse_db2))


@dataclass(frozen=True)
class PeerCurves:
    """Curves of other codecs: (image, codec) -> points. Images are named `iw_berlin_b1.npy`, codecs `j2k`, `vvc`."""

    points: Mapping[tuple[str, str], tuple[RateDistortion, ...]]

    def find(self, image: str, codec: str) -> tuple[RateDistortion, ...] | None:
        """The curve, or None if that codec was not measured on that image."""
        return self.points.get((image, codec))


def load_peers(path: str | Path) -> PeerCurves:
    """Read a JSON of {image: {codec: [{"bpp": bit/pixel, "mse": dB^2, ...}]}}.

    InvalidArgument: the file is missing, or is not such a JSON.
    """
    try:
        measured = json.loads(Path(path).read_text(encoding="utf-8"))
        return PeerCurves(
            {
                (image, codec): tuple(RateDistortion(float(point["bpp"]), float(point["mse"])) for point in points)
                for image, codecs in measured.items()
                for codec, points in codecs.items()
            }
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidArgument(
            f"found no peer curves in {path} ({error!r}), expected JSON of image, codec and points with bpp and mse; "
            "give the path of such a file"
        ) from error


def bd_rate(
    anchor: Sequence[RateDistortion],
    test: Sequence[RateDistortion],
    window_db: tuple[float, float] = WINDOW_DB,
) -> float:
    """Percent more (+) or fewer (-) bits that `test` needs than `anchor` for the same error.

    Log rate over quality = -10 log10(MSE) is interpolated by PCHIP and averaged over the quality between the two RMSE
    of `window_db` (Bjontegaard, ITU-T VCEG-M33, with piecewise cubic Hermite as in JCTVC-L1100 instead of one cubic).
    InvalidArgument: a curve has no point at or beyond each end of the window, or the window is not two rising numbers.
    """
    low_db, high_db = window_db
    if not 0 < low_db < high_db:
        raise InvalidArgument(f"found the window {window_db}, expected two positive rising RMSE such as {WINDOW_DB} dB")
    worst, best = -20 * np.log10(high_db), -20 * np.log10(low_db)
    quality = np.linspace(worst, best, _SAMPLES)
    difference = _log_rate("test", test, window_db)(quality) - _log_rate("anchor", anchor, window_db)(quality)
    return float(np.expm1(np.trapezoid(difference, quality) / (best - worst)) * 100)


def _log_rate(
    name: str, points: Sequence[RateDistortion], window_db: tuple[float, float]
) -> Callable[[np.ndarray], np.ndarray]:
    """Log rate as a function of quality; of points of one quality the cheapest is kept."""
    _check_span(name, points, window_db)
    ordered = sorted((-10 * np.log10(point.mse_db2), np.log(point.bits_per_pixel)) for point in points)
    quality, log_rate = np.array(ordered).T
    kept = np.concatenate([[True], np.diff(quality) > _SAME_QUALITY_DB])
    return _pchip(quality[kept], log_rate[kept])


def _check_span(name: str, points: Sequence[RateDistortion], window_db: tuple[float, float]) -> None:
    errors_db = [point.rmse_db for point in points]
    if not errors_db or min(errors_db) > window_db[0] or max(errors_db) < window_db[1]:
        span = f"{min(errors_db):.3f} to {max(errors_db):.3f} dB RMSE" if errors_db else "no point"
        raise InvalidArgument(
            f"found the {name} curve to have {span}, expected a point beyond each end of "
            f"{window_db[0]} to {window_db[1]} dB; measure finer or coarser qualities"
        )


def _pchip(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    try:
        from scipy.interpolate import PchipInterpolator
    except ImportError as error:
        raise InvalidArgument("scipy is not installed; install sarcodec with the extra `bench`") from error
    return PchipInterpolator(x, y)

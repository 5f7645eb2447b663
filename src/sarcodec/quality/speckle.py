"""Speckle statistics of small windows: equivalent number of looks and lag-1 correlation.

In go levels in dB and a mask, out comes one record a window. Knows nothing of what is compared with what.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from sarcodec.arrays import Bools, Floats

WINDOW_PX = 15
"""Side of a window. Windows stand on a grid of `PITCH_PX`, so that scenes cut on it give the same windows."""

PITCH_PX = 16

_LARGEST_ENL = 1e6
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True)
class WindowStatistics:
    """Per window, float32 arrays of one length: looks, and correlation of the level with its neighbour.

    `across` is along a row (range in Sentinel-1 GRD), `along` is along a column (azimuth).
    """

    enl: Floats
    across: Floats
    along: Floats


def power_of(level_db: Floats) -> Floats:
    """Linear intensity of a level in dB, float64; any shape."""
    return np.power(10.0, np.asarray(level_db, dtype=np.float64) / 10.0)


def split_blocks(pixels: npt.NDArray[_Number], side_px: int, pitch_px: int) -> npt.NDArray[_Number]:
    """(rows, cols) -> (blocks, side, side): whole blocks only, row by row, corners at multiples of the pitch."""
    if min(pixels.shape) < side_px:
        return np.empty((0, side_px, side_px), dtype=pixels.dtype)
    views = np.lib.stride_tricks.sliding_window_view(pixels, (side_px, side_px))
    return views[::pitch_px, ::pitch_px].reshape(-1, side_px, side_px)


def measure_windows(level_db: Floats, kept: Bools) -> WindowStatistics:
    """Statistics of the windows that `kept` (one bool a window, in the order of `split_blocks`) asks for.

    ENL = mean^2 / variance of linear intensity, at most 1e6 (a window without any texture). The correlation is that of
    the level in dB about the window's mean; 0 in a window without texture.
    """
    levels = split_blocks(np.asarray(level_db, dtype=np.float64), WINDOW_PX, PITCH_PX)[kept]
    across, along = _lag_one(levels)
    return WindowStatistics(window_enl(levels), across, along)


def window_enl(levels: Floats) -> Floats:
    """ENL of each of (windows, side, side) levels in dB, float32."""
    power = power_of(levels)
    mean_squared = power.mean(axis=(1, 2)) ** 2
    variance = power.var(axis=(1, 2), ddof=1)
    found: Floats = (mean_squared / np.maximum(variance, mean_squared / _LARGEST_ENL)).astype(np.float32)
    return found


def _lag_one(levels: Floats) -> tuple[Floats, Floats]:
    deviation = levels - levels.mean(axis=(1, 2), keepdims=True)
    # A flat window has rounding noise only; the floor makes its correlation 0 instead of noise / noise.
    energy = np.maximum(np.mean(deviation**2, axis=(1, 2)), 1e-9)
    across = np.mean(deviation[:, :, 1:] * deviation[:, :, :-1], axis=(1, 2)) / energy
    along = np.mean(deviation[:, 1:, :] * deviation[:, :-1, :], axis=(1, 2)) / energy
    return across.astype(np.float32), along.astype(np.float32)

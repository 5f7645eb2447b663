"""Speckle as the radar and its processor make it: reflectivity (linear power) in, multilooked intensity out.

A white circular complex Gaussian field, finer than the output in range, is multiplied by the square root of the
reflectivity, filtered by the impulse response in azimuth, split into range looks (sub-bands of the chirp), detected and
averaged. Knows numpy arrays only: no file, no land, no network. `Sensor` holds the physics, everything else is
bookkeeping.

Filtering is done as matrix products with banded (Toeplitz) matrices on blocks of `BLOCK_ROWS` x `BLOCK_COLS` pixels:
one product gives all looks of 32 columns at once, which is what BLAS is fast at.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

BLOCK_ROWS = 64
BLOCK_COLS = 32
# Looks of the detected images that `reflectivity_of` is given, and how far above speckle's own spread structure begins
# (a window of 49 correlated pixels scatters by about a third).
EFFECTIVE_LOOKS = 4.6
SPECKLE_TOLERANCE = 1.5


@dataclass(frozen=True)
class Sensor:
    """What the processor does to the field. Bandwidths and spacings are in cycles per output pixel (0.5 = 20 m at 10 m
    pixels).

    The pass band of a look is a Hamming-type window `a + (1 - a) cos(2 pi f / bandwidth)` over its bandwidth, as the
    `swathProcParams` of a Sentinel-1 annotation state it (window coefficient `a`, 1 = no weighting).
    """

    name: str
    range_bandwidth: float
    azimuth_bandwidth: float
    range_window: float
    azimuth_window: float
    looks: int = 1
    look_spacing: float = 0.0
    samples: int = 1
    reach_px: int = 8

    def __post_init__(self) -> None:
        band = (self.looks - 1) * self.look_spacing + self.range_bandwidth
        if self.looks < 1 or self.reach_px < 1 or not 0 < self.azimuth_bandwidth <= 1 or not 0 < band <= self.samples:
            raise InvalidArgument(
                f"sensor {self.name!r}: {self.looks} looks take {band:.3f} cycles per pixel in range and "
                f"{self.azimuth_bandwidth:.3f} in azimuth; expected at least one look, a reach of at least 1 "
                f"pixel, and bands within {self.samples} and 1: widen `samples` or narrow the looks"
            )


# The annotation's numbers, rounded, not fitted. Middle swath, IW2: looks of 12.1 MHz, 3.05 MHz overlap, 39 degrees of
# incidence are 20 m, or 0.5 cycles per 10 m pixel, a quarter shared: centres 0.375 apart, five looks fill 2 cycles.
# Azimuth: 313 Hz at 6682 m/s over ground. Windows: 0.70 to 0.75 by swath. Effective looks of 4.83 follow from this.
GRDH = Sensor(
    "IW GRDH",
    range_bandwidth=0.5,
    azimuth_bandwidth=0.468,
    range_window=0.75,
    azimuth_window=0.75,
    looks=5,
    look_spacing=0.375,
    samples=2,
)
# IW SLC on its own grid: 48.3 MHz at 64.3 MHz sampling in range, 313 Hz at a line rate of 486 Hz in azimuth.
SINGLE_LOOK = Sensor("IW SLC", range_bandwidth=0.75, azimuth_bandwidth=0.65, range_window=0.73, azimuth_window=0.75)


def impulse_response(positions_px: Floats | Integers, bandwidth: float, window: float, reach_px: float) -> Floats:
    """Amplitude of the system at `positions_px` (any shape): the Fourier transform of the Hamming-type pass band,
    float64.

    The transform of `a + (1 - a) cos(2 pi f / B)` over B is three sincs; it is faded to 0 at `reach_px` + 1 by a raised
    cosine over its outer half, which keeps the pass band free of ripples (its sidelobes are 25 dB down there already).
    """
    turns = bandwidth * positions_px
    sincs = window * np.sinc(turns) + (1 - window) / 2 * (np.sinc(turns - 1) + np.sinc(turns + 1))
    edge = np.clip((np.abs(positions_px) / (reach_px + 1) - 0.5) * 2, 0, 1)
    found: Floats = sincs * (0.5 + 0.5 * np.cos(np.pi * edge))
    return found


@lru_cache(maxsize=8)
def _azimuth_matrix(sensor: Sensor) -> Floats:
    """(BLOCK_ROWS, BLOCK_ROWS + 2 reach): filters rows; unit energy, so white noise keeps its power."""
    reach = sensor.reach_px
    lag = np.arange(BLOCK_ROWS + 2 * reach)[None, :] - reach - np.arange(BLOCK_ROWS)[:, None]
    response = impulse_response(lag, sensor.azimuth_bandwidth, sensor.azimuth_window, reach) * (np.abs(lag) <= reach)
    found: Floats = (response / np.sqrt((response[0] ** 2).sum())).astype(np.float32)
    return found


@lru_cache(maxsize=8)
def _range_matrix(sensor: Sensor) -> Floats:
    """(2 inputs, 2 looks x BLOCK_COLS): real and imaginary parts interleaved in, one row of columns a look and part
    out."""
    reach, per_px = sensor.reach_px, sensor.samples
    inputs = np.arange((BLOCK_COLS + 2 * reach) * per_px)
    centre = (per_px - 1) / 2
    lag = (inputs[:, None] - centre) / per_px - reach - np.arange(BLOCK_COLS)[None, :]
    envelope = impulse_response(lag, sensor.range_bandwidth, sensor.range_window, reach) * (np.abs(lag) <= reach)
    envelope /= np.sqrt((envelope[:, 0] ** 2).sum() * sensor.looks)
    carriers = (np.arange(sensor.looks) - (sensor.looks - 1) / 2) * sensor.look_spacing
    taps = envelope[:, None, :] * np.exp(2j * np.pi * carriers[None, :, None] * lag[:, None, :])
    matrix = np.empty((inputs.size, 2, sensor.looks, 2, BLOCK_COLS))
    matrix[:, 0, :, 0], matrix[:, 0, :, 1] = taps.real, taps.imag
    matrix[:, 1, :, 0], matrix[:, 1, :, 1] = -taps.imag, taps.real
    return matrix.reshape(2 * inputs.size, -1).astype(np.float32)


def field_shape(rows: int, cols: int, sensor: Sensor = GRDH) -> tuple[int, int, int, int]:
    """Shape of the field that `detect` needs for rows x cols pixels: (rows + 2 reach, cols + 2 reach, samples, 2)."""
    reach = sensor.reach_px
    return rows + 2 * reach, cols + 2 * reach, sensor.samples, 2


def detect(field: Floats, sensor: Sensor = GRDH) -> Floats:
    """Field (rows + 2 reach, cols + 2 reach, samples, 2: real, imaginary) -> intensity (rows, cols) float32, mean of
    the looks.

    Rows and columns of the answer must be multiples of BLOCK_ROWS and BLOCK_COLS. A field of normals of variance 1/2
    comes out with mean 1. Each block is computed by products of one fixed shape, so that it does not depend on its
    neighbours' number.
    """
    reach, per_px = sensor.reach_px, sensor.samples
    rows, cols = field.shape[0] - 2 * reach, field.shape[1] - 2 * reach
    if rows % BLOCK_ROWS or cols % BLOCK_COLS or field.shape[2:] != (per_px, 2):
        raise InvalidArgument(
            f"field of shape {field.shape} for {sensor.name}: expected rows and columns of {BLOCK_ROWS} and "
            f"{BLOCK_COLS} plus {2 * reach}, then ({per_px}, 2); pad it as field_shape() says"
        )
    flat = field.reshape(field.shape[0], -1)
    azimuth, looks = _azimuth_matrix(sensor), _range_matrix(sensor)
    step, wide = BLOCK_COLS * per_px * 2, looks.shape[0]
    intensity = np.empty((rows, cols), np.float32)
    for row in range(0, rows, BLOCK_ROWS):
        strip = flat[row : row + BLOCK_ROWS + 2 * reach]
        for index in range(cols // BLOCK_COLS):
            parts = (azimuth @ strip[:, index * step : index * step + wide]) @ looks
            np.square(parts, out=parts)
            block = parts.reshape(BLOCK_ROWS, 2 * sensor.looks, BLOCK_COLS).sum(axis=1)
            intensity[row : row + BLOCK_ROWS, index * BLOCK_COLS : (index + 1) * BLOCK_COLS] = block
    return intensity


def speckle_intensity(rows: int, cols: int, rng: np.random.Generator, sensor: Sensor = GRDH) -> Floats:
    """Speckle of homogeneous ground: (rows, cols) float32 of unit mean, correlated as the sensor makes it."""
    return detect(_white_field(rows, cols, rng, sensor), sensor)[:rows, :cols]


def observe(reflectivity: Floats, rng: np.random.Generator, sensor: Sensor = GRDH) -> Floats:
    """What the sensor sees of `reflectivity` (rows, cols; linear power, >= 0): intensity (rows, cols) float32.

    The ground beyond the edges is taken as the mirror of the inside, so that no edge is darker than the rest.
    """
    rows, cols = reflectivity.shape
    field = _white_field(rows, cols, rng, sensor)
    amplitude = np.sqrt(reflectivity, dtype=np.float32)
    reach = sensor.reach_px
    padding = [(reach, field.shape[axis] - size - reach) for axis, size in enumerate((rows, cols))]
    field *= np.pad(amplitude, padding, mode="symmetric")[:, :, None, None]
    return detect(field, sensor)[:rows, :cols]


def reflectivity_of(intensity: Floats, looks_window: int = 7) -> Floats:
    """Estimate of the reflectivity (rows, cols float32) under a real image in linear intensity: speckle averaged out,
    edges kept.

    Lee's minimum mean square error filter (IEEE PAMI 2, 1980): the local mean over `looks_window` squared pixels, moved
    towards the pixel where the local variance exceeds that of speckle. Pixels that are not finite and positive take the
    mean of the rest.
    """
    valid = np.isfinite(intensity) & (intensity > 0)
    fill = intensity[valid].mean(dtype=np.float64) if valid.any() else 1.0
    known = np.where(valid, intensity, fill).astype(np.float32)
    mean = np.maximum(_box_mean(known, looks_window), np.finfo(np.float32).tiny)
    spread = np.maximum(
        _box_mean(np.square(known, dtype=np.float64), looks_window) / np.square(mean, dtype=np.float64) - 1, 0
    )
    speckle = 1 / EFFECTIVE_LOOKS
    excess = np.clip((spread - SPECKLE_TOLERANCE * speckle) / (spread + 1e-6) / (1 + speckle), 0, 1)
    return (mean + excess * (known - mean)).astype(np.float32)


def resimulate(intensity: Floats, rng: np.random.Generator, looks_window: int = 7, sensor: Sensor = GRDH) -> Floats:
    """A real image's structure under fresh, native speckle: linear intensity (rows, cols) in and out, float32."""
    return observe(reflectivity_of(intensity, looks_window), rng, sensor)


def _white_field(rows: int, cols: int, rng: np.random.Generator, sensor: Sensor) -> Floats:
    """Normals of variance 1/2 a part for at least rows x cols pixels, rounded up to whole blocks, in the shape for
    `detect`."""
    whole_rows, whole_cols = -(-rows // BLOCK_ROWS) * BLOCK_ROWS, -(-cols // BLOCK_COLS) * BLOCK_COLS
    field = rng.standard_normal(field_shape(whole_rows, whole_cols, sensor), dtype=np.float32)
    field *= np.float32(np.sqrt(0.5))
    return field


def _box_mean(image: Floats, size: int) -> Floats:
    """Mean over size x size pixels (odd), mirrored at the edges, by running sums down each axis, float64."""
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (size // 2 + 1, size // 2)
        sums = np.cumsum(np.pad(image, padding, mode="symmetric"), axis=axis, dtype=np.float64)
        upper, lower = [slice(None)] * 2, [slice(None)] * 2
        upper[axis], lower[axis] = slice(size, None), slice(None, -size)
        image = (sums[tuple(upper)] - sums[tuple(lower)]) / size
    return image

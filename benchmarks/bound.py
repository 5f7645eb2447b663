"""Bits on simulated homogeneous speckle beside the Gaussian rate-distortion bound of its spectrum.

    python benchmarks/bound.py [--size 1024] [--seeds 2] [--out FILE.json]

Scene: native IW GRDH speckle (simulate.speckle) over a constant reflectivity, uint16 DN. Bound: levels in dB as a stationary
Gaussian field with the power spectrum of sixteen other such scenes (periodograms of Hann-windowed 64 x 64 squares), reverse water-filling
(Berger, Rate Distortion Theory, 1971, 4.5). Real levels are not Gaussian, so it is an estimate from above of their bound (Gaussian fields
are the hardest of a spectrum). Rates are of files on disk, errors of pixels read back in fresh processes (`--reconstruct log`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from processes import compress_command, decompress_command, measure
from rasterio.errors import NotGeoreferencedWarning
from rd_val import level_db, read_band, write_plain

from sarcodec.simulate.speckle import speckle_intensity

QUALITIES = (40, 44, 48, 52, 56, 60)
SQUARE_PX, SPECTRUM_SCENES, SPECTRUM_PX = 64, 16, 512
MEAN_DN = 200.0


@dataclass(frozen=True)
class Point:
    """One quality: bits a pixel on disk, the bound at the same error, RMSE in dB."""

    quality: float
    bits_per_pixel: float
    bound: float
    rmse_db: float

    @property
    def over_percent(self) -> float:
        return 100 * (self.bits_per_pixel / self.bound - 1)


def scene(size: int, seed: int) -> np.ndarray:
    """DN (size, size) uint16 of speckle over one reflectivity."""
    power = MEAN_DN**2 * speckle_intensity(size, size, np.random.default_rng([11, seed]))
    return np.clip(np.rint(np.sqrt(power)), 1, 65535).astype(np.uint16)


def spectrum() -> np.ndarray:
    """Power spectrum of levels in dB^2 a sample (64, 64): its mean is their variance."""
    window = np.hanning(SQUARE_PX + 1)[:-1]
    window = np.outer(window, window)
    total, count = 0.0, 0
    for seed in range(SPECTRUM_SCENES):
        level = level_db(scene(SPECTRUM_PX, 1000 + seed))
        level -= level.mean()
        half = SQUARE_PX // 2
        for row in range(0, SPECTRUM_PX - SQUARE_PX + 1, half):
            for col in range(0, SPECTRUM_PX - SQUARE_PX + 1, half):
                square = level[row : row + SQUARE_PX, col : col + SQUARE_PX] * window
                total, count = total + np.abs(np.fft.fft2(square)) ** 2, count + 1
    return total / count / np.sum(window**2)


def bound(power: np.ndarray, mse: float) -> float:
    """Bits a pixel of a Gaussian field with this spectrum at a mean squared error."""
    low, high = 0.0, float(power.max())
    for _ in range(200):
        level = (low + high) / 2
        low, high = (level, high) if np.minimum(power, level).mean() < mse else (low, level)
    return float(np.mean(np.maximum(0.5 * np.log2(power / high), 0)))


def measure_point(dn: np.ndarray, quality: float, power: np.ndarray, folder: Path) -> Point:
    source, packed, decoded = (folder / name for name in ("scene.tif", "scene.sarc", "decoded.tif"))
    write_plain(source, dn)
    measure(compress_command(source, packed, quality, None))
    decoded.unlink(missing_ok=True)
    measure(decompress_command(packed, decoded, "--reconstruct", "log"))
    mse = float(np.mean((level_db(read_band(decoded, 1)) - level_db(dn)) ** 2))
    return Point(quality, 8 * packed.stat().st_size / dn.size, bound(power, mse), float(np.sqrt(mse)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=1024, help="side of the scenes in pixels")
    parser.add_argument("--seeds", type=int, default=2, help="how many scenes")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    power, points = spectrum(), []
    print(f"Deviation of the levels {np.sqrt(power.mean()):.3f} dB\n")
    print("| quality | RMSE dB | bit/pixel | Gaussian bound | over it |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for quality in QUALITIES:
            found = [
                measure_point(scene(arguments.size, s), quality, power, Path(name)) for s in range(arguments.seeds)
            ]
            mean = Point(
                quality,
                *(float(np.mean([getattr(p, f) for p in found])) for f in ("bits_per_pixel", "bound", "rmse_db")),
            )
            points.append(mean)
            print(
                f"| {quality} | {mean.rmse_db:.3f} | {mean.bits_per_pixel:.4f} | {mean.bound:.4f} | {mean.over_percent:+.1f} % |",
                flush=True,
            )
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(p) for p in points], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

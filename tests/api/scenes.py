"""Small scenes for the codec's tests, and the walk of one through a file and back."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import sarcodec
from golden.scenes import speckle
from sarcodec.api.compression import CompressReport
from sarcodec.api.verification import VerifyReport
from sarcodec.format.measure import Measure
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec.signal.radiometry import normalise

__all__ = ["Walked", "amplitude", "bits", "speckle", "store", "walk"]


def store(path: Path, pixels: np.ndarray, **about) -> Path:
    """Pixels (rows, cols) or (bands, rows, cols) as a GeoTIFF; about: keywords of SceneInfo."""
    pixels = pixels[None] if pixels.ndim == 2 else pixels
    bands, rows, cols = pixels.shape
    write_array(path, pixels, SceneInfo(rows, cols, bands, pixels.dtype.name, **about), overwrite=True)
    return path


def amplitude(seed: int, rows: int, cols: int, bands: int = 1) -> np.ndarray:
    """uint16 DN (bands, rows, cols), none of them 0."""
    return np.rint(300 * np.sqrt(speckle(seed, bands, rows, cols))).clip(1, 65535).astype(np.uint16)


def bits(pixels: np.ndarray) -> np.ndarray:
    """Pixels as the bits that they are."""
    return pixels.view(f"u{pixels.itemsize}")


@dataclass(frozen=True)
class Walked:
    """A scene before and after, and what compress and verify said of it."""

    before: np.ndarray
    after: np.ndarray
    info_before: SceneInfo
    info_after: SceneInfo
    report: CompressReport
    check: VerifyReport

    def levels(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Levels in dB before and after (bands, rows, cols), and which are valid in the original."""
        measure = Measure(self.report.domain, nodata=self.info_before.nodata[0])
        before, valid = normalise(self.before, measure)
        return before, normalise(self.after, measure)[0], valid

    def error_db(self) -> np.ndarray:
        """Errors in dB (n,) of the valid pixels, float64."""
        before, after, valid = self.levels()
        return after[valid].astype(np.float64) - before[valid]


def walk(pixels: np.ndarray, about: dict | None = None, threads: int = 1, **options) -> Walked:
    """Compress, verify against the original, decompress."""
    with tempfile.TemporaryDirectory() as folder:
        source, packed, target = (Path(folder) / name for name in ("in.tif", "scene.sarc", "out.tif"))
        store(source, pixels, **(about or {}))
        report = sarcodec.compress(source, packed, threads=threads, **options)
        check = sarcodec.verify(packed, against=source, threads=threads)
        sarcodec.decompress(packed, target, threads=threads)
        (before, info_before), (after, info_after) = read_array(source), read_array(target)
    return Walked(before, after, info_before, info_after, report, check)

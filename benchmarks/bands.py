"""Two polarisations in one file beside each in a file of its own: bytes on disk at equal error.

    python benchmarks/bands.py [--data FOLDER] [--effort 1] [--out FILE.json]

Every two-band image of FOLDER/val/{iw,ew}, plain uint16 as in `rd_val.py`, at several qualities in fresh processes. Error: that of
L = 20 log10(max(DN, 1)) over all pixels of both bands. BD-rate over 0.4 to 1.4 dB RMSE: the curve of one file against the curve
of two files' bytes together; an image whose levels scatter by less than 1.4 dB is compared up to 1.2 dB. Status 1 if an image needs
more bits in one file than in two.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from processes import compress_command, decompress_command, measure
from rasterio.errors import NotGeoreferencedWarning
from rd_val import ROOT, level_db

from sarcodec_lab.figures.curves import WINDOW_DB, RateDistortion, bd_rate

CALM_WINDOW_DB = (0.4, 1.2)
QUALITIES = (12, 20, 28, 36, 44, 52, 60)


@dataclass(frozen=True)
class Image:
    """Points (bits a pixel and band, MSE in dB^2) of one file and of two, and the BD-rate of one against two in percent.

    window_db: RMSE from and to.
    """

    name: str
    together: list[tuple[float, float]]
    apart: list[tuple[float, float]]
    bd_rate_percent: float
    window_db: tuple[float, float]


def write_plain(path: Path, pixels: np.ndarray) -> None:
    """Bands (bands, rows, cols) uint16 without nodata, georeferencing or tags."""
    bands, rows, cols = pixels.shape
    with rasterio.open(path, "w", driver="GTiff", width=cols, height=rows, count=bands, dtype="uint16") as target:
        target.write(pixels)


def round_trip(pixels: np.ndarray, quality: float, effort: int, folder: Path) -> tuple[int, float]:
    """Bytes of the file, and the sum of squared errors in dB^2 of what comes back of it."""
    scene, packed, decoded = (folder / name for name in ("scene.tif", "scene.sarc", "decoded.tif"))
    write_plain(scene, pixels)
    measure(compress_command(scene, packed, quality, None) + ["--effort", str(effort)])
    decoded.unlink(missing_ok=True)
    measure(decompress_command(packed, decoded, "--reconstruct", "log"))
    with rasterio.open(decoded) as source:
        error = level_db(source.read()) - level_db(pixels)
    return packed.stat().st_size, float(np.sum(error**2))


def measure_image(path: Path, effort: int) -> Image:
    """All points of one image."""
    with rasterio.open(path) as source:
        pixels = source.read()
    together, apart = [], []
    with tempfile.TemporaryDirectory() as name:
        for quality in QUALITIES:
            whole = round_trip(pixels, quality, effort, Path(name))
            alone = [round_trip(pixels[b : b + 1], quality, effort, Path(name)) for b in (0, 1)]
            for points, (size, squares) in ((together, whole), (apart, tuple(map(sum, zip(*alone))))):
                points.append((8 * size / pixels.size, squares / pixels.size))
    curves = [[RateDistortion(*point) for point in points] for points in (apart, together)]
    window = WINDOW_DB if together[0][1] > WINDOW_DB[1] ** 2 else CALM_WINDOW_DB
    return Image(path.stem, together, apart, bd_rate(*curves, window), window)


def as_markdown(images: list[Image]) -> str:
    lines = ["| image | BD-rate of one file against two | " + " | ".join(f"Q {q}" for q in QUALITIES) + " |"]
    lines.append("|---" * (len(QUALITIES) + 2) + "|")
    for image in images:
        saved = [100 * (a[0] / b[0] - 1) for a, b in zip(image.together, image.apart)]
        cells = " | ".join(f"{percent:+.1f} %" for percent in saved)
        note = "" if image.window_db == WINDOW_DB else f" (to {image.window_db[1]} dB)"
        lines.append(f"| {image.name} | {image.bd_rate_percent:+.2f} %{note} | {cells} |")
    mean = np.mean([image.bd_rate_percent for image in images])
    return "\n".join([*lines, f"| **mean** | {mean:+.2f} % |" + " |" * len(QUALITIES)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val/iw, val/ew (SARCODEC_DATA)")
    parser.add_argument("--effort", type=int, default=1, help="as in compress")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    paths = [p for family in ("iw", "ew") for p in sorted((arguments.data / "val" / family).glob("*.tif"))]
    if not paths:
        sys.exit(f"found no image in {arguments.data}/val/{{iw,ew}}; give --data or SARCODEC_DATA")
    images = [measure_image(path, arguments.effort) for path in paths]
    print(as_markdown(images))
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(image) for image in images], indent=1) + "\n")
    return int(any(image.bd_rate_percent > 0 for image in images))


if __name__ == "__main__":
    sys.exit(main())

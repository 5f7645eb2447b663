"""Bits a pixel of sarcodec and of other codecs at the same error, mean of the eight iw bands: a table to paste.

    python tools/site/rates.py ../shared/peers/val.json

sarcodec's points are those of docs/results/rate-distortion.md as they are printed there; the others' come from the file named.
Between points, log rate is interpolated over quality by PCHIP, as for BD-rate. Needs scipy (extra `bench`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator
from tables import number, tables_after

ERRORS_DB = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4)
PEERS = {
    "VVC": "vvc",
    "AV1": "avif",
    "JPEG XL": "jxl",
    "HEVC": "hevc",
    "JPEG 2000": "j2k",
    "SZ3": "sz3",
    "LERC": "lerc",
}


def main() -> None:
    peers = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    points = tables_after("rate-distortion", "All points (bit")[0]
    bands = [row for row in points.rows if row[0].startswith("iw_")]
    curves = {"sarcodec": [[_point(cell) for cell in row[1:]] for row in bands]}
    for name, codec in PEERS.items():
        measured = [peers[f"{row[0]}.npy"][codec] for row in bands]
        curves[name] = [[(point["bpp"], point["mse"] ** 0.5) for point in band] for band in measured]
    print("| RMSE dB | " + " | ".join(curves) + " |")
    print("|---" * (len(curves) + 1) + "|")
    for error in ERRORS_DB:
        means = [np.mean([_rate(band, error) for band in codec]) for codec in curves.values()]
        print(f"| {error:g} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")


def _point(cell: str) -> tuple[float, float]:
    """(bit/pixel, RMSE dB) of a cell such as `0.107 at 2.03`."""
    rate, error = cell.split(" at ")
    return number(rate), number(error)


def _rate(points: list[tuple[float, float]], error_db: float) -> float:
    """Bits a pixel at that error; of points of one quality the cheapest is kept."""
    best: dict[float, float] = {}
    for rate, error in points:
        quality = -20 * np.log10(error)
        best[quality] = min(rate, best.get(quality, np.inf))
    qualities = sorted(best)
    wanted = -20 * np.log10(error_db)
    if not qualities[0] <= wanted <= qualities[-1]:
        raise ValueError(f"found no points on both sides of {error_db} dB")
    return float(np.exp(PchipInterpolator(qualities, [np.log(best[quality]) for quality in qualities])(wanted)))


if __name__ == "__main__":
    main()

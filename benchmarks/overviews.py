"""Measures reduced pictures: their power, their error, their share of the file, and the time that they take beside decoding the whole.

    python benchmarks/overviews.py [--data FOLDER] [--rates 0.3,0.8] [--size 2048] [--repeats 7] [--out FILE.json]

Images: those of FOLDER/val/iw. At 1/8, 1/16 and 1/32 a reduced picture is held against the original reduced as `-r rms` of GDAL reduces amplitudes (the root of
the mean square of the valid pixels), and so is the decoded whole reduced in the same way. Bias: 10 log10 of the ratio of mean powers over the image, the worst band; error: RMSE
in dB over reduced pixels, both bands. Speed: process time with one thread to open a file and read all of it, over that of a reduced picture, of a mosaic of SIZE x SIZE pixels of the same
images, the least of REPEATS of each, taken in turn. Status 1 where a bias, a share of bytes or a ratio of times is beyond what is promised.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

import sarcodec
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import OVERVIEW, REDUCED_MASK

ROOT = Path(__file__).resolve().parents[1]
SIDES = (8, 16, 32)
MOST_BIAS_DB, LEAST_RATIO = 0.05, 7.0
MOST_SHARE = {0.3: 0.20, 0.8: 0.12}


@dataclass(frozen=True)
class Picture:
    """One image at one rate and reduction. `whole`: of the decoded whole, reduced."""

    image: str
    rate: float
    side: int
    bias_db: float
    rmse_db: float
    whole_bias_db: float
    whole_rmse_db: float


@dataclass(frozen=True)
class Share:
    """Bytes of the base payloads over those of the file, and of the two sections that only reduced pictures have, in thousandths of it."""

    image: str
    rate: float
    base: float
    own_thousandths: float


@dataclass(frozen=True)
class Speed:
    """Process time of the whole in ms, and how many times as fast each reduction is."""

    rate: float
    whole_ms: float
    ratios: dict[int, float]


def rms(pixels: np.ndarray, side: int) -> np.ndarray:
    """Root of the mean square of the valid (not 0) pixels of each square, 0 where there is none."""
    rows, cols = (np.arange(0, length, side) for length in pixels.shape)

    def total(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(np.add.reduceat(values, rows, axis=0), cols, axis=1)

    return np.sqrt(total(np.square(pixels.astype(np.float64))) / np.maximum(total((pixels > 0).astype(np.float64)), 1))


def compared(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Worst bias of a band and RMSE, dB; (bands, rows, cols) of amplitudes."""
    valid = [band > 0 for band in wanted]
    bias = [10 * np.log10(np.square(f[v]).mean() / np.square(w[v]).mean()) for f, w, v in zip(found, wanted, valid)]
    errors = [20 * np.log10(np.maximum(f[v], 0.5) / w[v]) for f, w, v in zip(found, wanted, valid)]
    return float(max(bias, key=abs)), float(np.sqrt(np.mean(np.square(np.concatenate(errors)))))


def pictures(name: str, pixels: np.ndarray, data: bytes, rate: float) -> list[Picture]:
    whole, found = sarcodec.decode(data), []
    for side in SIDES:
        wanted = np.stack([rms(band, side) for band in pixels])
        small = sarcodec.decode(data, reduce=side).astype(np.float64)
        after = np.stack([rms(band, side) for band in whole])
        found.append(Picture(name, rate, side, *compared(small, wanted), *compared(after, wanted)))
    return found


def share(name: str, data: bytes, rate: float) -> Share:
    with FileReader(data) as file:
        planes, own = file.header.planes, 0
        for number in range(file.header.entry_count):
            sections = file.base_sections(*divmod(number, planes))
            own += sum(len(s.payload) + 2 for s in sections if s.kind in (OVERVIEW, REDUCED_MASK))
        return Share(name, rate, file.directory.base_bytes / len(data), 1000 * own / len(data))


def mosaic(images: list[np.ndarray], size: int) -> np.ndarray:
    """Images of 512 x 512 beside each other, in an order of no meaning."""
    whole = [image[:, :512, :512] for image in images if min(image.shape[1:]) >= 512]
    count = -(-size // 512)
    rows = [np.concatenate([whole[(3 * r + 5 * c) % len(whole)] for c in range(count)], 2) for r in range(count)]
    return np.concatenate(rows, 1)[:, :size, :size]


def speed(data: bytes, rate: float, repeats: int) -> Speed:
    least = dict.fromkeys((None, *SIDES), np.inf)
    for _ in range(repeats):
        for side in least:
            began = time.process_time()
            with sarcodec.open(data, threads=1) as scene:
                scene.read(reduce=side)
            least[side] = min(least[side], time.process_time() - began)
    return Speed(rate, 1000 * least[None], {side: least[None] / least[side] for side in SIDES})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--rates", default="0.3,0.8")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    images = {}
    for path in sorted((options.data / "val" / "iw").glob("*.tif")):
        with rasterio.open(path) as source:
            images[path.stem] = source.read()
    made, shares, speeds = [], [], []
    for rate in map(float, options.rates.split(",")):
        for name, pixels in images.items():
            data = sarcodec.encode(pixels, nodata=0, target_bpp=rate)
            made += pictures(name, pixels, data, rate)
            shares.append(share(name, data, rate))
        data = sarcodec.encode(mosaic(list(images.values()), options.size), nodata=0, target_bpp=rate)
        speeds.append(speed(data, rate, options.repeats))
    report(made, shares, speeds)
    if options.out:
        found = {"pictures": made, "shares": shares, "speeds": speeds}
        options.out.write_text(json.dumps({k: [asdict(x) for x in v] for k, v in found.items()}, indent=1))
    return not kept(made, shares, speeds)


def report(made: list[Picture], shares: list[Share], speeds: list[Speed]) -> None:
    print(
        "| image | bits a pixel | | bias, dB | error, dB | bias of the whole, reduced | its error |\n|---|---|---|---|---|---|---|"
    )
    for p in made:
        numbers = (p.bias_db, p.rmse_db, p.whole_bias_db, p.whole_rmse_db)
        print(f"| {p.image} | {p.rate:g} | 1/{p.side} | {' | '.join(f'{n:.3f}' for n in numbers)} |")
    print(
        "\n| image | bits a pixel | base, % of the file | sections of reduced pictures, thousandths |\n|---|---|---|---|"
    )
    for s in shares:
        print(f"| {s.image} | {s.rate:g} | {100 * s.base:.1f} | {s.own_thousandths:.1f} |")
    print("\n| bits a pixel | whole, ms | 1/8 | 1/16 | 1/32 |\n|---|---|---|---|---|")
    for v in speeds:
        print(f"| {v.rate:g} | {v.whole_ms:.0f} | {' | '.join(f'{v.ratios[side]:.1f}' for side in SIDES)} |")


def kept(made: list[Picture], shares: list[Share], speeds: list[Speed]) -> bool:
    """Whether all is within what is promised."""
    right = all(abs(p.bias_db) <= MOST_BIAS_DB for p in made)
    small = all(s.base <= MOST_SHARE.get(s.rate, 1) for s in shares)
    return right and small and all(min(v.ratios.values()) >= LEAST_RATIO for v in speeds)


if __name__ == "__main__":
    sys.exit(main())

"""The study's table in the study's own way: latents as float numbers, no file. Beside it what linear transforms reach with as many numbers.

    python benchmarks/study_floats.py --data DATA [RUN|MODEL ...]

A RUN is a folder of `sarcodec train` (its best weights are taken), a MODEL one of `sarcodec publish`. Every band of val/iw is cut into tiles of
256 x 256, PSNR, SSIM, ENL ratio and EPI are those of `figures/study_metrics.py` (`sarcodec_lab.study.floats`); means over places, a place counts once, with 95 % bootstrap
intervals over places. "loss" is the study's 0.7 MSE + 0.3 (1 - SSIM) with the SSIM of the table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from sarcodec_lab.figures.study_metrics import tiles, to_study_unit
from sarcodec_lab.study.comparing.cases import find_cases
from sarcodec_lab.study.comparing.places import spread
from sarcodec_lab.study.floats import COLUMNS, in_unit, measured
from sarcodec_lab.study.linear import bilinear_gain, left_of_best_bands, lowest_of_blocks, spectrum
from sarcodec_lab.train.autoencoders.floats import network_of

BLOCKS = ((16, 1), (16, 2), (16, 4), (32, 8), (64, 16))
GAINS = (1.5, 3, 10, 100, 1000, 10_000)


def row(name: str, cases, transform) -> None:
    print("| " + " | ".join(measured(name, cases, transform).cells) + " |", flush=True)


def bounds(cases) -> None:
    """PSNR of the best linear transform, alone and behind bilinear up-sampling with a limited gain."""
    cut = [(case.place, to_study_unit(case.dn[part])) for case in cases for part in tiles(case.dn.shape)]
    cut = [(place, x) for place, x in cut if x.shape == (256, 256)]
    spectra = np.stack([spectrum(x) for _, x in cut])
    left_by_bilinear = bilinear_gain(spectra.shape[1:])
    print("\n| best 16 numbers a 16 x 16 px, filters of any length | PSNR dB |\n|---|---|")
    for gain in (*GAINS, None):
        within = np.ones_like(left_by_bilinear, bool) if gain is None else left_by_bilinear >= 1 / gain
        errors = left_of_best_bands(spectra, within)
        psnr = spread([(place, -10 * np.log10(error)) for (place, _), error in zip(cut, errors)])
        words = "no bilinear up-sampling" if gain is None else f"behind it, amplified up to {gain:g} times"
        print(f"| {words} | {psnr.mean:.2f} |", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--no-linear", action="store_true", help="networks alone")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scenes:
        cases = find_cases(options.data, "val", ("iw",), Path(scenes))
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    if not options.no_linear:
        for block_px, kept in BLOCKS:
            name = f"DCT, {kept} x {kept} lowest of {block_px} x {block_px}"
            row(name, cases, in_unit(lambda x, b=block_px, k=kept: lowest_of_blocks(x, b, k)))
    for folder in options.networks:
        seen = network_of(folder)
        row(seen.name, cases, seen)
    if not options.no_linear:
        bounds(cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())

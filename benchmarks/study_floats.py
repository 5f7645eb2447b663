"""The study's table in the study's own way: latents as float numbers, no file. Beside it what linear transforms reach with as many numbers.

    python benchmarks/study_floats.py --data DATA [RUN|MODEL ...]

A RUN is a folder of `sarcodec train` (its best weights are taken), a MODEL one of `sarcodec publish`. Every band of val/iw is cut into tiles of
256 x 256, PSNR, SSIM, ENL ratio and EPI are those of `figures/study_metrics.py`; means over places, a place counts once, with 95 % bootstrap
intervals over places. "loss" is the study's 0.7 MSE + 0.3 (1 - SSIM) with the SSIM of the table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from sarcodec_lab.figures.study_metrics import HIGH, LOW, study_figures, tiles, to_study_unit
from sarcodec_lab.networks.autoencoders import Autoencoder
from sarcodec_lab.networks.autoencoders.published import load
from sarcodec_lab.networks.levels import scale_of
from sarcodec_lab.study.comparing.cases import find_cases
from sarcodec_lab.study.comparing.places import spread
from sarcodec_lab.study.linear import bilinear_gain, left_of_best_bands, lowest_of_blocks, spectrum
from sarcodec_lab.train.autoencoders.keeping import BEST, read_best

BLOCKS = ((16, 1), (16, 2), (16, 4), (32, 8), (64, 16))
GAINS = (1.5, 3, 10, 100, 1000, 10_000)
FIGURES = {"psnr_study": 2, "ssim_study": 3, "enl_ratio_log": 2, "epi_cosine": 3}


def network_of(folder: Path):
    """(name and batches, network, scale) of a run or a published model."""
    if (folder / BEST).exists():
        best = read_best(folder)
        network = Autoencoder(best.recipe.shape)
        network.load_state_dict(best.weights)
        return f"{folder.name}, {best.batch} batches", network.eval(), best.recipe.scale
    model = load(folder)
    return f"{model.id}, {model.card['batches']} batches", model.network, scale_of(model.card["range"])


@torch.inference_mode()
def back(network, scale, dn: np.ndarray) -> np.ndarray:
    """Amplitudes that come back of a tile with its latents as they are."""
    level = 20 * np.log10(np.maximum(dn, 1.0))
    offset = float(level.mean())
    unit = scale.to_unit(level, offset).astype(np.float32)
    out = network(torch.from_numpy(unit)[None, None].contiguous(memory_format=torch.channels_last))[0]
    return 10 ** (scale.to_level(out.numpy()[0, 0].astype(np.float64), offset) / 20)


def in_unit(transform):
    """A transform of the study's x as one of amplitudes."""
    return lambda dn: 10 ** ((transform(to_study_unit(dn)) * (HIGH - LOW) + LOW) / 10)


def row(name: str, cases, transform) -> None:
    found = {figure: [] for figure in FIGURES}
    losses = []
    for case in cases:
        parts = list(tiles(case.dn.shape))
        figures = [study_figures(case.dn[p], transform(case.dn[p])) for p in parts]
        for figure in FIGURES:
            found[figure] += [(case.place, getattr(f, figure)) for f in figures]
        losses += [(case.place, 0.7 * 10 ** (-f.psnr_study / 10) + 0.3 * (1 - f.ssim_study)) for f in figures]
    cells = [shown(spread(found[figure]), digits) for figure, digits in FIGURES.items()] + [shown(spread(losses), 4)]
    print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def shown(found, digits: int) -> str:
    if found is None:
        return ""
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


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
    print("| what | PSNR dB | SSIM | ENL ratio | EPI | loss |\n|---|---|---|---|---|---|")
    if not options.no_linear:
        for block_px, kept in BLOCKS:
            name = f"DCT, {kept} x {kept} lowest of {block_px} x {block_px}"
            row(name, cases, in_unit(lambda x, b=block_px, k=kept: lowest_of_blocks(x, b, k)))
    for folder in options.networks:
        name, network, scale = network_of(folder)
        row(name, cases, lambda dn, n=network, s=scale: back(n, s, dn))
    if not options.no_linear:
        bounds(cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())

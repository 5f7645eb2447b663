"""How much SSIM do 16 numbers for 16 x 16 pixels hold? Linear choices, free choices, latents found by descent, and codecs at equal error.

    python benchmarks/study_ceiling.py --data DATA [--parts linear,codecs,free] [--decoders RUN ...] [--tiles 4]

Bands of val/iw in tiles of 256 x 256, figures as in `study_floats.py`. `linear`: DCT coefficients, a fixed set and the largest of each block, as
they are and amplified (all but the mean) for SSIM. `codecs`: JPEG 2000 and lapped32, SSIM at a given PSNR, and what SSIM 0.75 takes. `free`: for
one tile of each place, the latents that make the study's loss least, found by descent from those that the encoder gives, with the decoder as it is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from study_floats import row

import sarcodec
from sarcodec.raster.geotiff import read_array
from sarcodec_lab.figures.peers import decode_jpeg2000, encode_jpeg2000
from sarcodec_lab.figures.study_metrics import study_figures, tiles, to_study_unit
from sarcodec_lab.study.comparing.cases import find_cases
from sarcodec_lab.study.comparing.places import spread
from sarcodec_lab.study.floats import in_unit
from sarcodec_lab.study.linear import waves
from sarcodec_lab.train.autoencoders.floats import network_of
from sarcodec_lab.train.autoencoders.objective import ssim, study_loss
from sarcodec_lab.train.autoencoders.placed.detailing import CURVE, read_details
from sarcodec_lab.train.autoencoders.placed.details import Details
from sarcodec_lab.train.autoencoders.placed.placing import read_pair
from sarcodec_lab.train.checkpoint import BEST

PAIRS = ("lapped-15", "lapped-16")
STEPS, STEP = 150, 0.05
LEVELS_DB = (22.0, 23.0, 24.0, 25.0, 26.0)
ASKED = 0.75
ERRORS_DB = (2.2, 1.9, 1.6, 1.4, 1.2, 1.0)
QUALITIES = (15.0, 20.0, 25.0, 30.0, 35.0, 40.0)
CHOICES = ((32, True, 1.0), (32, True, 1.3), (32, False, 1.0), (32, False, 1.1), (64, False, 1.0), (64, False, 1.1))


def chosen(image: np.ndarray, block_px: int, fixed: bool, gain: float) -> np.ndarray:
    """Every block from a sixteenth of its coefficients: the lowest, or (not fixed) its largest; all but the mean are amplified. Past its border an image
    is mirrored."""
    height, width = image.shape
    image = np.pad(image, [(0, -side % block_px) for side in image.shape], mode="symmetric")
    rows, cols = (side // block_px for side in image.shape)
    basis = waves(block_px)
    blocks = image.reshape(rows, block_px, cols, block_px).swapaxes(1, 2)
    found = basis @ blocks @ basis.T
    kept = block_px // 4
    if fixed:
        mask = np.zeros((block_px, block_px), bool)
        mask[:kept, :kept] = True
    else:
        size = np.abs(found).reshape(rows, cols, -1)
        mask = (size >= np.partition(size, -(kept**2), -1)[..., -(kept**2), None]).reshape(found.shape)
    mean = found[..., 0, 0].copy()
    found = np.where(mask, found * gain, 0)
    found[..., 0, 0] = mean
    return (basis.T @ found @ basis).swapaxes(1, 2).reshape(image.shape)[:height, :width]


def linear(cases) -> None:
    print("\n| what | PSNR dB | SSIM | ENL ratio | EPI | loss |\n|---|---|---|---|---|---|")
    for block_px, fixed, gain in CHOICES:
        which = (
            f"{block_px // 4} x {block_px // 4} lowest" if fixed else f"{(block_px // 4) ** 2} largest of each block"
        )
        name = f"DCT of {block_px} x {block_px}, {which}" + (f", times {gain:g}" if gain != 1 else "")
        row(name, cases, in_unit(lambda x, c=(block_px, fixed, gain): chosen(x, *c)))


def curve_of_jpeg2000(case):
    level = 20 * np.log10(np.maximum(case.dn, 1.0)).astype(np.float32)
    for error in ERRORS_DB:
        data = encode_jpeg2000(level, 20 * np.log10(96 / error))
        yield 8 * len(data) / case.dn.size, 10 ** (decode_jpeg2000(data).astype(np.float64) / 20)


def curve_of_codec(case):
    with tempfile.TemporaryDirectory() as folder:
        for quality in QUALITIES:
            file, back = Path(folder) / "a.sarc", Path(folder) / "a.tif"
            sarcodec.compress(
                case.scene, file, quality=quality, model="lapped32", domain="amplitude", threads=1, overwrite=True
            )
            sarcodec.decompress(file, back, reconstruct="log", overwrite=True)
            yield 8 * file.stat().st_size / case.dn.size, read_array(back)[0][0].astype(np.float64)


def codecs(cases) -> None:
    heads = " | ".join(f"SSIM at {level:g} dB" for level in LEVELS_DB)
    print(f"\n| codec | {heads} | PSNR dB at SSIM {ASKED} | bit/pixel there |\n|" + "---|" * (len(LEVELS_DB) + 3))
    for name, curve in (("JPEG 2000", curve_of_jpeg2000), ("lapped32", curve_of_codec)):
        found = [[] for _ in range(len(LEVELS_DB) + 2)]
        for case in cases:
            points = []
            for bits, dn in curve(case):
                figures = study_figures(case.dn, dn)
                points.append((figures.psnr_study, figures.ssim_study, bits))
            psnr, likeness, bits = np.array(sorted(points)).T
            values = [between(level, psnr, likeness) for level in LEVELS_DB]
            values += [between(ASKED, likeness, psnr), between(ASKED, likeness, bits)]
            for place, value in zip(found, values):
                place += [(case.place, value)] if np.isfinite(value) else []
        means = [spread(values) if values else None for values in found]
        digits = [3] * len(LEVELS_DB) + [2, 3]
        print(
            f"| {name} | "
            + " | ".join("" if m is None else f"{m.mean:.{d}f} ({len(v)})" for m, d, v in zip(means, digits, found))
            + " |",
            flush=True,
        )


def between(at: float, x: np.ndarray, y: np.ndarray) -> float:
    """y at x = at, nan beyond the curve."""
    return float(np.interp(at, x, y, np.nan, np.nan))


def free(cases, count: int, runs) -> None:
    """Direct and best latents, decoder by decoder."""
    firsts = {}
    for case in cases:
        firsts.setdefault(case.place, case)
    parts = [to_study_unit(case.dn[tiles(case.dn.shape)[0]]) for case in list(firsts.values())[:count]]
    side = min(min(part.shape) for part in parts) // 32 * 32
    x = torch.from_numpy(np.stack([part[:side, :side] for part in parts])[:, None].astype(np.float32))
    print(f"\n| decoder ({len(x)} tiles of {side} x {side}) | latents | PSNR dB | SSIM | loss |\n|---|---|---|---|---|")
    for name in PAIRS:
        pair = read_pair(Path("lab/recipes/starts") / f"{name}.safetensors")
        descend(name, x, pair.latent(x), pair.made_of)
    for folder in runs:
        if (folder / CURVE).exists():
            details = Details()
            batches = read_details(details, folder / BEST)
            for parameter in details.parameters():
                parameter.requires_grad_(False)
            descend(f"{folder.name}, {batches} batches", x, details.latent(x), details.made_of)
            continue
        seen = network_of(folder)
        for parameter in seen.network.parameters():
            parameter.requires_grad_(False)
        with torch.no_grad():
            latent = seen.network.encoder(x)
        descend(seen.name, x, latent, seen.network.decoder)


def descend(name: str, x: torch.Tensor, latent: torch.Tensor, decoder) -> None:
    size = latent.std()
    free = (latent / size).clone().requires_grad_()
    optimiser = torch.optim.Adam([free], lr=STEP)
    for step in range(STEPS + 1):
        back = decoder(free * size).clamp(0, 1)
        loss = study_loss(back, x)
        if step in (0, STEPS):
            told(name, "of its encoder" if step == 0 else f"after {STEPS} steps of descent", back.detach(), x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def told(name: str, what: str, back: torch.Tensor, x: torch.Tensor) -> None:
    psnr = np.mean([-10 * np.log10(float((a - b).square().mean())) for a, b in zip(back, x)])
    print(
        f"| {name} | {what} | {psnr:.2f} | {float(ssim(back, x)):.3f} | {float(study_loss(back, x)):.4f} |", flush=True
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--parts", default="linear,codecs,free")
    parser.add_argument(
        "--decoders", nargs="*", type=Path, default=(), help="runs (also of details) whose decoders are tried as well"
    )
    parser.add_argument("--tiles", type=int, default=4, help="of different places, for `free`")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scenes:
        cases = find_cases(options.data, "val", ("iw",), Path(scenes))
        parts = options.parts.split(",")
        if "linear" in parts:
            linear(cases)
        if "free" in parts:
            free(cases, options.tiles, options.decoders)
        if "codecs" in parts:
            codecs(cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())

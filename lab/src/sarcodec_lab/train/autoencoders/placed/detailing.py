"""The training of `Details` by a recipe's objective, with checkpoints. In: crops, a folder; out: the folder's files.

FOLDER/last.safetensors and best.safetensors hold weights and the batch, FOLDER/curve.csv the development figures.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.autoencoders.objective import coarser, loss_of, rounding
from sarcodec_lab.train.autoencoders.placed.details import Details
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.checkpoint import BEST, LAST, write_tensors

CURVE = "curve.csv"
RATE, WARM_BATCHES, CLIP, FINAL = 5e-4, 100, 0.5, 0.02
FACTORS = {"analysis": 0.1, "synthesis": 0.02, "drawing": 0.4, "filter_out": 0.4}
"""Rates over that of the others: these read a thousand numbers that move together."""
Report = Callable[[str], None]


def train_details(
    details: Details,
    crops: Callable[[], torch.Tensor],
    dev: torch.Tensor,
    folder: Path,
    recipe: AutoencoderRecipe,
    batches: int,
    judge_every: int = 250,
    rate: float = RATE,
    report: Report = print,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Go on from FOLDER's last weights, if there are any, to `batches`: Adam, warmed up, cosine; moments are not kept.

    dev: development crops (n, 1, h, w); recipe: the objective, and with 'rate-distortion' the step of the latents and its spread.
    """
    done, best = resumed(details, folder), _best_so_far(folder)
    groups = [{"params": [p], "factor": FACTORS.get(name.split(".")[0], 1.0)} for name, p in details.named_parameters()]
    optimiser, began = torch.optim.Adam(groups, lr=rate, fused=True), time.monotonic()
    steps = np.random.default_rng([recipe.seed, done])
    if not done:
        best = _judged(details, dev, folder, recipe, 0, best, report)
    for batch in range(done, batches):
        if stop():
            write_tensors(folder / LAST, details.state_dict(), batch)
            return
        part = 0.5 * (1 + math.cos(math.pi * batch / batches))
        now = rate * (FINAL + (1 - FINAL) * part) * min(1.0, (batch - done + 1) / WARM_BATCHES)
        for group in optimiser.param_groups:
            group["lr"] = now * group["factor"]
        loss, _ = loss_of(AsNetwork(details, recipe), crops(), recipe, step_of(recipe), coarser(recipe, steps))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(details.parameters(), CLIP)
        optimiser.step()
        if (batch + 1) % judge_every == 0 or batch + 1 == batches:
            pace = (batch + 1 - done) / (time.monotonic() - began)
            report(f"batch {batch + 1} of {batches}, {pace:.2f}/s, rate {now:.1e}, loss {loss.item():.4f}")
            best = _judged(details, dev, folder, recipe, batch + 1, best, report)


class AsNetwork:
    """Details with the doors of the network that they will be placed in. Levels are cut at the reach of the recipe's, as its last layer does."""

    def __init__(self, details: Details, recipe: AutoencoderRecipe):
        self.encoder, self._made_of, self._reach = details.latent, details.made_of, recipe.scale.clip

    def decoder(self, latent: torch.Tensor) -> torch.Tensor:
        return self._made_of(latent).clamp(*self._reach)

    def __call__(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        latent = self.encoder(x)
        return self.decoder(latent), latent


def step_of(recipe: AutoencoderRecipe) -> float:
    """Of the latents: a pair that was fitted by rate and distortion has steps of one."""
    return recipe.latent_step or 1.0


def resumed(details: Details, folder: Path) -> int:
    """Load FOLDER's last weights and say after how many batches they are; 0 where there are none."""
    return read_details(details, folder / LAST) if (folder / LAST).exists() else 0


def read_details(details: Details, path: Path) -> int:
    """Load weights that `train_details` left; their batch. Raises InvalidArgument where they are of something else."""
    try:
        details.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
        with safe_open(path, "pt") as file:
            return int((file.metadata() or {}).get("step", 0))
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise InvalidArgument(f"{path} does not hold a decoder's details ({error}); train them again") from error


def read_curve(folder: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Batches and development figures by name (loss and its parts); empty where nothing was judged. Of a batch that was judged twice the later counts."""
    if not (folder / CURVE).exists():
        return {}
    head, *lines = [line.split(",") for line in (folder / CURVE).read_text().splitlines()]
    latest = sorted({int(line[0]): [float(value) for value in line[1:]] for line in lines}.items())
    batches = np.array([batch for batch, _ in latest])
    return {name: (batches, np.array([values[n] for _, values in latest])) for n, name in enumerate(head[1:])}


def _best_so_far(folder: Path) -> float:
    if not (folder / CURVE).exists():
        return math.inf
    return min((float(line.split(",")[1]) for line in (folder / CURVE).read_text().splitlines()[1:]), default=math.inf)


@torch.no_grad()
def _judged(
    details: Details,
    dev: torch.Tensor,
    folder: Path,
    recipe: AutoencoderRecipe,
    batch: int,
    best: float,
    report: Report,
) -> float:
    """Write a row of the curve, the last weights, and the best; the best loss so far."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, float] = {}
    for x in dev.split(1):
        with rounding():
            _, parts = loss_of(AsNetwork(details, recipe), x, recipe, step_of(recipe))
        for name, value in parts.items():
            found[name] = found.get(name, 0.0) + value.item() / len(dev)
    if not (folder / CURVE).exists():
        (folder / CURVE).write_text(",".join(["batch", *found]) + "\n")
    with open(folder / CURVE, "a") as curve:
        curve.write(",".join([str(batch), *(f"{value:.6f}" for value in found.values())]) + "\n")
    report(f"dev at {batch}: " + " ".join(f"{name} {value:.5f}" for name, value in found.items()))
    write_tensors(folder / LAST, details.state_dict(), batch)
    if found["loss"] < best:
        write_tensors(folder / BEST, details.state_dict(), batch)
    return min(found["loss"], best)

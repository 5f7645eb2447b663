"""The development score: averaged weights on places that are not trained on, at five steps. Knows no optimiser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.networks.transforms import BLOCK, crop
from sarcodec_lab.train.device import mixed_precision
from sarcodec_lab.train.loss import per_sample

DEV_STEPS = (272, 320, 368, 416, 464)
SHOWN_STEP = 368


@dataclass(frozen=True)
class Score:
    """value: mean log cost over places, bands and steps, lower is better: each band alone, and each second band that leans on
    the first; by_step: mean bits per pixel and RMSE in dB of bands alone; leaning: mean log cost of a second band that leans,
    less that of the same band alone."""

    value: float
    by_step: dict[int, tuple[float, float]]
    leaning: float

    def __str__(self) -> str:
        points = " ".join(f"s{s} {bpp:.4f} bpp {rmse:.4f} dB" for s, (bpp, rmse) in self.by_step.items())
        return f"score {self.value:.5f} leaning {self.leaning:+.5f} {points}"


@contextmanager
def averaged(model: DctCodec, average: dict[str, torch.Tensor]) -> Iterator[None]:
    """The model with the averaged weights in it, for judging; its own come back afterwards."""
    kept = {k: v.clone() for k, v in model.state_dict().items()}
    model.load_state_dict(average)
    model.eval()
    try:
        yield
    finally:
        model.load_state_dict(kept)


@torch.no_grad()
def judge(model: DctCodec, places: list[torch.Tensor], rate_constant: float) -> Score:
    """Score of a model in evaluation mode on places (bands, 1, rows, cols) as `patches.dev_patches` gives them, at least one."""
    by_step, alone, leaning, gained = {}, [], [], []
    for s in DEV_STEPS:
        results = []
        for x in places:
            bands = [_costs(model, band[None], s, rate_constant)[-1] for band in x]
            results += bands
            for first, second in zip(range(0, len(x), 2), range(1, len(x), 2)):
                cost = _costs(model, x[[first, second]], s, rate_constant)[-1][2]
                leaning.append(cost)
                gained.append(cost - bands[second][2])
        alone += [cost for _, _, cost in results]
        by_step[s] = tuple(sum(r[i] for r in results) / len(results) for i in (0, 1))
    return Score(_mean(alone + leaning), by_step, _mean(gained))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _costs(model: DctCodec, x: torch.Tensor, s: int, rate_constant: float) -> list[tuple[float, float, float]]:
    """Bits per pixel, RMSE in dB and log cost of each band of x (1 or 2, ...), the second leaning on the first."""
    index = torch.full((len(x),), s, device=x.device)
    inner = torch.zeros(len(x), 4, dtype=torch.bool, device=x.device)
    with mixed_precision(x.device):
        outcome = model(x, index, inner, torch.ones(1, device=x.device) if len(x) == 2 else None)
    rate, mse, cost = per_sample(outcome, index, rate_constant)
    return list(zip(rate.tolist(), mse.sqrt().tolist(), cost.log().tolist()))


@torch.no_grad()
def side_by_side(model: DctCodec, x: torch.Tensor) -> torch.Tensor:
    """The first band of a place and what is decoded of it at a middle step, as grey (1, rows, 2 cols) from 0 to 1."""
    inner = torch.zeros(1, 4, dtype=torch.bool, device=x.device)
    with mixed_precision(x.device):
        latents = model(x[:1], torch.tensor([SHOWN_STEP], device=x.device), inner).latents
    decoded = model.transform.back(latents, inner)
    x = crop(x[:1], BLOCK)
    low, high = torch.quantile(x.flatten(), torch.tensor([0.02, 0.98], device=x.device))
    pair = torch.cat([x, decoded.float()], 3)[0]
    return ((pair - low) / (high - low).clamp(min=1e-3)).clamp(0, 1).cpu()

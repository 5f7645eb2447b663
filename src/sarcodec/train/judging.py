"""The development score: averaged weights on places that are not trained on, at five steps. Knows no optimiser."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from sarcodec.networks.dct_codec import DctCodec

from .device import mixed_precision
from .loss import per_sample

DEV_STEPS = (272, 320, 368, 416, 464)
SHOWN_STEP = 368


@dataclass(frozen=True)
class Score:
    """value: mean log cost over places and steps, lower is better; by_step: mean bits per pixel and RMSE in dB."""

    value: float
    by_step: dict[int, tuple[float, float]]

    def __str__(self) -> str:
        points = " ".join(f"s{s} {bpp:.4f} bpp {rmse:.4f} dB" for s, (bpp, rmse) in self.by_step.items())
        return f"score {self.value:.5f} {points}"


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
    """Score of a model in evaluation mode on patches (1, 1, rows, cols), at least one."""
    by_step, logs = {}, []
    for s in DEV_STEPS:
        results = [_cost(model, x, s, rate_constant) for x in places]
        logs += [cost for _, _, cost in results]
        by_step[s] = tuple(sum(r[i] for r in results) / len(results) for i in (0, 1))
    return Score(sum(logs) / len(logs), by_step)


def _cost(model: DctCodec, x: torch.Tensor, s: int, rate_constant: float) -> tuple[float, float, float]:
    index = torch.tensor([s], device=x.device)
    with mixed_precision(x.device):
        outcome = model(x, index)
    rate, mse, cost = per_sample(outcome, x, index, rate_constant)
    return rate.item(), mse.sqrt().item(), cost.log().item()


@torch.no_grad()
def side_by_side(model: DctCodec, x: torch.Tensor) -> torch.Tensor:
    """A patch (1, 1, rows, cols) and what is decoded of it at a middle step, as grey (1, rows, 2 cols) from 0 to 1."""
    with mixed_precision(x.device):
        decoded = model(x, torch.tensor([SHOWN_STEP], device=x.device)).pixels
    low, high = torch.quantile(x.flatten(), torch.tensor([0.02, 0.98], device=x.device))
    pair = torch.cat([x, decoded.float()], 3)[0]
    return ((pair - low) / (high - low).clamp(min=1e-3)).clamp(0, 1).cpu()

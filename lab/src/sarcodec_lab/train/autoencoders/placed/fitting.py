"""The linear parts of a placed start, fitted to images. In: crops in the study's scale (B, 1, h, w); out: filters, a synthesis, a bend."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from sarcodec_lab.networks.autoencoders import REDUCTION_PX, Autoencoder
from sarcodec_lab.study.linear import waves
from sarcodec_lab.train.autoencoders.placed.decoder import PLACES, TAPS, Bend, Stage, Synthesis
from sarcodec_lab.train.autoencoders.placed.encoder import FILTER_PX, FILTERS, MARGIN_PX
from sarcodec_lab.train.autoencoders.placed.wiring import values

RATE, RIDGE = 4e-3, 1e-4
_AT_ONCE = 2  # crops that are run through a network
_REACH_PX = 3 * REDUCTION_PX  # of the synthesis that filters are fitted with


def fitted_filters(crops: Callable[[], torch.Tensor], batches: int) -> torch.Tensor:
    """(15, 32, 32): the analysis of the best pair of overlapping filters, from the lowest waves of single cells on; latents have a deviation of 1."""
    analysis, synthesis = _lowest_waves()
    optimiser = torch.optim.Adam([analysis, synthesis], lr=RATE)
    for batch in range(batches):
        optimiser.param_groups[0]["lr"] = RATE * (0.5 * (1 + math.cos(math.pi * batch / batches)) + 2e-3)
        x = crops() - 0.5
        latent = F.conv2d(x, analysis, stride=REDUCTION_PX, padding=MARGIN_PX)
        back = F.conv_transpose2d(latent, synthesis, stride=REDUCTION_PX, padding=REDUCTION_PX)
        loss = F.mse_loss(back, x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        latent = F.conv2d(crops() - 0.5, analysis, stride=REDUCTION_PX, padding=MARGIN_PX)
        return (analysis / latent.std((0, 2, 3)).view(-1, 1, 1, 1))[:, 0].detach()


def _lowest_waves() -> tuple[torch.Tensor, torch.Tensor]:
    """(15, 1, 32, 32) and (15, 1, 48, 48): the 4 x 4 lowest of a cell without the highest."""
    lowest = waves(REDUCTION_PX)[:PLACES]
    pairs = sorted(((u, v) for u in range(PLACES) for v in range(PLACES)), key=lambda pair: (sum(pair), pair))[:FILTERS]
    cells = torch.tensor(np.stack([np.outer(lowest[u], lowest[v]) for u, v in pairs])[:, None], dtype=torch.float32)
    around = (_REACH_PX - REDUCTION_PX) // 2
    padded = [F.pad(cells, [margin] * 4).requires_grad_() for margin in ((FILTER_PX - REDUCTION_PX) // 2, around)]
    return padded[0], padded[1]


@torch.no_grad()
def fitted_synthesis(network: Autoencoder, stage: Stage, block: torch.nn.Module, x: torch.Tensor) -> Synthesis:
    """Least squares of pixels on what the decoder's block at a quarter of a side reads of the latents. x: (B, 1, h, w)."""
    stream = torch.cat([values(network.decoder, network.encoder(part), block) for part in x.split(_AT_ONCE)])
    stream = stream / stage.second.scale
    read = torch.stack([stream[:, stage.names[f"z{number}+"]] for number in range(FILTERS)], 1)
    count, _, rows, cols = read.shape
    around = F.unfold(read, 3, padding=1).view(count, FILTERS, 3, 3, rows, cols)
    pixels = F.pixel_unshuffle(x, PLACES)
    weight, bias = torch.zeros(PLACES, PLACES, PLACES**2, FILTERS, 3, 3), torch.zeros(PLACES, PLACES, PLACES**2)
    for row in range(PLACES):
        for col in range(PLACES):
            own = around[..., TAPS[row], :, :, :][..., TAPS[col], :, :][..., row::PLACES, col::PLACES]
            seen = own.permute(0, 4, 5, 1, 2, 3).flatten(3).flatten(0, 2).double()
            wanted = pixels[..., row::PLACES, col::PLACES].permute(0, 2, 3, 1).flatten(0, 2).double()
            found, constant = _least_squares(seen, wanted)
            shaped = found.T.view(PLACES**2, FILTERS, len(TAPS[row]), len(TAPS[col])).float()
            target = torch.zeros(PLACES**2, FILTERS, 3, len(TAPS[col]))
            target[:, :, TAPS[row]] = shaped
            weight[row, col][..., TAPS[col]] = target
            bias[row, col] = constant.float()
    return Synthesis(weight, bias)


def _least_squares(seen: torch.Tensor, wanted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, a), (n, b) -> weights (a, b) and constants (b,), with a small ridge."""
    mean_seen, mean_wanted = seen.mean(0), wanted.mean(0)
    seen, wanted = seen - mean_seen, wanted - mean_wanted
    square = seen.T @ seen + RIDGE * len(seen) * torch.eye(seen.shape[1], dtype=seen.dtype)
    weight = torch.linalg.solve(square, seen.T @ wanted)
    return weight, mean_wanted - mean_seen @ weight


def logit_bend(knots: tuple[float, ...], ends: tuple[float, float] = (0.02, 0.98)) -> Bend:
    """The logit in straight pieces between knots, the first of them 0; behind the last one it goes on to its second end at 1."""
    points = np.array([*knots, 1.0])
    heights = np.log(np.clip(points, *ends) / (1 - np.clip(points, *ends)))
    rises = np.diff(heights) / np.diff(points)
    return Bend(tuple(map(float, knots)), tuple(map(float, np.diff(rises, prepend=0.0))), float(heights[0]))

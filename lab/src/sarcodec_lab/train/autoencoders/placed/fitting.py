"""The linear parts of a placed start, fitted to images. In: crops in the study's scale (B, 1, h, w); out: filters, a synthesis, a bend."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from sarcodec_lab.networks.autoencoders import REDUCTION_PX, Autoencoder
from sarcodec_lab.networks.levels import SPAN_DB
from sarcodec_lab.study.linear import waves
from sarcodec_lab.train.autoencoders.objective import gaussian_bits, study_loss
from sarcodec_lab.train.autoencoders.placed.decoder import LATENTS, PLACES, TAPS, Bend, Stage, Synthesis
from sarcodec_lab.train.autoencoders.placed.encoder import FILTER_PX, MARGIN_PX
from sarcodec_lab.train.autoencoders.placed.wiring import values

RATE, RATE_OF_LOSS, WARM_BATCHES, RIDGE = 4e-3, 5e-4, 50, 1e-4
REPORT_EVERY = 100
MIDDLE = 0.5
Report = Callable[[str], None]
_BEND_STEPS, _BEND_RATE, _BEND_LEVELS, _DARKEST, _OFTEN = 1500, 0.01, 4000, 0.02, 0.7
_AT_ONCE = 2  # crops that are run through a network
_REACH_PX = 3 * REDUCTION_PX  # of the synthesis that filters are fitted with


@dataclass(frozen=True)
class Pair:
    """analysis (C, 1, 32, 32) over levels less one half, of latents with a deviation of 1; synthesis (C, 1, 48, 48), about its cell."""

    analysis: torch.Tensor
    synthesis: torch.Tensor

    @property
    def channels(self) -> int:
        return len(self.analysis)

    def latent(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) -> (B, C, h / 16, w / 16)."""
        return F.conv2d(x - MIDDLE, self.analysis, stride=REDUCTION_PX, padding=MARGIN_PX)

    def back(self, x: torch.Tensor) -> torch.Tensor:
        """What comes back of levels x (B, 1, h, w)."""
        return self.made_of(self.latent(x))

    def made_of(self, latent: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, 1, 16 h, 16 w)."""
        return F.conv_transpose2d(latent, self.synthesis, stride=REDUCTION_PX, padding=REDUCTION_PX) + MIDDLE


def fitted_pair(
    crops: Callable[[], torch.Tensor],
    channels: int,
    around_px: int,
    batches: int,
    batches_of_loss: int,
    distortion_weight: float = 0.0,
    report: Report = print,
) -> Pair:
    """Overlapping filters from the lowest waves of single cells on: `batches` by squared error, then some by the study's loss; with a
    distortion_weight these go by rate and distortion instead, and latents come out in steps.

    around_px: how far beyond its cell the synthesis reaches, up to 16.
    """
    pair = _scaled(Pair(*_lowest_waves(channels)), crops())
    within = _within(around_px)
    pair = _descended(pair, within, crops, batches, RATE, _squared_error, report)
    pair = _scaled(pair, crops())
    if not distortion_weight:
        return _scaled(
            _descended(pair, within, crops, batches_of_loss, RATE_OF_LOSS, _study_objective, report), crops()
        )
    pair = _in_steps(pair, distortion_weight)
    return _descended(
        pair, within, crops, batches_of_loss, RATE_OF_LOSS, _rate_and_distortion(distortion_weight), report
    )


def _descended(pair: Pair, within: torch.Tensor, crops, batches: int, rate: float, objective, report: Report) -> Pair:
    """The pair after some batches of Adam, cosine schedule; each side moves in units of its own size."""
    sizes = pair.analysis.std(), pair.synthesis.std()
    parts = [(part / size).requires_grad_() for part, size in zip((pair.analysis, pair.synthesis), sizes)]
    optimiser = torch.optim.Adam(parts, lr=rate)
    for batch in range(batches):
        warm = min(1.0, (batch + 1) / WARM_BATCHES)
        optimiser.param_groups[0]["lr"] = rate * warm * (0.5 * (1 + math.cos(math.pi * batch / batches)) + 2e-3)
        loss = objective(Pair(parts[0] * sizes[0], parts[1] * sizes[1] * within), crops())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if (batch + 1) % REPORT_EVERY == 0:
            report(f"filters, batch {batch + 1} of {batches}: {loss.item():.5f}")
    return Pair(parts[0].detach() * sizes[0], parts[1].detach() * sizes[1] * within)


@torch.no_grad()
def _scaled(pair: Pair, x: torch.Tensor) -> Pair:
    """The same with latents of a deviation of 1."""
    deviation = pair.latent(x).std((0, 2, 3)).view(-1, 1, 1, 1)
    return Pair(pair.analysis / deviation, pair.synthesis * deviation)


def _in_steps(pair: Pair, weight: float) -> Pair:
    """The same with latents in steps of one, each as wide as a fine quantiser's would be for this weight: one step more costs as much in squared
    error, d(weight SPAN_DB^2 step^2 / 12), as it saves in bits, d(log2 step)."""
    step = math.sqrt(6 / (math.log(2) * weight * SPAN_DB**2))
    factor = pair.synthesis.square().sum((1, 2, 3), keepdim=True).sqrt() / step
    return Pair(pair.analysis * factor, pair.synthesis / factor)


def _squared_error(pair: Pair, x: torch.Tensor) -> torch.Tensor:
    return F.mse_loss(pair.back(x), x)


def _study_objective(pair: Pair, x: torch.Tensor) -> torch.Tensor:
    return study_loss(pair.back(x), x)


def _rate_and_distortion(weight: float):
    """Bits a pixel and weight times the squared error in dB, with uniform noise of one step for the rounding."""

    def objective(pair: Pair, x: torch.Tensor) -> torch.Tensor:
        latent = pair.latent(x)
        error = F.mse_loss(pair.made_of(latent + torch.rand_like(latent) - 0.5), x) * SPAN_DB**2
        return gaussian_bits(latent) * pair.channels / REDUCTION_PX**2 + weight * error

    return objective


def _within(around_px: int) -> torch.Tensor:
    inside = torch.zeros(_REACH_PX, _REACH_PX)
    edge = REDUCTION_PX - around_px
    inside[edge : _REACH_PX - edge, edge : _REACH_PX - edge] = 1
    return inside


def _lowest_waves(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(C, 1, 32, 32) and (C, 1, 48, 48): the first C of the 4 x 4 lowest of a cell."""
    lowest = waves(REDUCTION_PX)[:PLACES]
    pairs = sorted(((u, v) for u in range(PLACES) for v in range(PLACES)), key=lambda pair: (sum(pair), pair))[
        :channels
    ]
    cells = torch.tensor(np.stack([np.outer(lowest[u], lowest[v]) for u, v in pairs])[:, None], dtype=torch.float32)
    around = (_REACH_PX - REDUCTION_PX) // 2
    padded = [F.pad(cells, [margin] * 4) for margin in ((FILTER_PX - REDUCTION_PX) // 2, around)]
    return padded[0], padded[1]


@torch.no_grad()
def fitted_synthesis(
    network: Autoencoder, stage: Stage, block: torch.nn.Module, x: torch.Tensor, wanted: torch.Tensor
) -> Synthesis:
    """Least squares of what is wanted of x on what the decoder's block at a quarter of a side reads of the latents. Both (B, 1, h, w)."""
    stream = torch.cat([values(network.decoder, network.encoder(part), block) for part in x.split(_AT_ONCE)])
    stream = stream / stage.second.scale
    read = torch.stack([stream[:, stage.names[f"{name}+"]] for name in LATENTS], 1)
    count, _, rows, cols = read.shape
    around = F.unfold(read, 3, padding=1).view(count, len(LATENTS), 3, 3, rows, cols)
    pixels = F.pixel_unshuffle(wanted, PLACES)
    weight, bias = torch.zeros(PLACES, PLACES, PLACES**2, len(LATENTS), 3, 3), torch.zeros(PLACES, PLACES, PLACES**2)
    for row in range(PLACES):
        for col in range(PLACES):
            own = around[..., TAPS[row], :, :, :][..., TAPS[col], :, :][..., row::PLACES, col::PLACES]
            seen = own.permute(0, 4, 5, 1, 2, 3).flatten(3).flatten(0, 2).double()
            made = pixels[..., row::PLACES, col::PLACES].permute(0, 2, 3, 1).flatten(0, 2).double()
            found, constant = _least_squares(seen, made)
            shaped = found.T.view(PLACES**2, len(LATENTS), len(TAPS[row]), len(TAPS[col])).float()
            target = torch.zeros(PLACES**2, len(LATENTS), 3, len(TAPS[col]))
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


def fitted_bend(levels: torch.Tensor, pieces: int, reach: tuple[float, float] = (0.0, 1.0)) -> Bend:
    """What undoes a sigmoid that is stretched to `reach`, of levels above its lower end: straight pieces with the least squared error."""
    low, high = reach
    levels = levels.clamp(low, high).flatten() - low
    levels = levels[:: max(1, len(levels) // _BEND_LEVELS)]
    part = 0.5 * (
        1 - torch.cos(math.pi * torch.arange(pieces + 1) / pieces)
    )  # closer where the logit is steeper, and where levels are
    points = (1 - _OFTEN) * part * (high - low) + _OFTEN * torch.quantile(levels, part)
    points[0], points[-1] = 0, high - low
    heights = torch.logit((points / (high - low)).clamp(_DARKEST, 1 - _DARKEST))
    slopes = torch.diff(torch.diff(heights) / torch.diff(points), prepend=torch.zeros(1)).requires_grad_()
    knots, base = points[1:-1].clone().requires_grad_(), heights[0].clone().requires_grad_()
    optimiser = torch.optim.Adam([knots, slopes, base], lr=_BEND_RATE)
    with torch.enable_grad():
        for step in range(_BEND_STEPS):
            optimiser.param_groups[0]["lr"] = _BEND_RATE * 0.5 * (1 + math.cos(math.pi * step / _BEND_STEPS))
            at = torch.cat([torch.zeros(1), knots])
            bent = base + (torch.relu(levels[:, None] - at) * slopes).sum(1)
            loss = F.mse_loss((high - low) * torch.sigmoid(bent), levels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return Bend((0.0, *knots.tolist()), tuple(slopes.tolist()), base.item())

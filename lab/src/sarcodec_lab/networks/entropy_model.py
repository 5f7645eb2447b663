"""The entropy model: what is known of a latent before it is read. Trained with the roundings that its integer twin has.

    latents y --> hyper analysis --> z (1/64) --> [table of channel and octave]         y: 1024 channels a cell of 32x32
                                     |
                     hyper synthesis (integers)                                          four channel groups, low
                                     v                                                   frequencies first, each in
    decoded groups --> features --> accumulator --> relu --> 1x1 --> relu --> 1x1        two checkerboard halves:
                                     ^                        (mean, log2 scale) of this pass       eight passes
    reference band --> features -----+                        and gain: how much of the reference's latent the mean takes

Every activation lies on the grid 0, 1/16 ... 255/16, every feature on -127/16 ... 127/16: `bitstream.exact` runs the same
layers with integer weights. Means and scales are in units of the channel's typical deviation, so that they mean the same at
every step.
"""

import torch
from torch import nn
from torch.nn import functional as F

from sarcodec.signal.lapped import CHANNELS
from sarcodec_lab.networks.steps import KNOTS, interpolate
from sarcodec_lab.networks.transforms import per_cell, zeroed

GROUPS = (16, 80, 288, 640)
GRID = 16.0
HYPER_CHANNELS = 24
POOL = (1, 1, 2, 16)  # channels of a group that share one feature of size
REFERENCE_REACH = (3, 3, 1, 1)  # cells across from which a reference's features are taken, by group


class RoundThrough(torch.autograd.Function):
    """round() with the gradient of the identity."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def on_grid(x: torch.Tensor) -> torch.Tensor:
    """ReLU onto the activation grid: floor(16 x + 1/2) / 16 between 0 and 255/16."""
    return RoundThrough.apply((x * GRID).clamp(0, 255)) / GRID


def companded(u: torch.Tensor) -> torch.Tensor:
    """|u| on the feature grid: round(16 log2(1 + 4 |u|)) / 16, at most 127/16."""
    return (torch.log2(1 + 4 * u.abs()) * GRID).round().clamp(max=127) / GRID


def features(u: torch.Tensor, group: int) -> torch.Tensor:
    """What later passes see of a decoded group, u = latent / typical deviation (B, g, rows, cols).

    Low frequencies: the value itself in 1/20, and its companded size; high frequencies: sizes summed over POOL channels.
    """
    size, pool = companded(u), POOL[group]
    if group < 2:
        return torch.cat([(u * 20).round().clamp(-127, 127) / GRID, size], 1)
    b, g, rows, cols = u.shape
    return torch.floor(size.view(b, g // pool, pool, rows, cols).sum(2) * GRID * (1.25 / pool)) / GRID


FEATURE_CHANNELS = tuple(g // p * (2 if n < 2 else 1) for n, (g, p) in enumerate(zip(GROUPS, POOL)))


class PaddedResidual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.second.weight.data *= 0.1

    def forward(self, x):
        return x + self.second(F.relu(self.first(x)))


class HyperAnalysis(nn.Module):
    """u (B, 1024, rows, cols) and the step plane -> z (B, 24, rows/2, cols/2). Runs in the encoder only, in float."""

    def __init__(self, width=192):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(CHANNELS + GROUPS[0] + 1, width, 1),
            nn.ReLU(),
            PaddedResidual(width),
            nn.Conv2d(width, HYPER_CHANNELS, 2, 2),
        )

    def forward(self, u, step_plane):
        size = torch.log2(1 + 4 * u.abs())
        return self.layers(torch.cat([size, u[:, : GROUPS[0]].clamp(-8, 8), step_plane], 1))


class HyperSynthesis(nn.Module):
    """z, whole numbers (B, 24, n, m) -> side features on the activation grid (B, 128, 2 n, 2 m)."""

    def __init__(self, width=96, out=128):
        super().__init__()
        self.first = nn.Conv2d(HYPER_CHANNELS, 4 * width, 1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.third = nn.Conv2d(width, out, 1)

    def forward(self, z):
        x = on_grid(F.pixel_shuffle(self.first(z), 2))
        x = on_grid(self.second(x))
        return on_grid(self.third(x))


class ContextModel(nn.Module):
    """Mean and log2 scale of each pass from the side features, what was decoded before it, and a reference band if any."""

    def __init__(self, side=128, width=256, hidden=192):
        super().__init__()
        self.from_side = nn.Conv2d(side, width, 1, bias=False)
        self.from_group = nn.ModuleList(nn.Conv2d(c, width, 3, padding=1, bias=False) for c in FEATURE_CHANNELS)
        self.bias = nn.Parameter(torch.zeros(2 * len(GROUPS), width, KNOTS))
        self.hidden = nn.ModuleList(nn.Conv2d(width, hidden, 1) for _ in range(2 * len(GROUPS)))
        self.head = nn.ModuleList(nn.Conv2d(hidden, 2 * g, 1) for g in GROUPS for _ in (0, 1))
        self.from_reference = nn.ModuleList(
            zeroed(nn.Conv2d(c, width, reach, padding=reach // 2, bias=False))
            for c, reach in zip(FEATURE_CHANNELS, REFERENCE_REACH)
        )
        self.gain = nn.ModuleList(zeroed(nn.Conv2d(hidden, g, 1)) for g in GROUPS for _ in (0, 1))
        for head in self.head:
            head.weight.data *= 0.2
            nn.init.zeros_(head.bias)

    def predict(self, accumulator, number, s, gain=False):
        """Pass `number` (2 * group + half): mean, log2 scale and, if asked for, gain, (B, g, rows, cols) each, float32."""
        x = on_grid(accumulator + interpolate(self.bias[number], s)[:, :, None, None])
        x = on_grid(self.hidden[number](x))
        with torch.autocast(x.device.type, enabled=False):
            layers = (self.head[number], self.gain[number]) if gain else (self.head[number],)
            head, *more = (per_cell(x.float(), layer.weight, layer.bias) for layer in layers)
            return *head.chunk(2, 1), *more

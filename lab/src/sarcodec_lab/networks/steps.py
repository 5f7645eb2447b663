"""The quantiser: one step index for a tile and band, one learned step a channel; the same law in torch and in integers.

step_db(s) = 2 ** (s / 64 - 4); a channel's step is that times 2 ** w_c(s), w_c linear between 11 knots (one an octave).
"""

import torch
from torch import nn

STEPS = 640
STEPS_PER_OCTAVE = 64
KNOTS = STEPS // STEPS_PER_OCTAVE + 1


def log2_step(s: torch.Tensor) -> torch.Tensor:
    """log2 of the step in dB for a step index."""
    return s / STEPS_PER_OCTAVE - 4.0


def interpolate(knots: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """Values at step index s (B,) of a table (..., KNOTS) that is linear between its knots: (B, ...)."""
    position = s.float() / STEPS_PER_OCTAVE
    low = position.floor().clamp(0, KNOTS - 2)
    part = (position - low).view(-1, *[1] * (knots.dim() - 1))
    k = low.long()
    return torch.movedim(knots[..., k], -1, 0) * (1 - part) + torch.movedim(knots[..., k + 1], -1, 0) * part


class ChannelSteps(nn.Module):
    """log2 of each channel's step in dB at step index s: (B, channels)."""

    def __init__(self, channels: int):
        super().__init__()
        self.offsets = nn.Parameter(torch.zeros(channels, KNOTS))

    def forward(self, s):
        return log2_step(s)[:, None] + interpolate(self.offsets, s)

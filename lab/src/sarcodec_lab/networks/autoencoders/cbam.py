"""Convolutional block attention (Woo et al., arXiv:1807.06521): what a channel and a place are worth, as gates from 0 to 1.

An untrained gate is about a half. The study's CBAM scales the shortcut too, so sixteen blocks begin with next to nothing of their
input; open gates go from 0 to 2 and begin at about 1.

Both gates look at the whole tile (the channel gate pools over it), so a network with CBAM is bound to its tile size.
"""

import torch
from torch import nn

REDUCTION = 16
SPATIAL_KERNEL = 7


class ChannelGate(nn.Module):
    """(B, c, h, w) -> gates (B, c, 1, 1): average and maximum over the tile through one shared MLP without biases, summed."""

    def __init__(self, channels: int):
        super().__init__()
        hidden = max(channels // REDUCTION, 1)
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1, bias=False),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.mlp(x.mean((2, 3), keepdim=True)) + self.mlp(x.amax((2, 3), keepdim=True)))


class SpatialGate(nn.Module):
    """(B, c, h, w) -> gates (B, 1, h, w): maximum and mean over the channels through one 7x7 convolution without bias."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 1, SPATIAL_KERNEL, padding=SPATIAL_KERNEL // 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.conv(torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)))


class CBAM(nn.Module):
    """x times the channel gate, then times the spatial gate; either can be left out. Open gates are twice as high."""

    def __init__(self, channels: int, channel_gate: bool = True, spatial_gate: bool = True, open_gates: bool = False):
        super().__init__()
        self.height = 2.0 if open_gates else 1.0
        self.channel = ChannelGate(channels) if channel_gate else None
        self.spatial = SpatialGate() if spatial_gate else None

    @torch.no_grad()
    def even(self) -> None:
        """Make every gate sigmoid(0): a half, or 1 where they are open."""
        for last in (self.channel and self.channel.mlp[-1], self.spatial and self.spatial.conv):
            if last is not None:
                nn.init.zeros_(last.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.channel is not None:
            x = x * (self.height * self.channel(x))
        if self.spatial is not None:
            x = x * (self.height * self.spatial(x))
        return x

"""Analysis and synthesis transforms: an orthonormal block DCT with a convolutional branch beside it.

In: levels in dB (B, 1, rows, cols) less the band's offset; out: latents (B, 1024, rows/32, cols/32) in dB, and back.
Convolutions never pad: what lies outside the scene is zero in the pixels and in the latents, given as a halo.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from sarcodec.published import dct_matrix

BLOCK = 32
CHANNELS = BLOCK * BLOCK
ANALYSIS_HALO_CELLS = 1
SYNTHESIS_HALO_CELLS = 2
LEVEL_SCALE_DB = 10.0


def dct_basis() -> np.ndarray:
    """Orthonormal two-dimensional DCT-II basis, (1024, 1024), low frequencies first."""
    return dct_matrix(BLOCK)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with weights and bias at zero: a branch that begins silent."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def crop(x: torch.Tensor, margin: int) -> torch.Tensor:
    return x[..., margin:-margin, margin:-margin] if margin else x


def per_cell(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """A 1x1 convolution as a matrix product: x (B, in, n, m), weight (out, in, 1, 1) -> (B, out, n, m)."""
    return F.linear(x.permute(0, 2, 3, 1), weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """x + conv3(relu(conv3(x))), without padding: loses two cells on each side."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3)
        self.second = nn.Conv2d(channels, channels, 3)
        self.second.weight.data *= 0.1

    def forward(self, x):
        return crop(x, 2) + self.second(F.relu(self.first(x)))


class BlockAnalysis(nn.Module):
    """Learned block transform (B, 1, 32 n, 32 m) -> (B, 1024, n, m), always in float32."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(dct_basis()).reshape(CHANNELS, CHANNELS, 1, 1).clone())

    def forward(self, pixels):
        with torch.autocast(pixels.device.type, enabled=False):
            return per_cell(F.pixel_unshuffle(pixels.float(), BLOCK), self.weight)


class BlockSynthesis(nn.Module):
    """Learned inverse block transform (B, 1024, n, m) -> (B, 1, 32 n, 32 m), always in float32."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(
            torch.tensor(dct_basis()).reshape(CHANNELS, CHANNELS).T.reshape(CHANNELS, CHANNELS, 1, 1).clone()
        )

    def forward(self, latents):
        with torch.autocast(latents.device.type, enabled=False):
            return F.pixel_shuffle(per_cell(latents.float(), self.weight), BLOCK)


class Analysis(nn.Module):
    """Pixels with a halo of one cell (B, 1, 32 (n + 2), 32 (m + 2)) -> latents (B, 1024, n, m) in dB."""

    def __init__(self, widths=(32, 96, 160, 256)):
        super().__init__()
        a, b, c, d = widths
        self.linear = BlockAnalysis()
        self.quarter = nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(16, a, 3), ResidualBlock(a))
        self.eighth_in = nn.Conv2d(a, b, 2, 2)
        self.eighth = ResidualBlock(b)
        self.deeper = nn.Sequential(nn.Conv2d(b, c, 2, 2), nn.ReLU(), nn.Conv2d(c, d, 2, 2), nn.ReLU())
        self.last = zeroed(nn.Conv2d(d, CHANNELS, 1))
        self.register_buffer("channel_scale", torch.ones(1, CHANNELS, 1, 1))

    def branch(self, pixels):
        """The convolutional part, in units of each channel's typical deviation."""
        x = self.quarter(pixels / LEVEL_SCALE_DB)  # halo left: 32 - 12 = 20 px = 5 quarter cells
        x = self.eighth(self.eighth_in(crop(x, 1)))  # 16 px = 2 eighth cells, both used
        return self.last(self.deeper(x))

    def forward(self, pixels):
        linear = self.linear(crop(pixels, ANALYSIS_HALO_CELLS * BLOCK))
        return linear + self.branch(pixels).float() * self.channel_scale


class Synthesis(nn.Module):
    """Latents with a halo of two cells (B, 1024, n + 4, m + 4) in dB and the step plane -> pixels (B, 1, 32 n, 32 m).

    The step plane (B, 1, n + 4, m + 4) is log2(step in dB) / 4, zero outside the scene.
    """

    def __init__(self, widths=(192, 160, 80)):
        super().__init__()
        a, b, c = widths
        self.linear = BlockSynthesis()
        self.register_buffer("channel_scale", torch.ones(1, CHANNELS, 1, 1))
        self.enter = nn.Sequential(nn.Conv2d(CHANNELS + 1, a, 1), nn.ReLU(), nn.Conv2d(a, 4 * b, 1), nn.PixelShuffle(2))
        self.sixteenth = ResidualBlock(b)
        self.up = nn.Sequential(nn.Conv2d(b, 4 * c, 1), nn.PixelShuffle(2))
        self.eighth = ResidualBlock(c)
        self.last = zeroed(nn.Conv2d(c, 64, 3))

    def branch(self, latents, step_plane):
        x = self.enter(torch.cat([latents / self.channel_scale, step_plane], 1))  # 4 sixteenth cells of halo
        x = self.up(self.sixteenth(x))  # 2 left = 4 eighth cells
        x = self.last(self.eighth(crop(x, 1)))  # 3 eighth cells, all used
        return F.pixel_shuffle(x, 8) * LEVEL_SCALE_DB

    def forward(self, latents, step_plane):
        linear = self.linear(crop(latents, SYNTHESIS_HALO_CELLS))
        return linear + self.branch(latents, step_plane).float()

"""Analysis and synthesis transforms: an orthonormal block DCT with a convolutional branch beside it.

In: levels in dB (B, 1, rows, cols) less the band's offset; out: latents (B, 256, rows/16, cols/16) in dB, and back.
Convolutions never pad: what lies outside the scene is zero in the pixels and in the latents, given as a halo.
"""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

BLOCK = 16
CHANNELS = BLOCK * BLOCK
ANALYSIS_HALO_CELLS = 3
SYNTHESIS_HALO_CELLS = 5
LEVEL_SCALE_DB = 10.0


def dct_basis(block: int = BLOCK) -> np.ndarray:
    """Orthonormal two-dimensional DCT-II basis, (block * block, 1, block, block), low frequencies first."""
    k, i = np.arange(block)[:, None], np.arange(block)[None]
    d = np.sqrt(2 / block) * np.cos(np.pi * (2 * i + 1) * k / (2 * block))
    d[0] /= np.sqrt(2)
    basis = np.einsum("ai,bj->abij", d, d).reshape(block * block, block, block)
    order = np.argsort([a * a + b * b for a in range(block) for b in range(block)], kind="stable")
    return basis[order][:, None].astype(np.float32)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with weights and bias at zero: a branch that begins silent."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def crop(x: torch.Tensor, margin: int) -> torch.Tensor:
    return x[..., margin:-margin, margin:-margin] if margin else x


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
    """Learned block transform (B, 1, 16 n, 16 m) -> (B, 256, n, m), always in float32."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(dct_basis()).reshape(CHANNELS, CHANNELS, 1, 1).clone())

    def forward(self, pixels):
        with torch.autocast("cpu", enabled=False):
            return F.conv2d(F.pixel_unshuffle(pixels.float(), BLOCK), self.weight)


class BlockSynthesis(nn.Module):
    """Learned inverse block transform (B, 256, n, m) -> (B, 1, 16 n, 16 m), always in float32."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(dct_basis()).reshape(CHANNELS, CHANNELS).T.reshape(CHANNELS, CHANNELS, 1, 1).clone())

    def forward(self, latents):
        with torch.autocast("cpu", enabled=False):
            return F.pixel_shuffle(F.conv2d(latents.float(), self.weight), BLOCK)


class Analysis(nn.Module):
    """Pixels with a halo of 3 cells (B, 1, 16 (n + 6), 16 (m + 6)) -> latents (B, 256, n, m) in dB."""

    def __init__(self, widths=(64, 128, 192)):
        super().__init__()
        narrow, middle, wide = widths
        self.linear = BlockAnalysis()
        self.quarter = nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(16, narrow, 3), ResidualBlock(narrow))
        self.eighth_in = nn.Conv2d(narrow, middle, 2, 2)
        self.eighth = nn.Sequential(ResidualBlock(middle), ResidualBlock(middle))
        self.sixteenth = nn.Sequential(nn.Conv2d(middle, wide, 2, 2), nn.ReLU())
        self.last = zeroed(nn.Conv2d(wide, CHANNELS, 1))
        self.register_buffer("channel_scale", torch.ones(1, CHANNELS, 1, 1))

    def branch(self, pixels):
        """The convolutional part, in units of each channel's typical deviation."""
        x = self.quarter(pixels / LEVEL_SCALE_DB)       # halo left: 48 - 12 = 36 px = 9 quarter cells
        x = self.eighth_in(crop(x, 1))                  # 32 px = 4 eighth cells
        x = self.eighth(x)                              # loses 4 eighth cells: halo gone
        return self.last(self.sixteenth(x))

    def forward(self, pixels):
        linear = self.linear(crop(pixels, ANALYSIS_HALO_CELLS * BLOCK))
        return linear + self.branch(pixels).float() * self.channel_scale


class Synthesis(nn.Module):
    """Latents with a halo of 5 cells (B, 256, n + 10, m + 10) in dB and the step plane -> pixels (B, 1, 16 n, 16 m).

    The step plane (B, 1, n + 10, m + 10) is log2(step in dB) / 4, zero outside the scene.
    """

    def __init__(self, wide: int = 192, middle: int = 112):
        super().__init__()
        self.linear = BlockSynthesis()
        self.register_buffer("channel_scale", torch.ones(1, CHANNELS, 1, 1))
        self.enter = nn.Conv2d(CHANNELS + 1, wide, 1)
        self.sixteenth = ResidualBlock(wide)
        self.up = nn.Sequential(nn.Conv2d(wide, 4 * middle, 1), nn.PixelShuffle(2))
        self.eighth = nn.Sequential(ResidualBlock(middle), ResidualBlock(middle))
        self.last = zeroed(nn.Conv2d(middle, 64, 3))

    def branch(self, latents, step_plane):
        x = self.enter(torch.cat([latents / self.channel_scale, step_plane], 1))
        x = self.up(self.sixteenth(x))                  # 5 - 2 cells left = 6 eighth cells
        x = self.last(self.eighth(crop(x, 1)))          # 5 eighth cells, all used
        return F.pixel_shuffle(x, 8) * LEVEL_SCALE_DB

    def forward(self, latents, step_plane):
        linear = self.linear(crop(latents, SYNTHESIS_HALO_CELLS))
        return linear + self.branch(latents, step_plane).float()

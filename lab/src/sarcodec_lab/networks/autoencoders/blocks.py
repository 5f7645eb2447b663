"""Blocks of the autoencoder family: post-activation and pre-activation residual blocks, and up-sampling.

Both kinds of block take (B, c_in, h, w) and give (B, c_out, h / stride, w / stride); an up block doubles the sides.
"""

from abc import ABC, abstractmethod

import torch
from torch import nn

from sarcodec_lab.networks.autoencoders.recomputed import recomputed


class Block(nn.Module, ABC):
    """What both kinds share: `sparing` blocks keep their input alone while they are trained."""

    sparing = False

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        spare = self.sparing and self.training and torch.is_grad_enabled()
        return recomputed(self, self.through, x) if spare else self.through(x)

    @abstractmethod
    def through(self, x: torch.Tensor) -> torch.Tensor:
        """The block's function."""


def conv3x3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False)


class PostActivationBlock(Block):
    """conv - BN - ReLU - conv - BN, plus the shortcut, ReLU (He et al., arXiv:1512.03385).

    stride 2 halves the sides, `up` doubles them by a transposed convolution. Where width or size changes, the shortcut is
    a 1x1 convolution (transposed for `up`) and a BN. `signed` leaves the last ReLU out.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1, up: bool = False, signed: bool = False):
        super().__init__()
        self.signed = signed
        first, shortcut = conv3x3(channels_in, channels_out, stride), nn.Identity()
        if up:
            first = nn.ConvTranspose2d(channels_in, channels_out, 3, 2, 1, 1, bias=False)
            shortcut = nn.ConvTranspose2d(channels_in, channels_out, 1, 2, 0, 1, bias=False)
        elif stride != 1 or channels_in != channels_out:
            shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
        if not isinstance(shortcut, nn.Identity):
            shortcut = nn.Sequential(shortcut, nn.BatchNorm2d(channels_out))
        self.shortcut = shortcut
        self.residual = nn.Sequential(
            first,
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            conv3x3(channels_out, channels_out),
            nn.BatchNorm2d(channels_out),
        )

    def through(self, x: torch.Tensor) -> torch.Tensor:
        total = self.residual(x) + self.shortcut(x)
        return total if self.signed else torch.relu(total)


class PreActivationBlock(Block):
    """BN - ReLU - conv - BN - ReLU - conv, plus the shortcut of the raw input (He et al., arXiv:1603.05027).

    No biases and no activation after the sum. The shortcut is the input, or a 1x1 convolution without BN where width or
    size changes. `gate` (a CBAM) scales the residual sum.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int = 1, gate: nn.Module | None = None):
        super().__init__()
        changes = stride != 1 or channels_in != channels_out
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False) if changes else nn.Identity()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.ReLU(),
            conv3x3(channels_in, channels_out, stride),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            conv3x3(channels_out, channels_out),
        )
        self.gate = nn.Identity() if gate is None else gate

    def through(self, x: torch.Tensor) -> torch.Tensor:
        return self.gate(self.residual(x) + self.shortcut(x))

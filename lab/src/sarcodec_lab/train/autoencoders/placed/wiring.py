"""Weights of pre-activation blocks, set one by one. In: a block and channels by name; out: the block, changed.

Streams carry a scale: gates that stand at a half or a quarter shrink what passes, and a convolution of a shortcut or of a doubling makes up
for it. Values here are those without any of this.
"""

from __future__ import annotations

import torch
from torch import nn

from sarcodec_lab.networks.autoencoders.blocks import PreActivationBlock
from sarcodec_lab.networks.autoencoders.cbam import CBAM

Tap = tuple[int, int, int]
"""(channel read, row, column) of a kernel; 1, 1 is its middle, 0 reads the pixel before, 2 the one behind."""

_AT_REST = 1 - 1e-5  # a running variance that BN's epsilon makes 1


class Names:
    """Numbers of channels by name, each given once, of at most `width`."""

    def __init__(self, width: int):
        self.width, self.of = width, {}

    def new(self, *names: str) -> list[int]:
        for name in names:
            if name in self.of or len(self.of) == self.width:
                raise ValueError(f"no channel for {name!r}: {len(self.of)} of {self.width} are taken")
            self.of[name] = len(self.of)
        return [self.of[name] for name in names]

    def __getitem__(self, name: str) -> int:
        return self.of[name]

    def __contains__(self, name: str) -> bool:
        return name in self.of


def rest(norm: nn.BatchNorm2d, scale: float = 1.0) -> None:
    """Make a BN divide by `scale` and do nothing else while it goes by its running statistics."""
    norm.running_mean.zero_()
    norm.running_var.fill_(_AT_REST)
    norm.weight.fill_(1 / scale)
    norm.bias.zero_()


def gate_of(block: PreActivationBlock) -> float:
    """What an even gate leaves of the values of a block."""
    if not isinstance(block.gate, CBAM):
        return 1.0
    return (block.gate.height / 2) ** sum(part is not None for part in (block.gate.channel, block.gate.spatial))


class Wires:
    """One block. `scale`: of its input; `scale_out`: of its output. Its residual branch begins silent, all other weights as they were."""

    def __init__(self, block: PreActivationBlock, scale: float):
        self.norm_in, _, self.first, self.norm_between, _, self.second = block.residual
        gate = gate_of(block)
        if isinstance(block.gate, CBAM):
            block.gate.even()
        self.shortcut, self.gain = block.shortcut, 1.0
        if not isinstance(self.shortcut, nn.Identity):
            self.gain = 1 / gate**2  # makes up for the gate of this block and of the next
            self.shortcut.weight.mul_(self.gain)
        self.scale, self.scale_out = scale, scale * gate * self.gain
        rest(self.norm_in, scale)
        rest(self.norm_between)
        self.second.weight.zero_()
        self.inside = Names(self.first.out_channels)

    def passes(self, channel: int, gain: float, bias: float) -> None:
        """The block reads relu(gain x + bias) of a channel of the stream; without this, relu(x)."""
        self.norm_in.weight[channel], self.norm_in.bias[channel] = gain / self.scale, bias

    def hidden(self, name: str, taps: dict[Tap, float], bias: float = 0.0) -> int:
        """A channel inside: relu(taps of what the block reads + bias)."""
        (here,) = self.inside.new(name)
        self.first.weight[here] = 0
        if taps:
            channels, rows, cols = zip(*taps)
            self.first.weight[here, channels, rows, cols] = torch.tensor(list(taps.values()))
        self.norm_between.bias[here] = bias
        return here

    def ones(self, name: str = "one") -> int:
        """A channel inside that is 1 on the tile, and 0 around it as everything is."""
        here = self.hidden(name, {}, 1.0)
        self.norm_between.weight[here] = 0
        return here

    def adds(self, channel: int, taps: dict[Tap, float]) -> None:
        """Taps of channels inside are added to a channel of the stream."""
        for (here, row, col), weight in taps.items():
            self.second.weight[channel, here, row, col] += weight * self.scale * self.gain

    def layer(self, name: str, convolution: nn.Conv2d, channels: list[int]) -> list[int]:
        """Channels inside that are a convolution of these channels of the stream, as the block reads them, rectified."""
        inside = self.inside.new(*(f"{name}{number}" for number in range(convolution.out_channels)))
        self.first.weight[inside] = 0
        self.first.weight[torch.tensor(inside)[:, None], torch.tensor(channels)] = convolution.weight
        self.norm_between.bias[inside] = convolution.bias
        return inside

    def adds_layer(self, channels: list[int], inside: list[int], convolution: nn.Conv2d) -> None:
        """A convolution of channels inside is added to these channels of the stream."""
        added = convolution.weight * self.scale * self.gain
        self.second.weight[torch.tensor(channels)[:, None], torch.tensor(inside)] += added

    def takes(self, channel: int, source: int | None) -> None:
        """The shortcut's convolution gives a channel the one of its input, or nothing."""
        takes(self.shortcut, channel, {} if source is None else {source: self.gain})


def takes(convolution: nn.Conv2d, channel: int, weights: dict[int, float]) -> None:
    """A channel of a 1 x 1 convolution reads these channels and no other."""
    convolution.weight[channel] = 0
    for source, weight in weights.items():
        convolution.weight[channel, source] = weight


def turned(taps: dict[Tap, float], upright: bool) -> dict[Tap, float]:
    """Taps that were written along a row, along a column instead."""
    return {(channel, col, row): weight for (channel, row, col), weight in taps.items()} if upright else taps


def blocks_of(part: nn.Sequential) -> list[PreActivationBlock]:
    return [layer for layer in part if isinstance(layer, PreActivationBlock)]


@torch.no_grad()
def values(part: nn.Sequential, x: torch.Tensor, until: nn.Module) -> torch.Tensor:
    """What comes to a layer of a part of a network."""
    for layer in part:
        if layer is until:
            return x
        x = layer(x)
    raise ValueError("the layer is not one of this part's")

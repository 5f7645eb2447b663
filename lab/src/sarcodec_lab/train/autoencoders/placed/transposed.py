"""Placed starts of `baseline` and `resnet-lite`: a lapped transform with 16 numbers a cell, and its inverse. In: a network, a pair, a bend; out: the network, changed.

Transposed convolutions put channels side by side as pixels, so nothing has to be known of the place: 8 x 8 pixels in 64 channels at an eighth of a side, 16, 4,
and then pieces of the logit. The encoder keeps levels less one half in both signs, since rectifiers follow everywhere.
The synthesis of the pair reaches 8 pixels beyond its cell.
"""

from __future__ import annotations

import torch
from torch import nn

from sarcodec_lab.networks.autoencoders import Autoencoder
from sarcodec_lab.networks.autoencoders.blocks import PostActivationBlock
from sarcodec_lab.train.autoencoders.placed.decoder import Bend
from sarcodec_lab.train.autoencoders.placed.fitting import MIDDLE, Pair
from sarcodec_lab.train.autoencoders.placed.wiring import rest

CHANNELS, AROUND_PX = 16, 8
PIECES = {"baseline": 16, "resnet-lite": 32}
SIGNS = (1.0, -1.0)
_LEAK = 1.2  # leaky(t) - leaky(-t) over t, of slope 0.2
_BLOCK = 8  # pixels of a side that lie in channels at an eighth of it


def _signed(place: int, sign: float) -> int:
    """Channel of a place in one of the signs."""
    return 2 * place + (sign < 0)


def _still(part: nn.Module) -> None:
    for layer in part.modules():
        if isinstance(layer, nn.BatchNorm2d):
            rest(layer)


def _gathers(convolution: nn.Conv2d, side: int, share: float, after: int) -> None:
    """side x side places in both signs from 2 x 2 neighbours of half as many; `after` of the kernel reads 2i."""
    half = side // 2
    for row in range(side):
        for col in range(side):
            for sign in SIGNS:
                here = _signed(row * side + col, sign)
                convolution.weight[here] = 0
                place, at = row % half * half + col % half, (after + row // half, after + col // half)
                for other in SIGNS:
                    convolution.weight[here, _signed(place, other), *at] = sign * other * share


def _spreads(convolution: nn.ConvTranspose2d, side: int, first: int, copies: int = 1) -> None:
    """side x side pixels in as many channels become a quarter as many, `copies` of each, at twice the size; `first` of the kernel writes 2i."""
    half = side // 2
    for row in range(half):
        for col in range(half):
            for copy in range(copies):
                here = (row * half + col) * copies + copy
                convolution.weight[:, here] = 0
                for down in (0, 1):
                    for right in (0, 1):
                        pixel = (down * half + row) * side + right * half + col
                        convolution.weight[pixel, here, first + down, first + right] = 1


@torch.no_grad()
def place_baseline(network: Autoencoder, pair: Pair, bend: Bend) -> None:
    encoder = [layer for layer in network.encoder if isinstance(layer, nn.Conv2d)]
    decoder = [layer for layer in network.decoder if isinstance(layer, nn.ConvTranspose2d)]
    norms = [layer for layer in network.decoder if isinstance(layer, nn.BatchNorm2d)]
    _still(network)
    for place in range(4):
        for sign in SIGNS:
            here = _signed(place, sign)
            encoder[0].weight[here] = 0
            encoder[0].weight[here, 0, 2 + place // 2, 2 + place % 2] = sign
            network.encoder[1].bias[here] = -MIDDLE * sign
    for convolution, side in ((encoder[1], 4), (encoder[2], _BLOCK)):
        _gathers(convolution, side, 1 / _LEAK, 2)
    _filters(encoder[3].weight, pair.analysis[:, 0] / _LEAK)
    encoder[3].bias.zero_()
    _synthesis(decoder[0].weight, pair.synthesis[:, 0])
    norms[0].bias[: _BLOCK**2] = MIDDLE - network.shape.reach[0]
    _spreads(decoder[1], _BLOCK, 2)
    pieces = len(bend.knots)
    _spreads(decoder[2], 4, 2, pieces)
    decoder[3].weight.zero_()
    decoder[3].bias.fill_(bend.low)
    for pixel in range(4):
        for piece, (knot, slope) in enumerate(zip(bend.knots, bend.slopes)):
            norms[2].bias[pixel * pieces + piece] = -knot
            decoder[3].weight[pixel * pieces + piece, 0, 2 + pixel // 2, 2 + pixel % 2] = slope


def _filters(weight: torch.Tensor, analysis: torch.Tensor) -> None:
    """Kernels of 5 x 5 over 64 places in both signs: blocks of 8 x 8 pixels from the one before a cell to the one behind it."""
    weight.zero_()
    blocks = analysis.unflatten(2, (4, _BLOCK)).unflatten(1, (4, _BLOCK)).permute(0, 2, 4, 1, 3).flatten(1, 2)
    for sign in SIGNS:
        for place in range(_BLOCK**2):
            weight[:, _signed(place, sign), 1:, 1:] = sign * blocks[:, place]


def _synthesis(weight: torch.Tensor, synthesis: torch.Tensor) -> None:
    """Transposed kernels of 5 x 5 (latents, channels, 5, 5): place p of two at an eighth of a side hears of the cell d on at tap 2 + p - 2d."""
    weight[:, : _BLOCK**2] = 0
    for row, down, y in _heard():
        for col, right, x in _heard():
            pixels = synthesis[:, y : y + _BLOCK, x : x + _BLOCK].flatten(1)
            weight[:, : _BLOCK**2, 2 + row - 2 * down, 2 + col - 2 * right] = pixels


def _heard() -> list[tuple[int, int, int]]:
    """(place of two in a cell, cell that it hears of: before -1, own 0, behind 1; where its 8 pixels begin in the synthesis of 48)."""
    return [(0, 0, 16), (0, -1, 32), (1, 0, 24), (1, 1, 8)]


@torch.no_grad()
def place_resnet_lite(network: Autoencoder, pair: Pair, bend: Bend) -> None:
    _still(network)
    blocks = [layer for layer in network.encoder if isinstance(layer, PostActivationBlock)]
    up = [layer for layer in network.decoder if isinstance(layer, PostActivationBlock)]
    for block in blocks + up:
        block.residual[3].weight.zero_()
    stem, norm = network.encoder[0], network.encoder[1]
    stem.weight.zero_()
    for place in range(16):
        for sign in SIGNS:
            here = _signed(place, sign)
            stem.weight[here, 0, 3 + place // 4, 3 + place % 4] = sign
            norm.bias[here] = -MIDDLE * sign
    for block in (blocks[1], blocks[3]):
        block.shortcut[0].weight[:32] = 0
        for channel in range(32):
            block.shortcut[0].weight[channel, channel] = 1
    _gathers(blocks[5].residual[0], _BLOCK, 1.0, 1)
    blocks[5].shortcut[0].weight[: 2 * _BLOCK**2 + 2 * CHANNELS] = 0
    _copies(blocks[5], 2 * _BLOCK**2)
    _filtered(blocks[6], pair.analysis[:, 0])
    blocks[7].shortcut[0].weight.zero_()
    for channel in range(CHANNELS):
        for sign in SIGNS:
            blocks[7].shortcut[0].weight[channel, 2 * _BLOCK**2 + _signed(channel, sign)] = sign
    _drawn(up[0], pair.synthesis[:, 0], MIDDLE - network.shape.reach[0])
    for block, side in ((up[2], _BLOCK), (up[4], 4), (up[6], 2)):
        _spreads(block.residual[0], side, 1)
        pixels = (side // 2) ** 2
        block.shortcut[0].weight[:, : pixels if pixels > 1 else None] = 0
        _copies(block, pixels)
    _bent(up[6], [layer for layer in network.decoder if isinstance(layer, nn.Conv2d)][-1], bend)


def _copies(block: PostActivationBlock, channels: int) -> None:
    for channel in range(channels):
        block.residual[3].weight[channel, channel, 1, 1] = 1


def _filtered(block: PostActivationBlock, analysis: torch.Tensor) -> None:
    """Latents in both signs behind the 64 places, from 4 x 4 blocks: what two convolutions of 3 x 3 reach, read in four parts."""
    first, second = block.residual[0].weight, block.residual[3].weight
    blocks = analysis.unflatten(2, (4, _BLOCK)).unflatten(1, (4, _BLOCK)).permute(0, 2, 4, 1, 3).flatten(1, 2)
    here = 0
    for down in (0, 1):
        for right in (0, 1):
            rows, cols = (slice(2, 3) if further else slice(0, 3) for further in (down, right))
            part = blocks[:, :, rows.start + down : rows.stop + down, cols.start + right : cols.stop + right]
            for channel in range(CHANNELS):
                for sign in SIGNS:
                    first[here] = 0
                    for other in SIGNS:
                        first[here, [_signed(place, other) for place in range(_BLOCK**2)], rows, cols] = (
                            sign * other * part[channel]
                        )
                    for other in SIGNS:
                        second[2 * _BLOCK**2 + _signed(channel, other), here, 1 + down, 1 + right] = sign * other
                    here += 1


def _drawn(block: PostActivationBlock, synthesis: torch.Tensor, middle: float) -> None:
    """8 x 8 pixels in 64 channels: the transposed convolution puts a latent on one of four places, the next one reads them all."""
    first, second = block.residual[0].weight, block.residual[3].weight
    block.shortcut[0].weight[:, : _BLOCK**2] = 0
    block.residual[4].bias[: _BLOCK**2] = middle
    read = {
        (0, 0): (0, 0),
        (0, -1): (1, -1),
        (1, 0): (1, 0),
        (1, 1): (0, 1),
    }  # place and cell: the place it was put on, and how far away
    inside = 0
    for channel in range(CHANNELS):
        for down_at in (0, 1):
            for right_at in (0, 1):
                for sign in SIGNS:
                    first[:, inside] = 0
                    first[channel, inside, 1 + down_at, 1 + right_at] = sign
                    for row, down, y in _heard():
                        for col, right, x in _heard():
                            (at_y, far_y), (at_x, far_x) = read[row, down], read[col, right]
                            if (at_y, at_x) == (down_at, right_at):
                                pixels = synthesis[channel, y : y + _BLOCK, x : x + _BLOCK].flatten()
                                second[: _BLOCK**2, inside, 1 + far_y, 1 + far_x] = sign * pixels
                    inside += 1


def _bent(block: PostActivationBlock, head: nn.Conv2d, bend: Bend) -> None:
    head.weight.zero_()
    head.bias.fill_(bend.low)
    for piece, (knot, slope) in enumerate(zip(bend.knots, bend.slopes)):
        block.residual[3].weight[piece, 0, 1, 1] = 1
        block.residual[4].bias[piece] = -knot
        head.weight[0, piece, 3, 3] = slope

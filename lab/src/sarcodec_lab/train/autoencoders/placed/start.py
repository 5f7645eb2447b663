"""A placed start, made. In: a shape, crops; out: a network whose weights are those of a lapped linear transform and its inverse."""

from __future__ import annotations

from collections.abc import Callable

import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import Autoencoder, Shape
from sarcodec_lab.train.autoencoders.placed.decoder import place_decoder
from sarcodec_lab.train.autoencoders.placed.encoder import place_encoder
from sarcodec_lab.train.autoencoders.placed.fitting import Pair, fitted_bend, fitted_synthesis
from sarcodec_lab.train.autoencoders.placed.wiring import blocks_of

PIECES = 4


def check_shape(shape: Shape) -> None:
    """Raises InvalidArgument where there are not the channels, or not the layers, for a placed start."""
    if (
        shape.variant not in ("residual", "attention")
        or (shape.base_width, shape.latent_channels, shape.upsampling) != (64, 16, "bilinear")
        or shape.reach != (0.0, 1.0)
    ):
        raise InvalidArgument(
            f"a placed start is for residual and attention with base width 64, 16 latent channels, bilinear up-sampling and "
            f"the study's range; found {shape}"
        )


def placed(shape: Shape, pair: Pair, x: torch.Tensor) -> Autoencoder:
    """A network that gives what a pair of `fitted_pair` gives; x: crops (B, 1, h, w) on which it is made to. In evaluation mode.

    Raises InvalidArgument.
    """
    check_shape(shape)
    back = pair.back(x)
    network, bend = Autoencoder(shape).eval(), fitted_bend(back, PIECES)
    place_encoder(network.encoder, pair.analysis[:, 0])
    stage = place_decoder(network.decoder, bend)
    synthesis = fitted_synthesis(network, stage, blocks_of(network.decoder)[3], x, back)
    # The decoder once more, from nothing: what was placed is not placed twice.
    whole = Autoencoder(shape).eval()
    network.decoder = whole.decoder
    place_decoder(network.decoder, bend, synthesis)
    return network


def crops_of(source, side: int, count: int) -> Callable[[], torch.Tensor]:
    """Batches of `count` crops of a CropSource."""
    return lambda: torch.stack([torch.from_numpy(source.crop(side))[None] for _ in range(count)])

"""A placed start, made. In: a shape, crops; out: a network whose weights are those of a lapped linear transform and its inverse."""

from __future__ import annotations

from collections.abc import Callable

import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import Autoencoder, Shape
from sarcodec_lab.train.autoencoders.placed.decoder import place_decoder
from sarcodec_lab.train.autoencoders.placed.details import Details
from sarcodec_lab.train.autoencoders.placed.encoder import CARRIER_SCALE, FILTERS, Analysis, place_encoder
from sarcodec_lab.train.autoencoders.placed.fitting import Pair, fitted_bend, fitted_synthesis
from sarcodec_lab.train.autoencoders.placed.transposed import CHANNELS, place_baseline, place_resnet_lite
from sarcodec_lab.train.autoencoders.placed.transposed import PIECES as TRANSPOSED_PIECES
from sarcodec_lab.train.autoencoders.placed.wiring import blocks_of

PIECES = 4  # of the logit, where places are chosen by masks
PLACED_BY_MASKS = ("residual", "attention")


def check_shape(shape: Shape, channels: int) -> None:
    """Raises InvalidArgument where there are not the channels, or not the layers, for a placed start of a pair with `channels`."""
    masks = shape.variant in PLACED_BY_MASKS
    wanted = Shape(shape.variant, CHANNELS, open_gates=shape.open_gates, reach=shape.reach)
    if shape != wanted or channels != (FILTERS if masks else CHANNELS):
        raise InvalidArgument(
            f"a placed start is for the study's widths and gates, 16 latent channels, and, where places are chosen by masks, bilinear up-sampling, with {FILTERS} filters for "
            f"{' and '.join(PLACED_BY_MASKS)} and {CHANNELS} for the others; found {channels} filters and {shape}"
        )


def placed(shape: Shape, pair: Pair, x: torch.Tensor, carrier: float = CARRIER_SCALE) -> Autoencoder:
    """A network that gives what a pair of `fitted_pair` gives; x: crops (B, 1, h, w) on which it is made to; carrier: scale of the sign, where
    there is one. In evaluation mode.

    Raises InvalidArgument.
    """
    check_shape(shape, pair.channels)
    network, back = Autoencoder(shape).eval(), pair.back(x)
    if shape.variant not in PLACED_BY_MASKS:
        place = place_baseline if shape.variant == "baseline" else place_resnet_lite
        place(network, pair, fitted_bend(back, TRANSPOSED_PIECES[shape.variant], shape.reach))
        return network
    bend = fitted_bend(back, PIECES, shape.reach)
    place_encoder(network.encoder, Analysis(pair.analysis[:, 0], carrier=carrier))
    stage = place_decoder(network.decoder, bend, shape.reach, carrier=carrier)
    synthesis = fitted_synthesis(network, stage, blocks_of(network.decoder)[3], x, back)
    # The decoder once more, from nothing: what was placed is not placed twice.
    network.decoder = Autoencoder(shape).eval().decoder
    place_decoder(network.decoder, bend, shape.reach, synthesis, carrier=carrier)
    return network


def placed_details(shape: Shape, details: Details, x: torch.Tensor, carrier: float = CARRIER_SCALE) -> Autoencoder:
    """A network (`residual` or `attention`) that gives what `details` give; x: crops (B, 1, h, w) whose levels decide where a logit is exact.

    Raises InvalidArgument.
    """
    if shape.variant not in PLACED_BY_MASKS:
        raise InvalidArgument(f"details are for {' and '.join(PLACED_BY_MASKS)}; found {shape.variant}")
    check_shape(shape, FILTERS)
    network = Autoencoder(shape).eval()
    with torch.no_grad():
        bend = fitted_bend(details(x), PIECES, shape.reach)
    place_encoder(network.encoder, Analysis(details.analysis[:, 0].detach(), details, carrier))
    place_decoder(network.decoder, bend, shape.reach, details.synthesis_of_latents(), details, carrier)
    return network


def crops_of(source, side: int, count: int) -> Callable[[], torch.Tensor]:
    """Batches of `count` crops of a CropSource."""
    return lambda: torch.stack([torch.from_numpy(source.crop(side))[None] for _ in range(count)])

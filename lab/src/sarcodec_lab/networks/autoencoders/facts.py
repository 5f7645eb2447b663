"""The four networks in a table: parameters, arithmetic, CBAM, latents. In: the name of a variant; out: cells of text."""

from __future__ import annotations

import torch

from sarcodec_lab.networks.autoencoders.cbam import CBAM
from sarcodec_lab.networks.autoencoders.family import REDUCTION_PX, Shape, build, parameter_count
from sarcodec_lab.networks.autoencoders.published import TILE_PX, counted

COLUMNS = (
    "network",
    "parameters",
    "of encoder / decoder",
    "kMAC a pixel, in / out",
    "CBAM modules",
    "latent of a tile of 256 x 256",
    "bound to its tile",
)


def described(variant: str, latent_channels: int = 16) -> tuple[str, ...]:
    """The row of a variant under COLUMNS, as the study has it. Raises InvalidArgument."""
    network = build(variant, latent_channels).eval()
    latent, into = counted(network.encoder, torch.zeros(1, 1, TILE_PX, TILE_PX))
    _, out = counted(network.decoder, latent)
    parts = " / ".join(f"{parameter_count(part):,}" for part in (network.encoder, network.decoder))
    gates = sum(isinstance(module, CBAM) for module in network.modules())
    side = TILE_PX // REDUCTION_PX
    return (
        variant,
        f"{parameter_count(network):,}",
        parts,
        f"{into:.0f} / {out:.0f}",
        str(gates),
        f"{latent_channels} x {side} x {side}, {latent[0].numel():,} numbers",
        "yes" if Shape(variant, latent_channels).tile_bound else "no",
    )

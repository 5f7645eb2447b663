"""The study's autoencoders in torch: `build(name, latent_channels=16)`."""

from sarcodec_lab.networks.autoencoders.cbam import CBAM
from sarcodec_lab.networks.autoencoders.family import (
    LATENT_CHANNELS,
    REDUCTION_PX,
    VARIANTS,
    Autoencoder,
    Shape,
    build,
    parameter_count,
)

__all__ = ["CBAM", "LATENT_CHANNELS", "REDUCTION_PX", "VARIANTS", "Autoencoder", "Shape", "build", "parameter_count"]

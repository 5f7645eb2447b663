"""Rate-distortion loss over many rates at once."""

import torch

from sarcodec_lab.networks.dct_codec import Outcome
from sarcodec_lab.networks.steps import log2_step


def distortion_weight(s: torch.Tensor, constant: float) -> torch.Tensor:
    """Bits per pixel that one dB^2 of squared error is worth at step index s: constant / step^2.

    A uniform quantiser at high rate has D = step^2 / 12 and dD/dR = -2 ln(2) D, which gives 8.66 / step^2; at low rates
    video codecs use about 7.5 (H.264's 0.85 * 2^((QP - 12) / 3) with its step of 2^((QP - 4) / 6)).
    """
    return constant / torch.exp2(2 * log2_step(s))


def per_sample(outcome: Outcome, s: torch.Tensor, constant: float):
    """Bits per pixel, mean squared error in dB^2 and Lagrangian cost of each sample (B,)."""
    rate = (outcome.latent_bits + outcome.hyper_bits) / outcome.latents[0].numel()
    return rate, outcome.mse, rate + distortion_weight(s, constant) * outcome.mse


def relative_loss(cost: torch.Tensor) -> torch.Tensor:
    """Each sample's cost over itself (held fixed) plus a little: a per cent of bits counts the same at every rate."""
    return (cost / (cost.detach() + 0.1)).mean()

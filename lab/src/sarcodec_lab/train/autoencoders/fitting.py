"""The quantiser steps of a trained network: how coarse each latent channel may be. In: a network, crops; out: C steps."""

import math

import torch
import torch.nn.functional as F

from sarcodec_lab.networks.autoencoders import Autoencoder

ALLOWED = 1.05  # what quantising may make of the mean squared error
WIDEST = 16.0  # a channel's step over the geometric mean of all
_HALF_OCTAVE = 2**0.5
_LARGEST = 40  # half octaves
_FINE = 16  # steps a deviation that the search begins with
CROPS = 3


class _Judge:
    """Mean squared error of crops after their latents were rounded to given steps; latents are made once."""

    def __init__(self, network: Autoencoder, crops: torch.Tensor):
        self.network, self.crops = (
            network.eval(),
            [x.contiguous(memory_format=torch.channels_last) for x in crops.split(1)],
        )
        self.latents = [network.encoder(x).float() for x in self.crops]

    def __call__(self, steps: torch.Tensor | None) -> float:
        steps = None if steps is None else steps.view(1, -1, 1, 1)
        total = 0.0
        for x, latent in zip(self.crops, self.latents):
            rounded = latent if steps is None else (latent / steps).round() * steps
            total += F.mse_loss(self.network.decoder(rounded), x).item()
        return total / len(self.crops)


@torch.no_grad()
def fitted_steps(network: Autoencoder, crops: torch.Tensor, count: int = CROPS) -> list[float]:
    """A step for each latent channel (C,), so that rounding to all of them adds about 5 % to the squared error
    of `count` crops, taken at equal distances.

    Channels that the decoder hears less get wider steps: at fine steps the error that a channel adds is its gain times
    step^2 / 12, and the least bits for an error come where all channels add the same (the reverse water-filling of a
    Gaussian source, Cover and Thomas, section 10.3.3).
    """
    judge = _Judge(network, crops[:: max(1, len(crops) // count)][:count])
    deviation = torch.cat([latent.flatten(2) for latent in judge.latents], 2).std((0, 2)).clamp(min=1e-12)
    exact = judge(None)
    flat = _widest(judge, torch.full_like(deviation, deviation.mean().item() / _FINE), exact)
    relative = _relative(judge, flat, exact)
    steps = _widest(judge, relative * flat.mean() / 4, exact)
    return steps.tolist()


def _widest(judge: _Judge, steps: torch.Tensor, exact: float) -> torch.Tensor:
    """The steps times the largest power of the square root of two that keeps the error allowed."""
    for _ in range(_LARGEST):
        if judge(steps * _HALF_OCTAVE) > ALLOWED * exact:
            break
        steps = steps * _HALF_OCTAVE
    return steps


def _relative(judge: _Judge, steps: torch.Tensor, exact: float) -> torch.Tensor:
    """Steps of the channels over their geometric mean, by what rounding one channel alone, coarsely, adds to the error."""
    added = []
    for channel in range(len(steps)):
        only = torch.full_like(steps, steps.min().item() * 2.0**-12)
        only[channel] = 2 * steps[channel]
        added.append(max(judge(only) - exact, 1e-9 * exact))
    gain = torch.tensor(added) / steps.cpu() ** 2
    root = torch.log(gain).mean() / 2 - torch.log(gain) / 2
    limit = math.log(WIDEST)
    return torch.exp(root.clamp(-limit, limit)).to(steps.device)

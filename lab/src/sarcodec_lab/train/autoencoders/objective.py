"""What a run of the study minimises. In: crops, a network; out: a loss and its parts. Knows no optimiser."""

import math

import numpy as np
import torch
from torch.nn import functional as F

from sarcodec_lab.networks.autoencoders import REDUCTION_PX, Autoencoder
from sarcodec_lab.networks.levels import SPAN_DB
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe

WINDOW_PX, SIGMA_PX = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2
_NOISE_VARIANCE = 1 / 12
FINE_STEPS = 8


def ssim(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Mean structural similarity of (B, 1, h, w) images of range 1: 11x11 Gaussian window, sigma 1.5 (Wang et al. 2004)."""
    at = torch.arange(WINDOW_PX, dtype=torch.float32, device=a.device) - WINDOW_PX // 2
    line = torch.exp(-(at**2) / (2 * SIGMA_PX**2))
    line = line / line.sum()
    planes = torch.cat([a, b, a * a, b * b, a * b], 1)
    for kernel in (line.view(1, 1, -1, 1), line.view(1, 1, 1, -1)):
        planes = F.conv2d(planes, kernel.expand(5, 1, -1, -1), groups=5)
    mean_a, mean_b, aa, bb, ab = planes.unbind(1)
    spread = 2 * (ab - mean_a * mean_b) + _C2
    total = aa - mean_a**2 + bb - mean_b**2 + _C2
    return ((2 * mean_a * mean_b + _C1) / (mean_a**2 + mean_b**2 + _C1) * spread / total).mean()


def study_loss(back: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """0.7 MSE + 0.3 (1 - SSIM), of levels that are cut at 0 and 1."""
    cut = back.clamp(0, 1)
    return 0.7 * F.mse_loss(cut, x) + 0.3 * (1 - ssim(cut, x))


def gaussian_bits(latent: torch.Tensor) -> torch.Tensor:
    """Bits an element that latents (B, C, h, w) in steps take when rounded and coded under one Gaussian a channel; a scalar.

    Differential entropy of the Gaussian with the variance of the latent and of the rounding, 1/2 log2(2 pi e v): exact
    where channels are Gaussian and steps are fine, an upper bound otherwise.
    """
    variance = latent.var((0, 2, 3), unbiased=False) + _NOISE_VARIANCE
    return (0.5 * torch.log2(2 * math.pi * math.e * variance)).clamp(min=0).mean()


@torch.no_grad()
def natural_step(network: Autoencoder, x: torch.Tensor, steps_a_deviation: int) -> float:
    """A quantiser step, a power of two, about the latent's deviation over so many; the network stays in its mode.

    With a step that is larger than an untrained network's latent the noise would drown it, and the first hundred batches
    would go into nothing but making it louder. A network trained without noise is given a step that hardly harms it.
    """
    return 2.0 ** round(math.log2(network.encoder(x).float().std().item() / steps_a_deviation))


def loss_of(
    network: Autoencoder, x: torch.Tensor, recipe: AutoencoderRecipe, step: float = 1.0, wider: float = 1.0
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The objective on crops (B, 1, h, w), and its parts by name, detached. step: of the latent's quantiser.

    'study': mse_weight * MSE + ssim_weight * (1 - SSIM), latents as they are. 'rate-distortion': bits a pixel plus
    distortion_weight * MSE in dB^2, with uniform noise of one step on the latents for their rounding (Ballé et al.,
    arXiv:1611.01704), and the bits of `gaussian_bits`. wider: the step is this many times as wide, and an error weighs as much less as
    suits such a step (the best step is as the root of 1 / weight where steps are fine).
    """
    if recipe.objective == "study":
        reconstruction, _ = network(x)
        mse, similar = F.mse_loss(reconstruction.float(), x), ssim(reconstruction.float(), x)
        loss = recipe.mse_weight * mse + recipe.ssim_weight * (1 - similar)
        return loss, {"loss": loss.detach(), "mse": mse.detach(), "ssim": similar.detach()}
    latent = network.encoder(x)
    step = step * wider
    wide = latent.float() / step
    noisy = (wide + torch.rand_like(wide) - 0.5) * step
    mse = F.mse_loss(network.decoder(noisy.to(latent.dtype)).float(), x)
    bits = gaussian_bits(wide) * wide.shape[1] / REDUCTION_PX**2
    error = mse * SPAN_DB**2
    loss = bits + recipe.distortion_weight / wider**2 * error
    return loss, {"loss": loss.detach(), "mse": mse.detach(), "bpp": bits.detach(), "rmse_db": error.detach().sqrt()}


def coarser(recipe: AutoencoderRecipe, rng: np.random.Generator) -> float:
    """The step of a batch over the run's own: even on a logarithmic scale from 1 / step_spread to step_spread."""
    return 1.0 if recipe.step_spread == 1 else recipe.step_spread ** rng.uniform(-1, 1)


class rounding:
    """Inside, the objective's noise is drawn from one seed, so that two judgings of the same weights agree."""

    def __enter__(self) -> None:
        self._state = torch.get_rng_state()
        torch.manual_seed(0)

    def __exit__(self, *exception: object) -> None:
        torch.set_rng_state(self._state)

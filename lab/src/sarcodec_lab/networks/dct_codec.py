"""The learned codec as one trainable network: transform, quantiser and entropy model, with the bits that it would take.

x --> lapped DCT --> y --> y / step --> round(. - mean), drawn to the centroid, + mean --> * step --> inverse --> x~
                     |                     ^        (a second band also sees the latents of the first)
                     +--> HyperAnalysis --> z --> HyperSynthesis --> ContextModel (eight passes)
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from sarcodec.signal.lapped import CHANNELS
from sarcodec_lab.networks.entropy_model import (
    GROUPS,
    HYPER_CHANNELS,
    ContextModel,
    HyperAnalysis,
    HyperSynthesis,
    RoundThrough,
    features,
)
from sarcodec_lab.networks.steps import KNOTS, ChannelSteps, interpolate, log2_step
from sarcodec_lab.networks.transforms import LappedTransform

SCALE_FLOOR = 0.08


def gaussian_bits(residual: torch.Tensor, log2_scale: torch.Tensor) -> torch.Tensor:
    """Bits of a residual in steps under a zero-mean Gaussian integrated over one step; linear in the far tail.

    The tail is what frozen tables do, an escape of about 20 bits, with a slope so that outliers still widen the scale.
    """
    s, a = torch.exp2(log2_scale).clamp(min=SCALE_FLOOR), residual.abs()
    near = (a - 0.5) / s
    p = torch.special.ndtr(-near) - torch.special.ndtr((-0.5 - a) / s)
    return -torch.log2(p.clamp(min=1e-6)) + 0.5 * F.relu(near - 4.7).clamp(max=60)


def drawn_in(symbols: torch.Tensor, log2_scale: torch.Tensor) -> torch.Tensor:
    """Symbols moved to about the centroid of their cell under a Gaussian of that scale.

    Within a cell the density falls as exp(-t x) with t = |k| / scale^2, whose mean lies 1/2 - 1/t + 1/(e^t - 1) inside.
    """
    scale = torch.exp2(log2_scale).clamp(min=SCALE_FLOOR)
    t = (symbols.abs() / scale**2).clamp(1e-2, 60)
    return symbols - symbols.sign() * (0.5 - 1 / t + 1 / torch.expm1(t))


def checkerboard(rows: int, cols: int, device) -> torch.Tensor:
    """1 on the cells of the first half, 0 on the second: (1, 1, rows, cols)."""
    r, c = torch.arange(rows, device=device)[:, None], torch.arange(cols, device=device)[None]
    return ((r + c) % 2 == 0).float()[None, None]


@dataclass(frozen=True)
class Outcome:
    """What one forward pass gives: decoded latents in dB; a sample (B,): mean squared error in dB^2, the same of latents and
    pixels, since the transform is orthonormal, and bits."""

    latents: torch.Tensor
    mse: torch.Tensor
    latent_bits: torch.Tensor
    hyper_bits: torch.Tensor


class DctCodec(nn.Module):
    """Levels (B, 1, 32 (n + 2), 32 (m + 2)) in dB less offset, a block of halo around (0 outside the scene), n and m multiples
    of 2, and step indices (B,) -> Outcome of the n x m inner blocks."""

    def __init__(self):
        super().__init__()
        self.transform = LappedTransform()
        self.channel_steps = ChannelSteps(CHANNELS)
        self.hyper_analysis, self.hyper_synthesis = HyperAnalysis(), HyperSynthesis()
        self.context = ContextModel()
        self.z_mean = nn.Parameter(torch.zeros(HYPER_CHANNELS, KNOTS))
        self.z_log2_scale = nn.Parameter(torch.zeros(HYPER_CHANNELS, KNOTS))
        self.register_buffer("deviation", torch.ones(CHANNELS))

    def hyper(self, u, s, noisy):
        plane = (log2_step(s) / 4).view(-1, 1, 1, 1).expand(-1, 1, *u.shape[-2:])
        z = self.hyper_analysis(u, plane).float()
        mean, scale = (interpolate(k, s)[:, :, None, None] for k in (self.z_mean, self.z_log2_scale))
        bits = gaussian_bits(noisy(z) - mean, scale).sum((1, 2, 3))
        return self.hyper_synthesis(RoundThrough.apply(z)), bits

    def passes(self, y, step, s, noisy, reference=None):
        """Quantise group by group, half by half: decoded latents in dB and their bits.

        reference: decoded latents in dB of the band that this one leans on, of y's shape, 0 in samples that have none.
        """
        deviation = self.deviation.view(1, -1, 1, 1)
        side, hyper_bits = self.hyper(y.detach() / deviation, s, noisy)
        accumulator = self.context.from_side(side)
        leaning = None if reference is None else (reference / deviation).detach()
        if leaning is not None:
            accumulator = accumulator + self.seen_of(leaning)
        first = checkerboard(*y.shape[-2:], y.device)
        decoded, bits, begin = [], 0.0, 0
        for group, size in enumerate(GROUPS):
            part = slice(begin, begin + size)
            unit, value, d = step[:, part], y[:, part] / step[:, part], deviation[:, part]
            means, scales, rounded = [], [], []
            for half, mask in enumerate((first, 1 - first)):
                mean, scale, *gain = self.context.predict(accumulator, 2 * group + half, s, leaning is not None)
                mean = mean + gain[0] * leaning[:, part] if gain else mean
                means.append(mean * d / unit)
                scales.append(scale + torch.log2(d / unit))
                rounded.append(self.quantised(value - means[-1], scales[-1], means[-1]) * mask)
                seen = features((rounded[-1] * unit / d).detach(), group) * mask
                accumulator = accumulator + self.context.from_group[group](seen)
            mean, scale = (torch.where(first > 0, *pair) for pair in (means, scales))
            bits = bits + gaussian_bits(noisy(value - mean), scale).sum((1, 2, 3))
            decoded.append((rounded[0] + rounded[1]) * unit)
            begin += size
        return torch.cat(decoded, 1), bits, hyper_bits

    def seen_of(self, leaning):
        """What a reference, in typical deviations, adds to the accumulator."""
        parts = leaning.split(GROUPS, 1)
        return sum(layer(features(u, g)) for g, (u, layer) in enumerate(zip(parts, self.context.from_reference)))

    @staticmethod
    def quantised(residual, log2_scale, mean):
        """What the decoder makes of a residual; the gradient passes as if nothing had been rounded."""
        with torch.no_grad():
            moved = drawn_in(residual.round(), log2_scale) - residual
        return residual + moved + mean

    def forward(self, x, s, inner, paired=None):
        """inner (B, 4) as in `transforms`. paired (B / 2,), 1 or 0: whether sample B / 2 + i leans on sample i; None: none does."""
        noisy = (lambda t: t + torch.rand_like(t) - 0.5) if self.training else torch.round
        y = self.transform(x, inner)
        step = torch.exp2(self.channel_steps(s))[:, :, None, None]
        if paired is None:
            latents, bits, hyper_bits = self.passes(y, step, s, noisy)
        else:
            latents, bits, hyper_bits = self.paired_passes(y, step, s, noisy, paired)
        return Outcome(latents, ((latents - y) ** 2).mean((1, 2, 3)), bits, hyper_bits)

    def paired_passes(self, y, step, s, noisy, paired):
        half = len(y) // 2
        lead = self.passes(y[:half], step[:half], s[:half], noisy)
        reference = lead[0] * paired.view(-1, 1, 1, 1)
        follow = self.passes(y[half:], step[half:], s[half:], noisy, reference)
        return tuple(torch.cat(pair) for pair in zip(lead, follow))

"""The four autoencoders of the study: `build` gives one by name.

x (B, 1, h, w) --> encoder --> latent (B, C, h / 16, w / 16) --> decoder --> sigmoid --> reconstruction (B, 1, h, w)

h and w are multiples of 16 (256 in the study), levels are in [0, 1]; `reach` stretches the sigmoid to another range. With C = 16 a tile has 16 pixels for each element of
its latent. Nothing goes around the latent: no skip connection from encoder to decoder.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders.blocks import Block, PostActivationBlock, PreActivationBlock
from sarcodec_lab.networks.autoencoders.cbam import CBAM

VARIANTS = ("baseline", "resnet-lite", "residual", "attention")
LATENT_CHANNELS = range(4, 65)
REDUCTION_PX = 16  # pixels of a side for each element of the latent
BASE_WIDTH = {"baseline": 64, "resnet-lite": 32, "residual": 64, "attention": 64}
UPSAMPLINGS = ("bilinear", "transposed")
MIDDLE = 0.5
_STAGES = 4


@dataclass(frozen=True)
class Shape:
    """What a network of the family is built from. base_width None: the study's. The gates concern `attention` alone
    (open: `cbam` says what). reach: the values between which the reconstruction lies. upsampling concerns `residual` and
    `attention` alone: the study's is bilinear and makes a flat picture of a flat latent, whatever was learnt; a transposed
    convolution can draw a pattern.

    Raises InvalidArgument when a value has no meaning.
    """

    variant: str
    latent_channels: int = 16
    base_width: int | None = None
    channel_gate: bool = True
    spatial_gate: bool = True
    reach: tuple[float, float] = (0.0, 1.0)
    open_gates: bool = False
    upsampling: str = "bilinear"

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise InvalidArgument(f"variant is {self.variant!r}, expected one of {', '.join(VARIANTS)}")
        if self.latent_channels not in LATENT_CHANNELS:
            raise InvalidArgument(f"latent_channels is {self.latent_channels}, expected a whole number from 4 to 64")
        if self.base_width is None:
            object.__setattr__(self, "base_width", BASE_WIDTH[self.variant])
        if not (isinstance(self.base_width, int) and 1 <= self.base_width <= 256):
            raise InvalidArgument(f"base_width is {self.base_width}, expected a whole number from 1 to 256")

        if self.upsampling not in UPSAMPLINGS:
            raise InvalidArgument(f"upsampling is {self.upsampling!r}, expected one of {', '.join(UPSAMPLINGS)}")
        low, high = self.reach
        if not low < MIDDLE < high:
            raise InvalidArgument(f"reach is {low} to {high}, expected two numbers around {MIDDLE}")

    @property
    def tile_bound(self) -> bool:
        """Whether the network pools over its tile, so that it must run on tiles of the size that it was trained on."""
        return self.variant == "attention" and self.channel_gate


class Stretch(nn.Module):
    """Values from 0 to 1 to values from low to high."""

    def __init__(self, low: float, high: float):
        super().__init__()
        self.low, self.high = low, high

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.low + (self.high - self.low) * x


class Autoencoder(nn.Module):
    """`encoder` and `decoder` of one Shape; `forward` gives (reconstruction, latent)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.encoder, self.decoder = _FAMILY[shape.variant](shape)
        if shape.reach != (0.0, 1.0):
            self.decoder.append(Stretch(*shape.reach))
            # So that an untrained network gives the middle of the levels, wherever that lies in its reach.
            nn.init.constant_(self.decoder[-3].bias, math.log((MIDDLE - shape.reach[0]) / (shape.reach[1] - MIDDLE)))

    @torch.no_grad()
    def calm(self, head: float = 0.1) -> None:
        """Begin as the shortcuts alone: silent residual branches (Goyal et al., arXiv:1706.02677), gates that are the same
        everywhere, and a quiet head.

        PyTorch's own beginning makes every block louder than the one before, and the sigmoid begins saturated.
        """
        for module in self.modules():
            if isinstance(module, Block):
                nn.init.zeros_(module.residual[-1].weight)
            elif isinstance(module, CBAM):
                module.even()
        last = [m for m in self.decoder.modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))][-1]
        last.weight.mul_(head)

    def spare_memory(self) -> None:
        """From now on, train in less memory and more time: residual blocks keep their inputs alone."""
        for module in self.modules():
            if isinstance(module, Block):
                module.sparing = True

    def gate_parameters(self) -> list[nn.Parameter]:
        """Of all CBAM modules."""
        return [p for module in self.modules() if isinstance(module, CBAM) for p in module.parameters()]

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        latent = self.encoder(x)
        return self.decoder(latent), latent


def build(
    name: str,
    latent_channels: int = 16,
    base_width: int | None = None,
    channel_gate: bool = True,
    spatial_gate: bool = True,
    reach: tuple[float, float] = (0.0, 1.0),
    open_gates: bool = False,
    upsampling: str = "bilinear",
) -> Autoencoder:
    """An untrained network: 'baseline', 'resnet-lite', 'residual' or 'attention'; `Shape` says what may be asked for."""
    return Autoencoder(
        Shape(name, latent_channels, base_width, channel_gate, spatial_gate, reach, open_gates, upsampling)
    )


def parameter_count(module: nn.Module) -> int:
    """Trained numbers of a module; running statistics of BN are not counted."""
    return sum(p.numel() for p in module.parameters())


def _baseline(shape: Shape) -> tuple[nn.Sequential, nn.Sequential]:
    b, c = shape.base_width, shape.latent_channels
    widths, encoder, decoder = (1, b, 2 * b, 4 * b), [], []
    for narrow, wide in pairwise(widths):
        encoder += [nn.Conv2d(narrow, wide, 5, 2, 2, bias=False), nn.BatchNorm2d(wide), nn.LeakyReLU(0.2, inplace=True)]
    encoder.append(nn.Conv2d(4 * b, c, 5, 2, 2))
    widths = (c, 4 * b, 2 * b, b)
    for wide, narrow in pairwise(widths):
        up = nn.ConvTranspose2d(wide, narrow, 5, 2, 2, 1, bias=False)
        decoder += [up, nn.BatchNorm2d(narrow), nn.ReLU(inplace=True)]
    decoder += [nn.ConvTranspose2d(b, 1, 5, 2, 2, 1), nn.Sigmoid()]
    return nn.Sequential(*encoder), nn.Sequential(*decoder)


def _stem(width: int) -> list[nn.Module]:
    return [nn.Conv2d(1, width, 7, 1, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]


def _head(width: int) -> list[nn.Module]:
    return [nn.Conv2d(width, 1, 7, 1, 3), nn.Sigmoid()]


def _resnet_lite(shape: Shape) -> tuple[nn.Sequential, nn.Sequential]:
    widths = [shape.base_width * 2**i for i in range(_STAGES)] + [shape.latent_channels]
    encoder, decoder = _stem(widths[0]), []
    for stage, (here, there) in enumerate(pairwise(widths), start=1):
        # Our choice, the study's table does not tell: a latent behind a ReLU would lose its sign.
        last = PostActivationBlock(here, there, stride=2, signed=stage == _STAGES)
        encoder += [PostActivationBlock(here, here), last]
    widths.reverse()
    for here, there in pairwise(widths):
        decoder += [PostActivationBlock(here, there, up=True), PostActivationBlock(there, there)]
    return nn.Sequential(*encoder), nn.Sequential(*decoder, *_head(widths[-1]))


def _pre_activation(shape: Shape) -> tuple[nn.Sequential, nn.Sequential]:
    attentive = shape.variant == "attention"

    def gate(channels: int) -> nn.Module | None:
        return CBAM(channels, shape.channel_gate, shape.spatial_gate, shape.open_gates) if attentive else None

    def block(channels_in: int, channels_out: int, stride: int = 1) -> PreActivationBlock:
        return PreActivationBlock(channels_in, channels_out, stride, gate(channels_out))

    b = shape.base_width
    widths = [b, b, 2 * b, 4 * b, 8 * b, shape.latent_channels]
    return _residual_encoder(widths, block), _residual_decoder(widths, block, not attentive, shape.upsampling)


def _residual_encoder(widths: list[int], block) -> nn.Sequential:
    layers = _stem(widths[0])
    for here, there in pairwise(widths[1:]):
        layers += [block(here, there, 2), block(there, there)]
    return nn.Sequential(*layers)


def _doubled(here: int, there: int, upsampling: str) -> list[nn.Module]:
    """Two layers, so that all that follows has the same place in the network."""
    if upsampling == "transposed":
        return [nn.Identity(), nn.ConvTranspose2d(here, there, 2, 2, bias=False)]
    return [nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), nn.Conv2d(here, there, 1, bias=False)]


def _residual_decoder(widths: list[int], block, norm: bool, upsampling: str) -> nn.Sequential:
    layers, back = [], widths[:0:-1]
    for here, there in pairwise(back):
        layers += _doubled(here, there, upsampling) + ([nn.BatchNorm2d(there)] if norm else [])
        layers += [block(there, there), block(there, there)]
    return nn.Sequential(*layers, *_head(widths[0]))


_FAMILY = {
    "baseline": _baseline,
    "resnet-lite": _resnet_lite,
    "residual": _pre_activation,
    "attention": _pre_activation,
}

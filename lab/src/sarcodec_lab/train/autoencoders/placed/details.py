"""An encoder and a decoder that are not linear, small enough to be trained apart and made to fit into `residual` and `attention`.

The network of a placed start hardly uses its blocks at an eighth of a side. `Details` is what these blocks can compute beside the lapped transform
and the sign of cells: two rounds of 3 x 3 convolution, rectifier, 3 x 3 convolution on either side of the latent. The stage at a quarter of a side
reads what comes out beside the latents themselves, each of a cell's 4 x 4 places with weights of its own. All else of the network is known
and needs no training, so that a batch costs a thirtieth of the network's. `encoder.place_encoder` and `decoder.place_decoder` put it there.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from sarcodec_lab.networks.autoencoders import REDUCTION_PX
from sarcodec_lab.train.autoencoders.placed.decoder import AROUND, LATENTS, PLACES, Synthesis
from sarcodec_lab.train.autoencoders.placed.encoder import FILTERS, MARGIN_PX
from sarcodec_lab.train.autoencoders.placed.fitting import MIDDLE, RIDGE, Pair

FEATURES = 74
"""Channels that the stream at a quarter of a side has left."""

HIDDEN = (128, 256)
"""Channels inside the decoder's two blocks."""

EIGHTH_PX = 8
GATHERED, NOTED, FILTERED = 192, 96, 256
"""Channels inside the encoder's two blocks at an eighth of a side (first, last), and those between them."""


class Details(nn.Module):
    """A lapped analysis of 15 filters and its decoder. Begins as `pair`, made of the latents alone; x: crops on which that is done."""

    def __init__(self, pair: Pair | None = None, x: torch.Tensor | None = None):
        super().__init__()
        both = 2 * FILTERS
        self.analysis = nn.Parameter(torch.zeros(FILTERS, 1, 32, 32))
        self.gather_in = nn.Conv2d(2 * PLACES**2, GATHERED, 3, 2, 1)
        self.gather_out = nn.Conv2d(GATHERED, NOTED, 3, padding=1, bias=False)
        self.noted_bias = nn.Parameter(torch.zeros(NOTED))
        self.filter_in = nn.Conv2d(2 * EIGHTH_PX**2 + NOTED, FILTERED, 3, padding=1)
        self.filter_out = nn.Conv2d(FILTERED, FILTERS, 3, 2, 1, bias=False)
        self.first_in = nn.Conv2d(both, HIDDEN[0], 3, padding=1)
        self.first_out = nn.Conv2d(HIDDEN[0], FEATURES, 3, padding=1, bias=False)
        self.second_in = nn.Conv2d(both + FEATURES, HIDDEN[1], 3, padding=1)
        self.second_out = nn.Conv2d(HIDDEN[1], FEATURES, 3, padding=1, bias=False)
        self.second_bias = nn.Parameter(torch.zeros(FEATURES))
        self.quarter_bias = nn.Parameter(torch.zeros(FEATURES))
        self.synthesis = nn.Conv2d(len(LATENTS) * PLACES**2, REDUCTION_PX**2, 1)
        self.drawing = nn.Conv2d(FEATURES * PLACES**2, REDUCTION_PX**2, 1, bias=False)
        for name, channels in (("heard", len(LATENTS)), ("heard_of_features", FEATURES)):
            self.register_buffer(name, _heard(channels), persistent=False)
        for layer in (
            self.gather_in,
            self.gather_out,
            self.filter_in,
            self.first_in,
            self.first_out,
            self.second_in,
            self.second_out,
        ):
            nn.init.kaiming_normal_(layer.weight)  # so that features are about as large as latents
        with torch.no_grad():
            nn.init.zeros_(self.drawing.weight)
            nn.init.zeros_(self.filter_out.weight)
            nn.init.zeros_(self.synthesis.weight)
            nn.init.constant_(self.synthesis.bias, MIDDLE)
            if pair is not None:
                self.analysis.copy_(pair.analysis)
                self._begin_as(pair, x)

    def latent(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 1, h, w) -> (B, 15, h / 16, w / 16)."""
        linear = F.conv2d(x - MIDDLE, self.analysis, stride=REDUCTION_PX, padding=MARGIN_PX)
        signs = torch.cat([x - MIDDLE, MIDDLE - x], 1).relu()
        noted = self.gather_out(self.gather_in(F.pixel_unshuffle(signs, PLACES)).relu())
        noted = (noted + self.noted_bias.view(-1, 1, 1)).relu()
        seen = torch.cat([F.pixel_unshuffle(signs, EIGHTH_PX), noted], 1)
        return linear + self.filter_out(self.filter_in(seen).relu())

    def read(self, latent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents and features as the stage at a quarter of a side reads them: (B, C, h, w) -> (B, channels * 16, h, w), a cell's 4 x 4 places side by side."""
        eighth = _twice(latent)
        shifted = [_moved(eighth, *at) for at in AROUND.values()]
        signs = torch.cat([eighth, -eighth], 1).relu()
        features = self.first_out(self.first_in(signs).relu())
        inside = torch.cat([signs, (features + self.second_bias.view(-1, 1, 1)).relu()], 1)
        features = features + self.second_out(self.second_in(inside).relu())
        seen = (_twice(features) + self.quarter_bias.view(-1, 1, 1)).relu()
        return F.pixel_unshuffle(_twice(torch.cat(shifted, 1)), PLACES), F.pixel_unshuffle(seen, PLACES)

    def made_of(self, latent: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> (B, 1, 16 h, 16 w)."""
        latents, features = self.read(latent)
        pixels = F.conv2d(latents, self.synthesis.weight * self.heard, self.synthesis.bias)
        return F.pixel_shuffle(pixels + F.conv2d(features, self.drawing.weight * self.heard_of_features), REDUCTION_PX)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Levels x (B, 1, h, w) as they come back."""
        return self.made_of(self.latent(x))

    def drawn(self) -> torch.Tensor:
        """What each place reads of the features, as 3 x 3 kernels: (256, FEATURES, 3, 3), rows and columns of places, then pixels."""
        return _as_kernels(self.drawing.weight, FEATURES).flatten(0, 2)

    def synthesis_of_latents(self) -> Synthesis:
        """What each place reads of the latents."""
        bias = F.pixel_unshuffle(self.synthesis.bias.view(1, 1, 16, 16), PLACES)[0].permute(1, 2, 0)
        return Synthesis(_as_kernels(self.synthesis.weight, len(LATENTS)), bias)

    def _begin_as(self, pair: Pair, x: torch.Tensor) -> None:
        """Least squares of what the pair gives on the latents that each place reads."""
        seen = self.read(self.latent(x))[0].movedim(1, -1).flatten(0, 2).double()
        wanted = F.pixel_unshuffle(pair.back(x), REDUCTION_PX).movedim(1, -1).flatten(0, 2).double()
        rows = self.heard[:, :, 0, 0].bool()
        mean_seen, mean_wanted = seen.mean(0), wanted.mean(0)
        square, cross = (seen - mean_seen).T @ (seen - mean_seen), (seen - mean_seen).T @ (wanted - mean_wanted)
        for read in torch.unique(rows, dim=0):
            out, at = (rows == read).all(1), read.nonzero()[:, 0]
            part = square[at][:, at] + RIDGE * len(seen) * torch.eye(len(at), dtype=seen.dtype)
            found = torch.linalg.solve(part, cross[at][:, out])
            weight = torch.zeros(int(out.sum()), seen.shape[1])
            weight[:, at] = found.T.float()
            self.synthesis.weight[out, :, 0, 0] = weight
            self.synthesis.bias[out] = (mean_wanted[out] - mean_seen[at] @ found).float()


def _heard(channels: int) -> torch.Tensor:
    """(256, channels * 16, 1, 1): 1 where a pixel's place reads a place of its cell, itself and those about it."""
    row, col = (at.flatten() // PLACES for at in torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij"))
    down, right = (at.flatten() for at in torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij"))
    near = ((row[:, None] - down).abs() <= 1) & ((col[:, None] - right).abs() <= 1)
    return near.float().repeat(1, channels)[:, :, None, None]


def _as_kernels(weight: torch.Tensor, channels: int) -> torch.Tensor:
    """(256, channels * 16, 1, 1) -> (4, 4, 16, channels, 3, 3): rows and columns of places, pixels, channels, taps."""
    weight = weight.detach().view(PLACES, PLACES, PLACES, PLACES, channels, PLACES, PLACES).permute(0, 2, 1, 3, 4, 5, 6)
    weight = F.pad(weight.flatten(2, 3), (1, 1, 1, 1))
    rows = [torch.stack([weight[r, c, :, :, r : r + 3, c : c + 3] for c in range(PLACES)]) for r in range(PLACES)]
    return torch.stack(rows)


def _twice(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _moved(x: torch.Tensor, row: int, col: int) -> torch.Tensor:
    """What a 3 x 3 kernel with a single 1 at (row, col) gives: 0 beyond the border."""
    height, width = x.shape[-2:]
    return F.pad(x, (1, 1, 1, 1))[..., row : row + height, col : col + width]

"""The transform: an orthonormal lapped DCT of 32 x 32, fixed; nothing in it is trained but the rotation is fitted.

In: levels in dB (B, 1, rows, cols) less the band's offset; out: latents (B, 1024, rows/32, cols/32) in dB, and back. Which sides of
a sample are edges of its scene is said by `inner`, bool (B, 4): top, bottom, left, right, true where the scene goes on.
"""

import torch
from torch import nn
from torch.nn import functional as F

from sarcodec.signal.lapped import BLOCK, OVERLAP, dct_matrix


def crop(x: torch.Tensor, margin: int) -> torch.Tensor:
    return x[..., margin:-margin, margin:-margin] if margin else x


def zeroed(layer: nn.Module) -> nn.Module:
    """The layer with everything at zero: it begins without a say."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def per_cell(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """A 1x1 convolution as a matrix product: x (B, in, n, m), weight (out, in, 1, 1) -> (B, out, n, m)."""
    return F.linear(x.permute(0, 2, 3, 1), weight[:, :, 0, 0], bias).permute(0, 3, 1, 2)


class LappedTransform(nn.Module):
    """The 16 pixels on each side of every block border are rotated among themselves, then each block takes its DCT.

    Orthonormal as a whole: errors of latents are errors of pixels. Lapped transform by time-domain pre- and post-filtering:
    Tran, Liang and Tu, IEEE Trans. Signal Processing 51(6), 2003. Always float32.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("rotation", torch.eye(2 * OVERLAP))
        self.register_buffer("basis", torch.tensor(dct_matrix()), persistent=False)

    @torch.no_grad()
    def forward(self, pixels, inner):
        """Pixels with one block of halo on every side (B, 1, 32 (n + 2), 32 (m + 2)) -> latents (B, 1024, n, m)."""
        with torch.autocast(pixels.device.type, enabled=False):
            blocks = crop(self._rotated(pixels.float(), inner, self.rotation), BLOCK)
            return per_cell(F.pixel_unshuffle(blocks, BLOCK), self.basis[:, :, None, None])

    @torch.no_grad()
    def back(self, latents, inner):
        """Latents (B, 1024, n, m) -> pixels (B, 1, 32 n, 32 m), blocks around taken as 0."""
        with torch.autocast(latents.device.type, enabled=False):
            blocks = F.pixel_shuffle(per_cell(latents.float(), self.basis.T[:, :, None, None]), BLOCK)
            return crop(self._rotated(F.pad(blocks, (BLOCK,) * 4), inner, self.rotation.T), BLOCK)

    @staticmethod
    def _rotated(pixels, inner, rotation):
        pixels = _rotated_rows(pixels.transpose(2, 3), inner[:, 2:], rotation).transpose(2, 3)
        return _rotated_rows(pixels, inner[:, :2], rotation)


def _rotated_rows(pixels, inner, rotation):
    """Rotate along the rows around each border; pixels (B, 1, 32 n, cols), inner (B, 2): at the first and last border."""
    parts = pixels[:, :, OVERLAP:-OVERLAP].unflatten(2, (-1, 2 * OVERLAP))
    rotated = torch.einsum("ij,bcnjk->bcnik", rotation, parts)
    for place, turned in ((0, inner[:, 0]), (-1, inner[:, 1])):
        rotated[:, :, place] = torch.where(turned[:, None, None, None], rotated[:, :, place], parts[:, :, place])
    return torch.cat([pixels[:, :, :OVERLAP], rotated.flatten(2, 3), pixels[:, :, -OVERLAP:]], 2)

"""How pixels beside a block border are rotated, from how training images are correlated. In: patches; out: a rotation.

The rotation W diag(I, V) W with W = [[I, J], [J, -I]] / sqrt(2) and V orthogonal is the usual form of a lapped transform of
linear phase (Malvar, Signal Processing with Lapped Transforms, 1992); V is found here by descent on the mean bits a coefficient.
"""

import numpy as np
import torch

from sarcodec_lab.networks.transforms import BLOCK, OVERLAP
from sarcodec_lab.train.patches import HALO_PX, PatchSource

ERRORS_DB = (0.5, 1.0, 1.6)  # root mean square errors at which bits are counted
LAGS = BLOCK + 2 * OVERLAP
TURNS = 400


def autocovariances(source: PatchSource, least: int = 96) -> torch.Tensor:
    """Autocovariance in dB^2 of levels along rows and columns of training patches, lags 0 to 63: (n, 64) float64, n >= least."""
    found = []
    while len(found) < least:
        for canvas in source.batch().levels[:, 0].double().numpy():
            level = canvas[HALO_PX:-HALO_PX, HALO_PX:-HALO_PX]
            level = level - level.mean()
            found += [_autocovariance(lines) for lines in (level, level.T)]
    return torch.from_numpy(np.stack(found))


def _autocovariance(lines: np.ndarray) -> np.ndarray:
    length = lines.shape[1]
    spectrum = np.abs(np.fft.rfft(lines, 2 * length, axis=1)) ** 2
    sums = np.fft.irfft(spectrum.mean(0))[:length] / (length - np.arange(length))
    return np.pad(sums[:LAGS], (0, max(0, LAGS - length)))


def rotation_of(v: torch.Tensor) -> torch.Tensor:
    """W diag(I, V) W (32, 32) of an orthogonal V (16, 16)."""
    eye = torch.eye(OVERLAP, dtype=v.dtype)
    w = torch.cat([torch.cat([eye, eye.flip(0)], 1), torch.cat([eye.flip(0), -eye], 1)]) / 2**0.5
    return w @ torch.block_diag(eye, v) @ w


def lapped_basis(rotation: torch.Tensor) -> torch.Tensor:
    """The one-dimensional lapped DCT on a block and OVERLAP pixels to each side (32, 64)."""
    k, i = torch.arange(BLOCK, dtype=torch.float64)[:, None], torch.arange(BLOCK)[None]
    dct = (2 / BLOCK) ** 0.5 * torch.cos(torch.pi * (2 * i + 1) * k / (2 * BLOCK))
    dct[0] /= 2**0.5
    rotated = torch.block_diag(rotation, rotation)  # the two borders of a block meet in its middle
    return dct @ rotated[OVERLAP : OVERLAP + BLOCK]


def bits_of(rotation: torch.Tensor, autocovariance: torch.Tensor) -> torch.Tensor:
    """Mean bits a coefficient of Gaussian lines with autocovariances (n, 64), over ERRORS_DB."""
    spectrum = torch.fft.rfft(lapped_basis(rotation), 2 * LAGS)
    overlap = torch.fft.irfft(spectrum.abs() ** 2, 2 * LAGS)[:, :LAGS]  # of each basis function with itself, by lag
    lines = torch.cat([autocovariance[:, :1], 2 * autocovariance[:, 1:]], 1)
    variance = (lines @ overlap.T).clamp(min=0)
    return sum(0.5 * torch.log2(1 + variance / error**2).mean() for error in ERRORS_DB) / len(ERRORS_DB)


def fitted_rotation(autocovariance: torch.Tensor) -> torch.Tensor:
    """The rotation (32, 32) float32 of least bits for lines with these autocovariances (n, 64)."""
    skew = torch.zeros(OVERLAP, OVERLAP, dtype=torch.float64, requires_grad=True)
    eye = torch.eye(OVERLAP, dtype=torch.float64)
    orthogonal = lambda: torch.linalg.solve(eye + skew - skew.T, eye - skew + skew.T)
    optimiser = torch.optim.Adam([skew], lr=0.03)
    for _ in range(TURNS):
        optimiser.zero_grad()
        bits_of(rotation_of(orthogonal()), autocovariance).backward()
        optimiser.step()
    return rotation_of(orthogonal()).detach().float()

"""What linear transforms make of an image with as many numbers as the study's latents hold: the yardstick of its networks.

In: images (rows, cols); out: images, or the mean squared error that is left. Knows no network.
"""

from __future__ import annotations

import numpy as np

REDUCTION_PX = 16
CHANNELS = 16


def lowest_of_blocks(image: np.ndarray, block_px: int, kept: int) -> np.ndarray:
    """Every block_px x block_px block from its kept x kept lowest DCT coefficients; past its border an image is mirrored."""
    (height, width), margins = image.shape, [(0, -side % block_px) for side in image.shape]
    image = np.pad(image, margins, mode="symmetric")
    rows, cols = (side // block_px for side in image.shape)
    blocks = image.reshape(rows, block_px, cols, block_px).transpose(0, 2, 1, 3)
    lowest = waves(block_px)[:kept]
    onto = lowest.T @ lowest
    return (onto @ blocks @ onto).transpose(0, 2, 1, 3).reshape(image.shape)[:height, :width]


def waves(count: int) -> np.ndarray:
    """The orthonormal DCT-II: frequencies by samples."""
    frequency, place = np.mgrid[:count, :count]
    waves = np.sqrt(2 / count) * np.cos(np.pi * frequency * (2 * place + 1) / (2 * count))
    waves[0] /= np.sqrt(2)
    return waves


def spectrum(image: np.ndarray) -> np.ndarray:
    """Power (2 rows, 2 cols) of an image about its mean, mirrored so that its borders do not jump; the sum is its variance."""
    even = image - image.mean()
    even = np.block([[even, even[:, ::-1]], [even[::-1], even[::-1, ::-1]]])
    return np.abs(np.fft.fft2(even)) ** 2 / float(even.size) ** 2


def bilinear_gain(shape: tuple[int, int]) -> np.ndarray:
    """Amplitude that four bilinear doublings of a side leave of each frequency, against that of the mean.

    One doubling leaves |cos(w / 2)|^3 of a frequency w of what it makes. Every multiple of 2 pi / 16 is left out altogether.
    """
    return np.outer(*(_gain(2 * np.pi * np.fft.fftfreq(size)) for size in shape))


def _gain(frequency: np.ndarray) -> np.ndarray:
    return np.abs(np.prod([np.cos(frequency / 2 * 2**k) for k in range(4)], axis=0)) ** 3


def left_of_best_bands(spectra: np.ndarray, within: np.ndarray, channels: int = CHANNELS) -> np.ndarray:
    """Mean squared errors (n,) of the best linear transform with `channels` numbers for every 16 x 16 pixels, filters of any length.

    spectra: (n, h, w). Subsampled by 16, 256 frequencies fall upon one and `channels` of them can be told apart; the same are kept
    for all images, those of the largest mean power among the frequencies that lie `within` (h, w).
    """
    folded = np.stack([_folded(np.where(within, power, 0)) for power in spectra])
    kept = np.argsort(-folded.mean(0), axis=-1)[..., :channels]
    known = np.stack([np.take_along_axis(power, kept, -1).sum() for power in folded])
    return spectra.sum((1, 2)) - known


def _folded(power: np.ndarray) -> np.ndarray:
    """(h, w) -> (h / 16, w / 16, 256): what falls upon one frequency lies together."""
    rows, cols = (side // REDUCTION_PX for side in power.shape)
    return power.reshape(REDUCTION_PX, rows, REDUCTION_PX, cols).transpose(1, 3, 0, 2).reshape(rows, cols, -1)

"""How a file is decoded beside its least error: what of its power and texture is given back. Latents and cells in, pixels out.

The scores of restored texture are the synthesis of noise in the latents, so they have the spectrum of what was lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.signal.noise import normal_scores
from sarcodec.signal.planes import cells_to_pixels

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

LEVELS, SPECKLES = ("power", "log"), ("keep", "restore")
LEAST_VARIANCE = np.float32(1e-12)


@dataclass(frozen=True)
class Reconstruction:
    """What a decoder is to give back.

    reconstruct: 'power', levels whose power is unbiased, or 'log', levels of least squared error in dB; speckle: 'keep' what was
    coded, or 'restore' what was lost. Raises InvalidArgument for other words.
    """

    reconstruct: str = "power"
    speckle: str = "keep"

    def __post_init__(self) -> None:
        for name, words in (("reconstruct", LEVELS), ("speckle", SPECKLES)):
            if getattr(self, name) not in words:
                raise InvalidArgument(f"{name} is {getattr(self, name)!r}, expected one of {', '.join(words)}")


LEAST_ERROR = Reconstruction("log")


def noise_latents(lost: Floats, tile: int, band: int) -> Floats:
    """Lost variances in dB^2 (cells, 1024) -> noise of those variances in dB, always the same for a tile and band."""
    return normal_scores(tile, band, lost.size).reshape(lost.shape) * np.sqrt(lost)


def pixel_variances(cells: Floats, shape: tuple[int, int]) -> Floats:
    """Variances of cells (rows, cols) at their pixels: in an orthonormal transform the mean over channels is that over pixels."""
    return cells_to_pixels(cells, shape)


def normalised(noise: Floats, cells: Floats) -> Floats:
    """Noise in dB at pixels -> normal scores, by the variances of its cells."""
    return noise / np.sqrt(np.maximum(pixel_variances(cells, noise.shape), LEAST_VARIANCE))

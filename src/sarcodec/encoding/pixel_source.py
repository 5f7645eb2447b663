"""What an encoder reads from: an open raster, or arrays. A port between rooms."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window


class PixelSource(Protocol):
    """Pixels and masks of a scene by window, and what it says of itself. Safe for threads."""

    @property
    def info(self) -> SceneInfo:
        """Size, dtype and words of the scene."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the scene does not come back, in sentences."""

    def read(self, band: int, window: Window) -> np.ndarray:
        """Pixels (rows, cols) of a window of a band, the first is 0."""

    def read_mask(self, plane: int, window: Window) -> np.ndarray:
        """Values (rows, cols) uint8 of a window of a mask, the first is 0."""

"""An array as what an encoder reads from. In: pixels, and masks if there are any. Out: windows of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window


@dataclass(frozen=True, eq=False)
class ArraySource:
    """A PixelSource: pixels (bands, rows, cols), masks (planes, rows, cols) uint8, as many as `info` counts."""

    info: SceneInfo
    pixels: NDArray[Any]
    masks: NDArray[np.uint8]
    notes: tuple[str, ...] = ()

    def read(self, band: int, window: Window) -> NDArray[Any]:
        """Pixels (rows, cols) of a window of a band, the first is 0."""
        return np.ascontiguousarray(self.pixels[band][window.slices])

    def read_mask(self, plane: int, window: Window) -> NDArray[np.uint8]:
        """Values (rows, cols) uint8 of a window of a mask, the first is 0."""
        return np.ascontiguousarray(self.masks[plane][window.slices])

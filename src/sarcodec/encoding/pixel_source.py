"""What an encoder reads from: an open raster, or arrays. A port between rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window

if TYPE_CHECKING:
    from sarcodec.arrays import Integers, Pixels


class PixelSource(Protocol):
    """Pixels and masks of a scene by window, and what it says of itself. Safe for threads."""

    @property
    def info(self) -> SceneInfo:
        """Size, dtype and words of the scene."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the scene does not come back, in sentences."""

    def read(self, band: int, window: Window) -> Pixels:
        """Pixels (rows, cols) of a window of a band, the first is 0."""

    def read_mask(self, plane: int, window: Window) -> Integers:
        """Values (rows, cols) uint8 of a window of a mask, the first is 0."""

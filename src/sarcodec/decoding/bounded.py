"""Bands that promise something of every pixel, into pixels by tile: within a bound in dB, or exact, by JPEG XL. No model, no float network.

Tiles know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.tile import TILE_PX
from sarcodec.errors import CorruptFile
from sarcodec.format.bounded import LOSSLESS, unpack_bounded, unpack_exact
from sarcodec.format.jpegxl import require_library
from sarcodec.format.mask import unpack_invalid
from sarcodec.format.measure import Measure
from sarcodec.format.partition import within
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import LEVELS, MASK, Section
from sarcodec.format.tiling import TileGrid
from sarcodec.signal.radiometry import valid_mask

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Pixels


class BoundedDecoder:
    """Tiles of the bounded bands of a file. Safe for threads. measures: what the pixels of each band are, None: not known."""

    def __init__(self, file: FileReader, measures: Sequence[Measure | None]) -> None:
        require_library()
        self.file, self.measures = file, measures
        self.grid = TileGrid(file.header.rows, file.header.cols, TILE_PX)

    def tile_pixels(self, tile: int, band: int) -> Pixels:
        """Pixels of a tile (rows, cols) in the scene's dtype."""
        header, shape = self.file.header, self.grid.window(tile).shape
        sections = {s.kind: s for s in self.file.sections(tile, band)}
        return decode_sections(sections, shape, header.dtype, self.measures[band], header.bands[band].bound or LOSSLESS)

    def keeps(self, original: Pixels, decoded: Pixels, band: int) -> bool:
        """Whether decoded pixels are what the file promises of their originals."""
        measure, bound = self.measures[band], self.file.header.bands[band].bound or LOSSLESS
        valid = np.ones(original.shape, bool) if measure is None else valid_mask(original, measure)
        return bool(keeps(original, decoded, valid, measure, bound).all())


def decode_sections(
    sections: dict[int, Section], shape: tuple[int, int], dtype: str, measure: Measure | None, bound: int
) -> Pixels:
    """Pixels (shape) of a tile. Raises CorruptFile where a pixel is in no section."""
    apart, kept = unpack_invalid(sections[MASK].payload if MASK in sections else b"", shape, dtype)
    if LEVELS not in sections:
        if apart.any():
            raise CorruptFile("a tile has pixels without levels; the file is damaged")
        return kept
    contents = sections[LEVELS].payload
    if bound == LOSSLESS or measure is None:
        pixels = unpack_exact(contents, shape, dtype)
    else:
        pixels = unpack_bounded(contents, shape, dtype, measure, bound)
    bits = f"u{pixels.itemsize}"
    pixels.view(bits)[~apart] = kept.view(bits)[~apart]
    return pixels


def keeps(original: Pixels, decoded: Pixels, valid: Bools, measure: Measure | None, bound: int) -> Bools:
    """Which pixels came back as promised: within the bound where valid in the original, the same bits elsewhere."""
    bits = f"u{original.itemsize}"
    same = original.view(bits) == decoded.view(bits)
    found: Bools = (
        same if bound == LOSSLESS or measure is None else same | valid & within(original, decoded, measure, bound)
    )
    return found

"""Bands that promise something of every pixel: within a bound in dB, or exact, by JPEG XL. No model, no float network.

In: an open raster, out: payloads of tiles; and back. Tiles know nothing of each other.
"""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

import numpy as np

from sarcodec.bitstream.bounded import LOSSLESS, pack_bounded, pack_exact, unpack_bounded, unpack_exact
from sarcodec.bitstream.container import BandField
from sarcodec.bitstream.reader import FileReader
from sarcodec.bitstream.lossless import require_library
from sarcodec.bitstream.mask import pack_invalid, unpack_invalid
from sarcodec.bitstream.partition import BOUNDS, BOUNDS_A_DB, within
from sarcodec.bitstream.sections import LEVELS, MASK, Section, pack_tile
from sarcodec.errors import CorruptFile, InvalidArgument, TargetNotReached
from sarcodec.measure import Measure
from sarcodec.raster.geotiff import SceneReader
from sarcodec.raster.radiometry import valid_mask
from sarcodec.raster.tiling import TileGrid
from sarcodec.tile import TILE_PX

from .kinds import measure_of


def bound_of(max_error_db: float) -> int:
    """The bound of a file in 1/1000 dB, never more than was asked for. Raises InvalidArgument out of range."""
    bound = Decimal(repr(float(max_error_db))) * BOUNDS_A_DB
    if not bound.is_finite() or not BOUNDS.start <= bound < BOUNDS.stop:
        raise InvalidArgument(
            f"the largest error is {max_error_db} dB, expected {BOUNDS.start / BOUNDS_A_DB} to {BOUNDS[-1] / BOUNDS_A_DB}; "
            "for exact pixels ask for lossless"
        )
    return int(bound.to_integral_value(ROUND_DOWN))


class BoundedEncoder:
    """Tiles of one band into payloads; safe for threads where the reader is. `field`: what the head says of the band.

    Raises InvalidArgument without imagecodecs.
    """

    def __init__(self, reader: SceneReader, band: int, field: BandField):
        require_library()
        self.reader, self.band, self.field = reader, band, field
        self.measure = measure_of(field, reader.info.nodata[band])
        self.grid = TileGrid(reader.info.rows, reader.info.cols, TILE_PX)

    def encode(self, tile: int) -> bytes:
        """The payload of one tile, read back and compared with its pixels. Raises TargetNotReached if they are not as promised."""
        pixels = np.ascontiguousarray(self.reader.read(self.band, self.grid.window(tile)))
        valid = np.ones(pixels.shape, bool) if self.measure is None else valid_mask(pixels, self.measure)
        sections = self._exact(pixels, valid) if self.field.bound == LOSSLESS else self._bounded(pixels, valid)
        payload, by_kind = pack_tile(sections), {s.kind: s for s in sections}
        decoded = decode_sections(by_kind, pixels.shape, pixels.dtype.name, self.measure, self.field.bound)
        if not keeps(pixels, decoded, valid, self.measure, self.field.bound).all():
            raise TargetNotReached(
                f"tile {tile}, band {self.band + 1} does not come back as promised; JPEG XL is at fault here (imagecodecs), "
                "take another version of it"
            )
        return payload

    def _bounded(self, pixels: np.ndarray, valid: np.ndarray) -> list[Section]:
        contents, held = pack_bounded(pixels, valid, self.measure, self.field.bound)
        return _sections(pack_invalid(pixels, held), contents)

    def _exact(self, pixels: np.ndarray, valid: np.ndarray) -> list[Section]:
        """All pixels in the image, or the invalid ones in the mask: whichever is smaller."""
        forms = [_sections(b"", pack_exact(pixels, np.ones_like(valid)))]
        if not valid.all():
            forms.append(_sections(pack_invalid(pixels, valid), pack_exact(pixels, valid) if valid.any() else b""))
        return min(forms, key=lambda sections: len(pack_tile(sections)))


class BoundedDecoder:
    """Tiles of the bounded bands of a file. Safe for threads. measures: what the pixels of each band are, None: not known."""

    def __init__(self, file: FileReader, measures: Sequence[Measure | None]):
        require_library()
        self.file, self.measures = file, measures
        self.grid = TileGrid(file.header.rows, file.header.cols, TILE_PX)

    def tile_pixels(self, tile: int, band: int) -> np.ndarray:
        """Pixels of a tile (rows, cols) in the scene's dtype."""
        header, shape = self.file.header, self.grid.window(tile).shape
        sections = {s.kind: s for s in self.file.sections(tile, band)}
        return decode_sections(sections, shape, header.dtype, self.measures[band], header.bands[band].bound)

    def keeps(self, original: np.ndarray, decoded: np.ndarray, band: int) -> bool:
        """Whether decoded pixels are what the file promises of their originals."""
        measure, bound = self.measures[band], self.file.header.bands[band].bound
        valid = np.ones(original.shape, bool) if measure is None else valid_mask(original, measure)
        return bool(keeps(original, decoded, valid, measure, bound).all())


def decode_sections(
    sections: dict[int, Section], shape: tuple[int, int], dtype: str, measure: Measure | None, bound: int
) -> np.ndarray:
    """Pixels (shape) of a tile. Raises CorruptFile where a pixel is in no section."""
    apart, kept = unpack_invalid(sections[MASK].payload if MASK in sections else b"", shape, dtype)
    if LEVELS not in sections:
        if apart.any():
            raise CorruptFile("a tile has pixels without levels; the file is damaged")
        return kept
    contents = sections[LEVELS].payload
    if bound == LOSSLESS:
        pixels = unpack_exact(contents, shape, dtype)
    else:
        pixels = unpack_bounded(contents, shape, dtype, measure, bound)
    bits = f"u{pixels.itemsize}"
    pixels.view(bits)[~apart] = kept.view(bits)[~apart]
    return pixels


def keeps(
    original: np.ndarray, decoded: np.ndarray, valid: np.ndarray, measure: Measure | None, bound: int
) -> np.ndarray:
    """Which pixels came back as promised: within the bound where valid in the original, the same bits elsewhere."""
    bits = f"u{original.itemsize}"
    same = original.view(bits) == decoded.view(bits)
    return same if bound == LOSSLESS else same | valid & within(original, decoded, measure, bound)


def _sections(mask: bytes, levels: bytes) -> list[Section]:
    return [Section(kind, contents) for kind, contents in ((MASK, mask), (LEVELS, levels)) if contents]

"""Bands that promise something of every pixel, into payloads: within a bound in dB, or exact, by JPEG XL. No model, no float network."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.decoding.band_kinds import measure_of
from sarcodec.decoding.bounded import decode_sections, keeps
from sarcodec.decoding.tile import TILE_PX
from sarcodec.encoding.level_check import check_levels
from sarcodec.encoding.measured import Encoded, Measured, measured
from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.errors import InvalidArgument, TargetNotReached
from sarcodec.format.bands import BandField
from sarcodec.format.bounded import LOSSLESS, pack_bounded, pack_exact
from sarcodec.format.jpegxl import require_library
from sarcodec.format.mask import pack_invalid
from sarcodec.format.measure import Measure
from sarcodec.format.partition import BOUNDS, BOUNDS_A_DB
from sarcodec.format.sections import LEVELS, MASK, Section, pack_tile
from sarcodec.format.tiling import TileGrid
from sarcodec.signal.radiometry import normalise, valid_mask

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Pixels


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

    Raises InvalidArgument without imagecodecs; UnsupportedScene where levels in dB are beyond all physics.
    """

    def __init__(self, reader: PixelSource, band: int, field: BandField) -> None:
        require_library()
        self.reader, self.band, self.field = reader, band, field
        self.bound = field.bound or LOSSLESS
        self.measure = measure_of(field, reader.info.nodata[band])
        self.grid = TileGrid(reader.info.rows, reader.info.cols, TILE_PX)

    def encode(self, tile: int) -> Encoded:
        """One tile, read back and compared with its pixels. Raises TargetNotReached if they are not as promised."""
        pixels = np.ascontiguousarray(self.reader.read(self.band, self.grid.window(tile)))
        valid = np.ones(pixels.shape, bool) if self.measure is None else valid_mask(pixels, self.measure)
        self._check(tile, pixels)
        if self.measure is None or self.bound == LOSSLESS:
            sections = self._exact(pixels, valid)
        else:
            sections = self._bounded(pixels, valid, self.measure)
        payload, by_kind = pack_tile(sections), {s.kind: s for s in sections}
        decoded = decode_sections(by_kind, pixels.shape, pixels.dtype.name, self.measure, self.bound)
        if not keeps(pixels, decoded, valid, self.measure, self.bound).all():
            raise TargetNotReached(
                f"tile {tile}, band {self.band + 1} does not come back as promised; JPEG XL is at fault here (imagecodecs), "
                "take another version of it"
            )
        return Encoded(payload, self._measured(pixels, decoded, valid))

    def _check(self, tile: int, pixels: Pixels) -> None:
        """dB are coded as they are, so that nothing else would notice a level that is none."""
        if self.measure is not None and self.measure.domain == "db" and self.bound != LOSSLESS:
            check_levels(normalise(pixels, self.measure)[0], self.grid.window(tile))

    def _measured(self, pixels: Pixels, decoded: Pixels, valid: Bools) -> Measured:
        """Errors in dB; of exact pixels, which have none, how many are valid alone."""
        counted = Measured(valid=int(np.count_nonzero(valid)))
        if self.measure is None or self.bound == LOSSLESS:
            return counted
        (before, where), (after, _) = (normalise(side, self.measure) for side in (pixels, decoded))
        return counted + measured(before, where, after)

    def _bounded(self, pixels: Pixels, valid: Bools, measure: Measure) -> list[Section]:
        contents, held = pack_bounded(pixels, valid, measure, self.bound)
        return _sections(pack_invalid(pixels, held), contents)

    def _exact(self, pixels: Pixels, valid: Bools) -> list[Section]:
        """All pixels in the image, or the invalid ones in the mask: whichever is smaller."""
        forms = [_sections(b"", pack_exact(pixels, np.ones_like(valid)))]
        if not valid.all():
            forms.append(_sections(pack_invalid(pixels, valid), pack_exact(pixels, valid) if valid.any() else b""))
        return min(forms, key=lambda sections: len(pack_tile(sections).rest))


def _sections(mask: bytes, levels: bytes) -> list[Section]:
    return [Section(kind, contents) for kind, contents in ((MASK, mask), (LEVELS, levels)) if contents]

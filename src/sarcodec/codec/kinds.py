"""What is done with each band of a scene: coded by the model, within a bound, or exactly. Decides from what the bands mean and what is asked."""

from __future__ import annotations

from dataclasses import dataclass

from sarcodec.bitstream.bounded import LOSSLESS
from sarcodec.bitstream.container import BOUNDED, EXACT, BandField, Header
from sarcodec.bitstream.partition import is_identity
from sarcodec.errors import UnsupportedScene
from sarcodec.measure import Measure
from sarcodec.raster.geotiff import SceneReader
from sarcodec.raster.meaning import BandMeaning, scene_meaning

from .sampling import sample_band, sample_hidden

IMAGES = ("uint8", "uint16", "int16", "float32")
"""Pixel types that JPEG XL takes; lossless scenes of the others are coded by the core."""


@dataclass(frozen=True)
class BandKind:
    """One band, counted from 1: its kind ('learned', 'bounded', 'exact'), the domain of its pixels (None: not known), and why."""

    band: int
    kind: str
    domain: str | None
    why: str


def measure_of(field: BandField, nodata: float | None) -> Measure | None:
    """What the pixels of a band measure, by the head of a file; None where that is not known."""
    if field.domain is None:
        return None
    return Measure(field.domain, field.scale, field.offset, nodata, field.fills)


def meanings_of(
    reader: SceneReader, domain: str, exact_bands: tuple[int, ...] | None, lossless: bool
) -> tuple[BandMeaning, ...]:
    """What each band is. Exact pixels need no unit: lossless scenes are taken where it cannot be told."""
    count = reader.info.count
    samples = [sample_band(reader, band) for band in range(count)]
    masked = [sample_hidden(reader, band) for band in range(count)]
    try:
        return scene_meaning(reader.info, samples, masked, domain, exact_bands)
    except UnsupportedScene as error:
        if not lossless:
            raise
        return (BandMeaning("radar", None, f"not known, and exact pixels need no unit ({error})"),) * count


def promised_field(meaning: BandMeaning, dtype: str, bound: int) -> BandField:
    """How a band is coded where every pixel keeps a bound in 1/1000 dB, or where it is exact (0).

    A bound under which every pixel of the type is a level of its own (8-bit DN below 0.034 dB) becomes 0.
    """
    if meaning.kind == EXACT:
        return BandField(EXACT, None)
    measure = meaning.measure
    if bound and is_identity(dtype, measure, bound):
        bound = LOSSLESS
    if bound == LOSSLESS and dtype not in IMAGES:
        return BandField(EXACT, None)
    if measure is None:
        return BandField(BOUNDED, None, bound=LOSSLESS)
    return BandField(BOUNDED, measure.domain, measure.scale, measure.offset, measure.fills, bound=bound)


def kinds_of(fields: tuple[BandField, ...], why: tuple[str, ...]) -> tuple[BandKind, ...]:
    """For reports."""
    return tuple(
        BandKind(number, field.kind, field.domain, text)
        for number, (field, text) in enumerate(zip(fields, why, strict=True), start=1)
    )



def mode_of(fields: tuple[BandField, ...]) -> str:
    """'learned' where a model has coded a band, 'bounded' or 'lossless' where pixels keep a promise, 'exact' where no band is radar."""
    if any(field.learned for field in fields):
        return "learned"
    if all(field.kind == EXACT for field in fields):
        return "exact"
    return "bounded" if any(field.bound for field in fields) else "lossless"


def largest_bound(header: Header) -> float | None:
    """The bound in dB that all pixels keep, 0 for exact ones; None where a model has coded a band."""
    return None if header.learned else max(band.max_error_db for band in header.bands)

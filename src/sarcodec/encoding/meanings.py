"""What is done with each band of a scene: coded by the model, within a bound, or exactly. Decides from what the bands mean and what is asked."""

from __future__ import annotations

from dataclasses import replace

from sarcodec.encoding.pixel_source import PixelSource
from sarcodec.encoding.sampling import (
    Mapped,
    fill_lies_near,
    may_hide_fill,
    sample_band,
    sample_hidden,
    sample_tiles,
    telling_tiles,
)
from sarcodec.errors import UnsupportedScene
from sarcodec.format.bands import BOUNDED, EXACT, BandField
from sarcodec.format.bounded import LOSSLESS
from sarcodec.format.partition import is_identity
from sarcodec.raster.meaning import BandMeaning, scene_meaning

IMAGES = ("uint8", "uint16", "int16", "float32")
"""Pixel types that JPEG XL takes; lossless scenes of the others are coded by the core."""


class UnseenFill(Exception):
    """A tile shows what is taken for fill, and none of those had it that the bands' meanings were decided from: they have to be decided anew, searched."""


def meanings_of(
    reader: PixelSource,
    domain: str,
    exact_bands: tuple[int, ...] | None,
    lossless: bool,
    mapped: Mapped = map,
    searched: bool = False,
) -> tuple[BandMeaning, ...]:
    """What each band is. Exact pixels need no unit: lossless scenes are taken where it cannot be told. mapped: as `map`, of several threads.
    searched: plain whole numbers are looked through for fill too, which takes as long as reading them."""
    count = reader.info.count
    hiding = [not lossless and may_hide_fill(reader, band) for band in range(count)]
    looked = [hides and (searched or fill_lies_near(reader, band)) for band, hides in enumerate(hiding)]
    tiles = [telling_tiles(reader, band, mapped) if look else sample_tiles(reader) for band, look in enumerate(looked)]
    samples = [sample_band(reader, band, tiles[band]) for band in range(count)]
    masked = [sample_hidden(reader, band, tiles[band]) for band in range(count)]
    try:
        found = scene_meaning(reader.info, samples, masked, domain, exact_bands)
        known = [look or not hides for look, hides in zip(looked, hiding, strict=True)]
        return tuple(replace(meaning, searched=all_) for meaning, all_ in zip(found, known, strict=True))
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
    if measure is None or (bound and is_identity(dtype, measure, bound)):
        bound = LOSSLESS
    if bound == LOSSLESS and dtype not in IMAGES:
        return BandField(EXACT, None)
    if measure is None:
        return BandField(BOUNDED, None, bound=LOSSLESS)
    return BandField(BOUNDED, measure.domain, measure.scale, measure.offset, measure.fills, bound=bound)

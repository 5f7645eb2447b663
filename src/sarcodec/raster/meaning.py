"""What the bands of a scene are: radar, on which scale, or something else that must stay exact. Decided from evidence.

In: a SceneInfo, samples of every band, and what the user said; out: a BandMeaning a band. Declarations say what is meant, values
what is possible: where they contradict each other, or say too little, the scene is refused with both readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.format.meaningless import meaningless_pixels
from sarcodec.format.measure import DOMAINS, MOST_FILLS, Measure
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.band_sample import BandSample
from sarcodec.raster.declared import declarations
from sarcodec.raster.distribution import Distribution, describe, find_fills, hidden_values, zero_is_fill
from sarcodec.raster.domains import decide, obeyed
from sarcodec.raster.kinds import LEAST_JUDGED, MASK_VALUES, check_no_photo, exact_bands_of
from sarcodec.signal.radiometry import finite_mask

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Pixels


@dataclass(frozen=True)
class BandMeaning:
    """kind: 'radar' or 'exact'; measure: None where exact; why: one sentence of evidence. hidden: values that are fill where a
    mask hides them. searched: all of the scene was looked at for fill that nobody declared, or some is declared."""

    kind: str
    measure: Measure | None
    why: str
    hidden: tuple[float, ...] = ()
    searched: bool = True


def scene_meaning(
    info: SceneInfo,
    samples: Sequence[Pixels],
    masked: Sequence[Bools | None],
    domain: str = "auto",
    exact_bands: Sequence[int] | None = None,
) -> tuple[BandMeaning, ...]:
    """What each band is. samples: pixels (n,) of every band, neighbours next to each other; masked: where a mask hides them, or None.

    exact_bands: numbers from 1 that stay exact, beside those that are found; an empty sequence: none, and none is looked for.
    domain: of all radar bands, or auto. Raises UnsupportedScene where a domain cannot be told or is impossible, and for
    photographs; InvalidArgument for a domain or a band that does not exist.
    """
    named = _check_asked(info, domain, exact_bands)
    bands = [_sample(info, band, samples[band], masked[band]) for band in range(info.count)]
    found = {} if exact_bands is not None and not named else exact_bands_of(info, bands)
    if domain == "auto":
        check_no_photo(info, bands, found, named)
    exact = {**found, **{number: f"named as exact band {number}" for number in named}}
    return _agreed(info, bands, [_meaning(info, sample, domain, exact.get(sample.number)) for sample in bands])


def _check_asked(info: SceneInfo, domain: str, exact_bands: Sequence[int] | None) -> tuple[int, ...]:
    if domain not in ("auto", *DOMAINS):
        raise InvalidArgument(f"domain is {domain!r}; expected auto, {', '.join(DOMAINS)}")
    named = tuple(int(number) for number in exact_bands or ())
    wrong = [number for number in named if not 1 <= number <= info.count]
    if wrong:
        there = "band 1 alone" if info.count == 1 else f"the bands 1 to {info.count}"
        raise InvalidArgument(f"band {wrong[0]} is to be exact, but this scene has {there}; bands are counted from 1")
    return named


def _sample(info: SceneInfo, band: int, pixels: Pixels, masked: Bools | None) -> BandSample:
    pixels = np.ascontiguousarray(pixels).reshape(-1)
    usable = finite_mask(pixels)
    for value in meaningless_pixels(pixels.dtype, Measure("db", nodata=info.nodata[band])):
        usable &= pixels != value
    hidden: tuple[float, ...] = ()
    if masked is not None and masked.any():
        hidden = hidden_values(pixels, masked.reshape(-1))
        usable &= ~masked.reshape(-1)
    fills = find_fills(pixels[usable])[:MOST_FILLS]
    for fill in fills:
        usable &= pixels != pixels.dtype.type(fill)
    scale, offset = _declared_scale(info, band)
    figures = describe(pixels, usable, scale, offset)
    return BandSample(band + 1, pixels, usable, fills, hidden, scale, offset, figures)


def _declared_scale(info: SceneInfo, band: int) -> tuple[float, float]:
    scale, offset = info.scales[band], info.offsets[band]
    usual = np.isfinite(scale) and np.isfinite(offset) and scale != 0
    return (float(scale), float(offset)) if usual else (1.0, 0.0)  # a scale of 0 was never meant


def _meaning(info: SceneInfo, sample: BandSample, domain: str, exact: str | None) -> BandMeaning:
    if exact:
        return BandMeaning("exact", None, exact, sample.hidden)
    sample = _with_zeros(sample)
    chosen, why = (
        decide(info, sample) if domain == "auto" else (obeyed(info, sample, domain), f"asked for by --domain {domain}")
    )
    fills = tuple(value for value in sample.fills if _would_be_valid(value, chosen, sample))
    if said := tuple(value for value in sample.fills if value in fills or _is_invalid(value, chosen, sample)):
        why += f"; {_listed(said)} taken for fill"
    measure = Measure(chosen, sample.scale, sample.offset, info.nodata[sample.number - 1], fills)
    return BandMeaning("radar", measure, why, sample.hidden)


def _with_zeros(sample: BandSample) -> BandSample:
    """The sample without zeros that are fill: among levels in dB, as linear pixels of 0 are invalid anyway."""
    values = sample.pixels[sample.usable]
    may_be_db = sample.pixels.dtype.kind == "f" or (sample.scale, sample.offset) != (1.0, 0.0)
    if not may_be_db or not (values < 0).any() or not zero_is_fill(values):
        return sample
    usable = sample.usable & (sample.pixels != 0)
    figures = describe(sample.pixels, usable, sample.scale, sample.offset)
    fills = tuple(sorted({*sample.fills, 0.0}))[:MOST_FILLS]
    return replace(sample, usable=usable, figures=figures, fills=fills)


def _would_be_valid(value: float, domain: str, sample: BandSample) -> bool:
    """Whether a fill must be listed: in amplitude and power values of 0 and less are invalid by themselves. Whole numbers within
    the range of amplitudes are measurements, however frequent."""
    if _is_invalid(value, domain, sample):
        return False
    if domain == "db":
        return True
    values = sample.pixels[sample.usable]
    return sample.pixels.dtype.kind == "f" or not values.size or not values.min() < value < values.max()


def _is_invalid(value: float, domain: str, sample: BandSample) -> bool:
    """Whether a value is no amplitude and no power anyway."""
    return domain != "db" and value * sample.scale + sample.offset <= 0


def _listed(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _agreed(info: SceneInfo, samples: list[BandSample], meanings: list[BandMeaning]) -> tuple[BandMeaning, ...]:
    """Bands of one file agree, unless they say what they are: one with too few valid pixels goes with the others, and of one
    whose values alone speak of another domain it is not known what it is."""
    radar = [m.measure for m in meanings if m.measure is not None]
    if len({measure.domain for measure in radar}) < 2:
        return tuple(meanings)
    silent = [m.measure is not None and not declarations(info, s.number - 1) for m, s in zip(meanings, samples)]
    judged = [_is_judged(s.figures) for s in samples]
    others = [m.measure.domain for m, weak, fit in zip(meanings, silent, judged) if m.measure and (fit or not weak)]
    if not others:
        return tuple(meanings)
    usual = max(("db", "power", "amplitude"), key=others.count)
    found = list(meanings)
    for index, (meaning, sample) in enumerate(zip(meanings, samples)):
        measure = meaning.measure
        if measure is not None and silent[index] and measure.domain != usual and _is_measured(sample.figures):
            found[index] = _alike(meaning, measure, sample, usual, judged[index])
    return tuple(found)


def _is_measured(d: Distribution) -> bool:
    """Whether there is a value, other than 0, that is not invalid."""
    return not d.count or d.low != 0 or d.high != 0


def _is_judged(d: Distribution) -> bool:
    return d.count >= LEAST_JUDGED and d.distinct > MASK_VALUES


def _alike(meaning: BandMeaning, measure: Measure, sample: BandSample, domain: str, judged: bool) -> BandMeaning:
    possible = sample.pixels.dtype.kind == "f" and (domain == "db" or (measure.scale > 0 and sample.figures.low >= 0))
    if not judged and possible:
        few = "too few valid pixels to judge by" if sample.figures.count else "no valid pixel"
        fills = sample.fills if domain == "db" else measure.fills
        changed = replace(measure, domain=domain, fills=fills)
        return replace(meaning, measure=changed, why=f"{few}; taken as the other bands are")
    raise UnsupportedScene(
        f"band {sample.number} is {measure.domain} by its values ({meaning.why}), but the other bands are {domain}; expected one "
        f"domain, or a unit at every band (gdal_edit.py -units). Choose --exact-bands {sample.number} if it is no radar, or --domain {domain} "
        "if it is as the others are"
    )

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
from sarcodec.raster.declared import declarations, declared_exact, is_radar_name
from sarcodec.raster.distribution import Distribution, describe, find_fills, hidden_values, zero_is_fill
from sarcodec.raster.domains import decide, obeyed
from sarcodec.signal.radiometry import finite_mask

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Pixels

_PHOTO = {
    "red",
    "green",
    "blue",
    "cyan",
    "magenta",
    "yellow",
    "black",
    "hue",
    "saturation",
    "lightness",
    "y",
    "cb",
    "cr",
}
_MOST_CLASSES, _EQUAL_NEIGHBOURS, _MASK_VALUES = 64, 0.8, 3
_EQUAL_CLASSES = 0.45  # small areas have many borders; the darkest speckle in whole numbers has 0.4
_SMOOTH_STEP = 0.01  # of the range of most values: neighbours in geometry differ by less, speckle by more
_SMOOTH_SHARE = 0.02  # of the middle value: the same of linear power, whose range a city makes large
_SMOOTH_BEND = 0.4  # heights and angles bend less from pixel to pixel than they rise; speckle, filtered too, does not
_LEAST_JUDGED = 256


@dataclass(frozen=True)
class BandMeaning:
    """kind: 'radar' or 'exact'; measure: None where exact; why: one sentence of evidence. hidden: values that are fill where a
    mask hides them."""

    kind: str
    measure: Measure | None
    why: str
    hidden: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class BandSample:
    """Pixels (n,) of one band (number from 1), which of them may be measurements, fills found among them, and their figures."""

    number: int
    pixels: Pixels
    usable: Bools
    fills: tuple[float, ...]
    hidden: tuple[float, ...]
    scale: float
    offset: float
    figures: Distribution


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
    found = {} if exact_bands is not None and not named else _exact_bands(info, bands)
    if domain == "auto":
        _check_no_photo(info, bands, found, named)
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


def _exact_bands(info: SceneInfo, bands: list[BandSample]) -> dict[int, str]:
    """Band number -> why it is no radar: declared so, or by its values beside a band that has speckle."""
    found = {s.number: why for s in bands if (why := declared_exact(info, s.number - 1))}
    others = [s for s in bands if s.number not in found and not is_radar_name(info, s.number - 1)]
    speckled = [s for s in bands if s.number not in found and _is_speckled(s.figures)]
    for sample in others:
        beside = [radar for radar in speckled if radar.number != sample.number]
        if not beside:
            continue
        if why := _by_values(_without_zeros(sample)) or _by_whole_values(sample, beside):
            found[sample.number] = why
    return found


def _by_whole_values(sample: BandSample, beside: list[BandSample]) -> str | None:
    """Classes in areas of any size: a few whole numbers, beside radar that is in none."""
    d = sample.figures
    few = d.whole and 1 < d.distinct <= _MOST_CLASSES and d.count >= _LEAST_JUDGED
    if not few or any(radar.figures.whole for radar in beside):
        return None
    return f"only {d.distinct} different values, all whole, beside a band with speckle in fractions: classes"


def _is_speckled(d: Distribution) -> bool:
    return (
        d.count >= _LEAST_JUDGED
        and d.distinct > _MOST_CLASSES // 2
        and not _is_smooth(d)
        and d.equal < _EQUAL_NEIGHBOURS
    )


def _is_smooth(d: Distribution) -> bool:
    spread = d.q95 - d.q05
    if d.bend is not None and d.bend < _SMOOTH_BEND:
        return True
    return d.step <= _SMOOTH_STEP * spread and d.step <= _SMOOTH_SHARE * max(
        abs(d.median), spread if d.negative > 0.05 else 0
    )


def _without_zeros(sample: BandSample) -> Distribution:
    """Figures of the pixels that are not 0: an empty border beside speckle is neither a class nor smooth."""
    usable = sample.usable & (sample.pixels != 0)
    return describe(sample.pixels, usable, sample.scale, sample.offset)


def _by_values(d: Distribution) -> str | None:
    if 0 < d.count < _LEAST_JUDGED and d.distinct <= _MASK_VALUES:
        return f"only {d.distinct} different values beside 0, and a band with speckle: a mask"
    if d.count < _LEAST_JUDGED:
        return None
    clustered = d.distinct <= _MOST_CLASSES and d.equal >= _EQUAL_CLASSES
    if d.distinct <= _MASK_VALUES or clustered:
        return f"only {d.distinct} different values in large areas, beside a band with speckle: classes or a mask"
    if d.distinct > _MOST_CLASSES and _is_smooth(d):
        return (
            f"neighbours differ by {d.step:.2g} in a range of {d.q95 - d.q05:.3g}, beside a band with speckle: geometry"
        )
    return None


def _check_no_photo(info: SceneInfo, bands: list[BandSample], found: dict[int, str], named: Sequence[int]) -> None:
    """A picture in colours is refused, unless its bands bear the names of polarisations. A colour may be as smooth as geometry; that it
    is a band of its own is said by its name, or by its having few values (GDAL calls any three bands of bytes red, green and blue)."""
    own = {n for n in found if declared_exact(info, n - 1) or bands[n - 1].figures.distinct <= _MOST_CLASSES} | set(
        named
    )
    colours = [band for band in range(info.count) if info.colorinterp[band].lower() in _PHOTO and band + 1 not in own]
    if len(colours) < 3 or any(is_radar_name(info, band) for band in colours):
        return
    names = ", ".join(info.colorinterp[band] for band in colours)
    raise UnsupportedScene(
        f"the bands are {names} by their colour interpretation: a photograph or a picture, expected detected radar. "
        "Use --lossless to keep it exactly, or --domain amplitude (power, db) if these really are radar bands"
    )


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
    return d.count >= _LEAST_JUDGED and d.distinct > _MASK_VALUES


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

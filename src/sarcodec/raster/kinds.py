"""Which bands are no radar, and whether a scene is a photograph: from names, colours, and how values lie beside speckle.

In: a SceneInfo and samples of its bands; out: numbers of bands, each with a sentence. Decides no domain.
"""

from __future__ import annotations

from collections.abc import Sequence

from sarcodec.errors import UnsupportedScene
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.band_sample import BandSample
from sarcodec.raster.declared import declared_exact, is_radar_name
from sarcodec.raster.distribution import Distribution, describe

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
_MOST_CLASSES, _EQUAL_NEIGHBOURS = 64, 0.8
_EQUAL_CLASSES = 0.45  # small areas have many borders; the darkest speckle in whole numbers has 0.4
_SMOOTH_STEP = 0.01  # of the range of most values: neighbours in geometry differ by less, speckle by more
_SMOOTH_SHARE = 0.02  # of the middle value: the same of linear power, whose range a city makes large
_SMOOTH_BEND = 0.4  # heights and angles bend less from pixel to pixel than they rise; speckle, filtered too, does not
LEAST_JUDGED, MASK_VALUES = 256, 3


def exact_bands_of(info: SceneInfo, bands: list[BandSample]) -> dict[int, str]:
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
    few = d.whole and 1 < d.distinct <= _MOST_CLASSES and d.count >= LEAST_JUDGED
    if not few or any(radar.figures.whole for radar in beside):
        return None
    return f"only {d.distinct} different values, all whole, beside a band with speckle in fractions: classes"


def _is_speckled(d: Distribution) -> bool:
    return (
        d.count >= LEAST_JUDGED
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
    if 0 < d.count < LEAST_JUDGED and d.distinct <= MASK_VALUES:
        return f"only {d.distinct} different values beside 0, and a band with speckle: a mask"
    if d.count < LEAST_JUDGED:
        return None
    clustered = d.distinct <= _MOST_CLASSES and d.equal >= _EQUAL_CLASSES
    if d.distinct <= MASK_VALUES or clustered:
        return f"only {d.distinct} different values in large areas, beside a band with speckle: classes or a mask"
    if d.distinct > _MOST_CLASSES and _is_smooth(d):
        return (
            f"neighbours differ by {d.step:.2g} in a range of {d.q95 - d.q05:.3g}, beside a band with speckle: geometry"
        )
    return None


def check_no_photo(info: SceneInfo, bands: list[BandSample], found: dict[int, str], named: Sequence[int]) -> None:
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

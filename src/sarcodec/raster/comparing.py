"""Where two descriptions of a scene differ: what a written file does not say yet, and the words for it.

In: two SceneInfos of one size. Out: Differences. Knows no files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sarcodec.format.scene import Colour, SceneInfo, Tags
from sarcodec.raster.gdal import same_crs

_BLACK = (0, 0, 0, 255)
_ABSENT = "\0"  # is in no text of GDAL's
_ALIASES = {"gcp_crs_wkt": "gcps", "gcp_crs_axes": "gcps", "crs_axes": "crs_wkt", "crs_epoch": "crs_wkt"}
_OF_BANDS = (
    "nodata", "descriptions", "units", "scales", "offsets", "colorinterp", "categories", "attribute_tables",
)  # fmt: skip
_NAMES = {
    "crs_wkt": "the CRS",
    "transform": "the transform",
    "gcps": "the ground control points",
    "nodata": "the nodata value",
    "descriptions": "the description",
    "units": "the unit",
    "scales": "the scale",
    "offsets": "the offset",
    "colorinterp": "the colour interpretation",
    "colormaps": "the colour table",
    "categories": "the category names",
    "attribute_tables": "the attribute table",
    "mask": "the mask",
    "tags": "the tags",
}


@dataclass(frozen=True)
class Difference:
    """A field of SceneInfo, of a band (from 1; 0: of the scene); for tags: of which domain, and under which keys."""

    field: str
    band: int = 0
    domain: str = ""
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        words = _NAMES[self.field]
        if self.field == "tags":
            listed = ", ".join(self.keys[:8]) + (f" and {len(self.keys) - 8} more" if len(self.keys) > 8 else "")
            words += f" {listed}" + (f" of the domain {self.domain}" if self.domain else "")
        return words + (f" of band {self.band}" if self.band else "")


def differences(wanted: SceneInfo, found: SceneInfo) -> tuple[Difference, ...]:
    """What of `wanted` is not in `found`; more tags in `found` are no difference."""
    return tuple(dict.fromkeys((*_of_scene(wanted, found), *_of_bands(wanted, found), *_of_tags(wanted, found))))


def merged(found: Iterable[Difference]) -> tuple[Difference, ...]:
    """One difference a field, band and domain, with the keys of all."""
    keys: dict[Difference, tuple[str, ...]] = {}
    for difference in found:
        place = replace(difference, keys=())
        keys[place] = tuple(dict.fromkeys((*keys.get(place, ()), *difference.keys)))
    return tuple(replace(place, keys=listed) for place, listed in keys.items())


def _of_scene(wanted: SceneInfo, found: SceneInfo) -> Iterator[Difference]:
    for name in ("crs_axes", "crs_epoch", "transform", "gcps", "gcp_crs_axes", "mask"):
        if not _same(getattr(wanted, name), getattr(found, name)):
            yield Difference(_ALIASES.get(name, name))
    for name in ("crs_wkt", "gcp_crs_wkt"):
        if not same_crs(getattr(wanted, name), getattr(found, name)):
            yield Difference(_ALIASES.get(name, name))


def _of_bands(wanted: SceneInfo, found: SceneInfo) -> Iterator[Difference]:
    for name in _OF_BANDS:
        for band, (ours, theirs) in enumerate(zip(getattr(wanted, name), getattr(found, name), strict=True), 1):
            # Of nothing nothing is lost, also where GDAL finds something (the unit of a vertical CRS).
            if ours not in (None, "") and not _same(ours, theirs):
                yield Difference(name, band)
    for band, (ours, theirs) in enumerate(zip(wanted.colormaps, found.colormaps, strict=True), 1):
        if _trimmed(ours) != _trimmed(theirs):
            yield Difference("colormaps", band)


def _of_tags(wanted: SceneInfo, found: SceneInfo) -> Iterator[Difference]:
    pairs = zip((wanted.tags, *wanted.band_tags), (found.tags, *found.band_tags), strict=True)
    for band, (ours, theirs) in enumerate(pairs):
        there = _flat(theirs)
        for domain, items in ours:
            same = same_numbers if domain == "RPC" else str.__eq__
            keys = tuple(key for key, value in items if not same(there.get((domain, key), _ABSENT), value))
            if keys:
                yield Difference("tags", band, domain, keys)


def same_numbers(first: str, second: str) -> bool:
    """Whether two texts are the same numbers, however they are written."""
    try:
        return [float(word) for word in first.split()] == [float(word) for word in second.split()]
    except ValueError:
        return first == second


def _flat(tags: Tags) -> dict[tuple[str, str], str]:
    return {(domain, key): value for domain, items in tags for key, value in items}


def _same(ours: object, theirs: object) -> bool:
    return ours == theirs or repr(ours) == repr(theirs)  # NaN equals itself


def _trimmed(colours: tuple[Colour, ...]) -> tuple[Colour, ...]:
    """A TIFF's table has as many colours as there are values; those that nobody set are black."""
    end = len(colours)
    while end and tuple(colours[end - 1]) == _BLACK:
        end -= 1
    return tuple((red, green, blue, alpha) for red, green, blue, alpha in colours[:end])

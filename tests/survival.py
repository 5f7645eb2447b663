"""How two rasters differ in what they say, and which differences are documented.

In: facets of two rasters (tests/facets.py); out: differences, and those that nothing allows. Knows nothing of sarcodec: tests and benchmarks hold its
outputs to this. docs/what-survives.md says the same in words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass

from facets import Facets

_HALF_PIXEL_ROUNDING = 1e-6


@dataclass(frozen=True)
class Difference:
    """A facet that is not the same: what it was and what it is, None where it is not there."""

    facet: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.facet}: {_short(self.before)} became {_short(self.after)}"


@dataclass(frozen=True)
class Allowance:
    """A facet (a pattern) that may differ, why, and the word that a note about it must hold (None: nothing need be said)."""

    facet: str
    reason: str
    note: str | None = None
    only: Callable[[object, object], bool] = lambda before, after: True


def _default_area(before: object, after: object) -> bool:
    return {before, after} <= {None, "Area"}


def _rounded(before: tuple, after: tuple) -> bool:
    """Whether two transforms put no corner of a pixel more than a millionth of a pixel apart."""
    size = max(map(abs, (before[0], before[1], before[3], before[4])))
    return all(abs(a - b) <= _HALF_PIXEL_ROUNDING * size for a, b in zip(before, after, strict=True))


def _same_numbers(before: str, after: str) -> bool:
    """Whether two texts hold the same numbers, however they are spelled."""
    try:
        return [float(word) for word in before.split()] == [float(word) for word in after.split()]
    except ValueError:
        return False


def _undefined(before: object, after: object) -> bool:
    return (before, after) == ("undefined", "gray")


def _empty(before: object, after: object) -> bool:
    return before is None and after == ""


def _was_not_seen(before: object, after: object) -> bool:
    return before is None


def _is_lost(before: object, after: object) -> bool:
    return after is None


ALLOWED = (
    Allowance(
        r"(band \d+ )?tag \[IMAGE_STRUCTURE\] (?!MINISWHITE)", "compression and layout belong to the file; the output has its own"
    ),
    Allowance(r"tag \[DERIVED_SUBDATASETS\] ", "GDAL computes them of any raster"),
    Allowance(r"tag \[SUBDATASETS\] ", "other images of the file that the scene came from; the output holds this one"),
    Allowance(r"tag \[SARCODEC\] ", "the record of what the pixels went through"),
    Allowance(r"tag \[xml:VRT\] ", "the recipe of a VRT; the output holds the pixels that it made"),
    Allowance(r"tag \[\] AREA_OR_POINT", "Area is what every reader assumes", only=_default_area),
    Allowance(r"tag \[RPC\] ", "the same numbers: GeoTIFF holds doubles, and GDAL spells them", only=_same_numbers),
    Allowance(r"band 1 colour$", "the first band of a GeoTIFF that says nothing of colour is gray", only=_undefined),
    Allowance(r"band \d+ colour table", "TIFF has one for the first band alone", "colour table of band", only=_is_lost),
    Allowance(r"band \d+ attribute table", "read from .aux.xml alone; other forms have it elsewhere", only=_was_not_seen),
    Allowance(r".*tag ", "GDAL does not show every empty tag that is in a file", only=_empty),
    Allowance(r"mask form", "the mask of a raster that is no GeoTIFF takes the form that a GeoTIFF has", only=_was_not_seen),
    Allowance(
        r"crs( wkt)?$",
        "GDAL shows no CRS of a GeoTIFF with control points, although it is in the file",
        "the CRS: GDAL does not show it",
        only=_is_lost,
    ),
    Allowance(r"crs wkt", "the same CRS: GeoTIFF holds keys, and GDAL spells the words from them"),
    Allowance(r"transform", "a GeoTIFF with AREA_OR_POINT=Point holds the centre of the first pixel, so last digits move", only=_rounded),
    Allowance(
        r"(band \d+ )?tag \[\] (STATISTICS_|TIFFTAG_M(IN|AX)SAMPLEVALUE)",
        "figures of the pixels before, untrue of those after",
        "statistic",
        only=_is_lost,
    ),
)  # fmt: skip
"""Everything that may differ after compress and decompress. Overviews are no facet: the output has none, gdaladdo makes them."""


def differences(before: Facets, after: Facets) -> list[Difference]:
    """Facets that are not equal, in the order in which they are said."""
    names = [*before, *(name for name in after if name not in before)]
    return [Difference(n, before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)]


def allowance(difference: Difference, notes: str) -> Allowance | None:
    """The entry of ALLOWED that covers a difference; `notes` is what was said on stderr or in the reports."""
    for entry in ALLOWED:
        if not re.match(entry.facet, difference.facet) or not _fits(entry, difference):
            continue
        if entry.note is None or re.search(entry.note, notes, re.IGNORECASE):
            return entry
    return None


def _fits(entry: Allowance, difference: Difference) -> bool:
    try:
        return entry.only(difference.before, difference.after)
    except (TypeError, AttributeError):  # one of them is not there
        return False


def faults(before: Facets, after: Facets, notes: str = "") -> list[str]:
    """Differences that nothing in ALLOWED covers, a line each."""
    return [str(found) for found in differences(before, after) if allowance(found, notes) is None]


def _short(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    if len(text) <= 80:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
    return f"{text[:60]}... ({len(text)} characters, {digest})"

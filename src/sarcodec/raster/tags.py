"""Every word of metadata of an open dataset: of every domain, under every key, in any encoding.

rasterio cuts keys at a colon, drops values that are not UTF-8, and cannot read a domain that is one JSON text. So the
keys are looked for in what GDAL writes of the dataset as XML and in the files behind it, and each is then asked for by
its name. In: a dataset and its Sources. Out: Tags, and sentences about what cannot be had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import rasterio

from sarcodec.format.scene import Tags
from sarcodec.raster.gdal_xml import Item

_COMPUTED = ("IMAGE_STRUCTURE", "DERIVED_SUBDATASETS", "SUBDATASETS", "LocationInfo", "TIFF", "xml:VRT", "vrt_sources")
_STORED = ("SUBDATASETS", "LocationInfo", "TIFF", "vrt_sources")  # which a GeoTIFF may also hold as any other domain
_STATISTICS = re.compile("STATISTICS_.*|TIFFTAG_(MIN|MAX)SAMPLEVALUE", re.IGNORECASE)


@dataclass(frozen=True)
class FoundTags:
    """tags: of the dataset; band_tags: of each band; statistics: bands (from 1, 0 for the dataset) whose statistics
    were left out; lost: keys, with their domain, that cannot be read."""

    tags: Tags
    band_tags: tuple[Tags, ...]
    statistics: tuple[int, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass
class _Domain:
    """Words of one domain of one band while they are being collected."""

    band: int
    name: str
    items: dict[str, str] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)


def find_tags(dataset: rasterio.DatasetReader, said: Iterable[Item]) -> FoundTags:
    """said: words found in XML, of which some may be cut or out of date: each is confirmed by the dataset."""
    said = tuple(said)
    groups = [_band_domains(dataset, band, said) for band in (0, *dataset.indexes)]
    statistics = tuple(band for band, group in enumerate(groups) if sum(map(_drop_computed, group)))
    tags = [tuple((d.name, tuple(sorted(d.items.items()))) for d in group if d.items) for group in groups]
    lost = {f"{d.name}:{key}" if d.name else key for group in groups for d in group for key in d.lost}
    return FoundTags(tags[0], tuple(tags[1:]), statistics, tuple(sorted(lost)))


def _drop_computed(domain: _Domain) -> bool:
    """Statistics would be wrong of decoded pixels. Returns whether there were any."""
    found = [key for key in domain.items if not domain.name and _STATISTICS.fullmatch(key)]
    for key in found:
        del domain.items[key]
    # Area is what every reader assumes; Point moves the georeferencing by half a pixel, so it is kept.
    if not domain.band and not domain.name and domain.items.get("AREA_OR_POINT") == "Area":
        del domain.items["AREA_OR_POINT"]
    return bool(found)


def _band_domains(dataset: rasterio.DatasetReader, band: int, said: tuple[Item, ...]) -> list[_Domain]:
    here = [item for item in said if item.band == band]
    told = {item.domain for item in here}
    names = _once(("", *dataset.tag_namespaces(band), *sorted(told)))
    stored = told.intersection(_STORED) if dataset.driver in ("GTiff", "COG", "VRT") else ()
    return [
        _domain(dataset, band, name, [item for item in here if item.domain == name])
        for name in sorted(names)
        if name not in _COMPUTED or name in stored
    ]


def _once(names: Iterable[str]) -> list[str]:
    """For GDAL large and small letters are the same: the spelling that comes first."""
    return list({name.lower(): name for name in reversed(list(names))}.values())


def _domain(dataset: rasterio.DatasetReader, band: int, name: str, said: list[Item]) -> _Domain:
    domain = _Domain(band, name)
    if name.lower().startswith("xml:"):
        # Of XML:x rasterio does not know that it is one text, and crashes on it.
        whole = _cut_items(dataset, band, name).get(name) if name.startswith("xml:") else None
        whole = whole or next((item.value for item in said), None)
    elif name.lower().startswith("json:"):
        whole = _json_text(dataset, band, name, said)
    elif name and any(item.key == name for item in said) and dataset.get_tag_item(name, name, bidx=band) is None:
        whole = None  # One text in a domain that should have keys: rasterio would crash on it.
    else:
        textual = any(not item.key for item in said)  # Perhaps a text without any key: rasterio would crash on it, too.
        _collect(dataset, domain, {} if textual else _cut_items(dataset, band, name), said)
        return domain
    if whole is not None:
        domain.items[name] = whole
    else:
        domain.lost.add("the whole text")
    return domain


def _cut_items(dataset: rasterio.DatasetReader, band: int, name: str) -> dict[str, str]:
    with suppress(UnicodeDecodeError):
        found: dict[str, str] = dataset.tags(band, ns=name or None)
        return found
    return {}


def _json_text(dataset: rasterio.DatasetReader, band: int, name: str, said: list[Item]) -> str | None:
    """The one text of the domain. rasterio cuts it at its first colon or equals sign, and crashes where it has neither:
    so it is asked last, and only for what other drivers make (products' labels, which are objects with keys)."""
    for item in said:
        if (text := _as_json(item.value if item.key == name else f"{item.key}={item.value}")) is not None:
            return text
    if dataset.driver in ("GTiff", "COG", "VRT"):
        return None
    rebuilt = (f"{key}{sign}{value}" for key, value in _cut_items(dataset, band, name).items() for sign in ":=")
    return next((text for text in map(_as_json, rebuilt) if text is not None), None)


def _as_json(text: str) -> str | None:
    with suppress(ValueError):
        json.loads(text)
        return text.strip()
    return None


def _collect(dataset: rasterio.DatasetReader, domain: _Domain, cut: dict[str, str], said: list[Item]) -> None:
    for key, value in dict.fromkeys((*cut.items(), *((item.key, item.value) for item in said))):
        for whole, rest in _readings(key, value):
            found = _item(dataset, domain, whole, rest)
            if found is not None:
                domain.items[whole] = found
    first = set(_once(domain.items))
    for key in [key for key in domain.items if key not in first or _is_ghost(key, domain.items)]:
        del domain.items[key]
    domain.lost.update(key for key in cut if key not in domain.items and not _has_longer(key, domain.items))


def _readings(key: str, value: str) -> Iterator[tuple[str, str]]:
    """GDAL lists S1:POL=VV, and what reads such a list cuts it into S1 and POL=VV."""
    yield key, value
    more, sign, rest = value.partition("=")
    if sign:
        yield f"{key}:{more}", rest


def _item(dataset: rasterio.DatasetReader, domain: _Domain, key: str, written: str) -> str | None:
    if "\0" in key:
        return None
    if not key:
        return written.strip("\0") or None  # GDAL cannot be asked for it.
    try:
        found: str | None = dataset.get_tag_item(key, domain.name or None, bidx=domain.band)
    except UnicodeDecodeError:
        return written  # Its bytes are not UTF-8; the XML has them.
    if found is None and not key.isascii() and ":" not in key:
        return written  # As the key's.
    return found


def _is_ghost(key: str, items: dict[str, str]) -> bool:
    """Asked for S1, GDAL answers POL=VV where there is S1:POL."""
    return any(_tail(key, other) is not None and items[key] == f"{_tail(key, other)}={items[other]}" for other in items)


def _has_longer(key: str, items: dict[str, str]) -> bool:
    return any(_tail(key, other) is not None for other in items)


def _tail(key: str, other: str) -> str | None:
    """What follows `key` and a colon in `other`."""
    rest = other[len(key) :].lstrip(" \t") if other.startswith(key) else ""
    return rest[1:] if rest[:1] == ":" else None

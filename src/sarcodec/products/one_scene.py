"""Measurements of a product as the bands of one scene: what is said of all is said once, the rest band by band.

In: a SceneInfo a measurement. Out: one for all. Each measurement's own words are kept beside it (layout.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sarcodec.errors import UnsupportedScene
from sarcodec.format.scene import SceneInfo, Tags

_PER_BAND = ("nodata", "units", "scales", "offsets", "colormaps", "categories", "attribute_tables")


def one_info(infos: Sequence[SceneInfo], polarisations: Sequence[str], product: str) -> SceneInfo:
    """Bands are called by their polarisation and are in DN, which their TIFFs do not say; georeferencing is that of the first. Raises UnsupportedScene where sizes or types differ."""
    first = infos[0]
    for info, name in zip(infos, polarisations, strict=True):
        if (info.rows, info.cols, info.dtype) != (first.rows, first.cols, first.dtype):
            raise UnsupportedScene(
                f"the measurements of {product} differ: {polarisations[0]} has {first.rows} x {first.cols} pixels of {first.dtype}, {name} "
                f"{info.rows} x {info.cols} of {info.dtype} (rows x columns); expected one size and type. Give the TIFFs one at a time"
            )
    found: dict[str, Any] = {
        name: tuple(value for info in infos for value in getattr(info, name)) for name in _PER_BAND
    }
    tags = _common([info.tags for info in infos])
    return replace(
        first,
        count=len(infos),
        descriptions=tuple(polarisations),
        colorinterp=(first.colorinterp[0], *["undefined"] * (len(infos) - 1)),
        masked_bands=(),
        units=tuple(unit or "DN" for unit in found.pop("units")),
        tags=tags,
        band_tags=tuple(_own(info, tags) for info in infos),
        **found,
    )


def _common(tags: Sequence[Tags]) -> Tags:
    """What all say alike."""
    shared = set.intersection(*({(d, key, value) for d, items in one for key, value in items} for one in tags))
    kept = ((domain, tuple((k, v) for k, v in items if (domain, k, v) in shared)) for domain, items in tags[0])
    return tuple((domain, items) for domain, items in kept if items)


def _own(info: SceneInfo, common: Tags) -> Tags:
    """The band's tags, and of the measurement's what not all say."""
    there = {(domain, key, value) for domain, items in common for key, value in items}
    found: dict[str, dict[str, str]] = {domain: dict(items) for domain, items in info.band_tags[0]}
    for domain, items in info.tags:
        for key, value in items:
            if (domain, key, value) not in there:
                found.setdefault(domain, {}).setdefault(key, value)
    return tuple((domain, tuple(sorted(items.items()))) for domain, items in sorted(found.items()) if items)

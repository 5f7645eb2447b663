"""The section of one band: the scene, a part of it pixel by pixel, charts, tables of figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.quality.band_charts import bias_chart, histogram_chart
from sarcodec.quality.band_tables import tables
from sarcodec.quality.contents import BandPage, Detail
from sarcodec.quality.maps import Map, Scale, draw, error_scale, grey_scale, heat_scale
from sarcodec.quality.words import MINUS, safe

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

_UNIT_OF_BITS = "bit/pixel"


@dataclass(frozen=True)
class SharedScales:
    """Of the pictures that bands are compared by: errors, ratio images, and bits a tile (None where they are not known)."""

    error: Scale
    ratio: Scale
    bits: Scale | None


def shared_scales(bands: tuple[BandPage, ...]) -> SharedScales:
    """One for all bands."""
    bits = [band.tile_bits for band in bands if band.tile_bits is not None]
    errors = [band.thumbnails.error_db for band in bands]
    ratios = [_ratio_db(band.detail) for band in bands if band.detail is not None]
    return SharedScales(error_scale(errors), error_scale(ratios), heat_scale(bits, _UNIT_OF_BITS) if bits else None)


def section(band: BandPage, scales: SharedScales) -> str:
    """The section as HTML."""
    head = f"<section><h2>{safe(band.name)}</h2>"
    if band.errors is None or band.texture is None:
        return f"{head}<p>{safe(band.why_empty)}</p></section>"
    parts = [head, "<h3>The whole band</h3>", _maps(_whole(band, scales)), _legend(band)]
    if band.detail is not None:
        parts += ["<h3>Pixel by pixel</h3>", _maps(_parts(band.detail, band.name, scales.ratio))]
    parts += ["<h3>Levels</h3><div class=row>", bias_chart(band.texture), histogram_chart(band.thumbnails), "</div>"]
    return "".join([*parts, "<h3>Figures</h3>", tables(band.errors, band.texture), "</section>"])


def _maps(maps: list[Map]) -> str:
    kind = "maps four" if len(maps) == 4 else "maps"
    return f'<div class="{kind}">{"".join(map(draw, maps))}</div>'


def _whole(band: BandPage, scales: SharedScales) -> list[Map]:
    thumbs, crop = band.thumbnails, _crop(band)
    grey = grey_scale(thumbs.original_db)
    dot = (
        "A dot is a pixel."
        if thumbs.cell_px == 1
        else f"A dot is the mean power of {thumbs.cell_px} x {thumbs.cell_px} pixels."
    )
    maps = [
        Map("Original", dot, thumbs.original_db, grey, _alt("Original", band.name, grey), crop),
        Map("Decoded", "The same grey scale.", thumbs.decoded_db, grey, _alt("Decoded", band.name, grey), crop),
        Map(
            "Error",
            f"Decoded {MINUS} original; white is best.",
            thumbs.error_db,
            scales.error,
            _alt("Error", band.name, scales.error),
            crop,
        ),
    ]
    # A single tile is no map: the head says its bits.
    if band.tile_bits is None or scales.bits is None or not np.ptp(band.tile_bits):
        return maps
    note = "What each tile took in the file; busy ground takes more."
    return [
        *maps,
        Map("Bits of each tile", note, band.tile_bits, scales.bits, _alt("Bits of each tile", band.name, scales.bits)),
    ]


def _crop(band: BandPage) -> tuple[float, float, float, float] | None:
    """The detail's place in shares of the band; None where it is all of it."""
    rows, cols = band.shape
    if band.detail is None or band.detail.original_db.shape == band.shape:
        return None
    height, width = band.detail.original_db.shape
    # The last dot of a picture may stand for fewer pixels than the others: shares are of dots, not of pixels.
    cell = band.thumbnails.cell_px
    rows, cols = (size * cell for size in band.thumbnails.original_db.shape)
    return band.detail.row / rows, band.detail.col / cols, height / rows, width / cols


def _legend(band: BandPage) -> str:
    parts = ["Levels and errors beyond the ends of a colour bar have the colour of that end."]
    if _crop(band) is not None:
        parts.append("<span class=frame></span>The frame marks the part that is shown pixel by pixel below.")
    if not np.isfinite(band.thumbnails.error_db).all():
        parts.append("<span class=void></span>Slate blue: no pixel that is valid in both scenes.")
    return f"<p class=aside>{' '.join(parts)}</p>"


def _ratio_db(detail: Detail) -> Floats:
    return detail.original_db - detail.decoded_db


def _parts(detail: Detail, band: str, scale: Scale) -> list[Map]:
    grey, (rows, cols) = grey_scale(detail.original_db), detail.original_db.shape
    where = f"Rows {detail.row:,} to {detail.row + rows - 1:,}, columns {detail.col:,} to {detail.col + cols - 1:,}, counted from 0."
    about = "Original / decoded power. It should show noise and nothing else: shapes in it are detail that was lost."
    name = f"{band}, a part pixel by pixel"
    return [
        Map("Original", where, detail.original_db, grey, _alt("Original", name, grey), is_crop=True),
        Map(
            "Decoded",
            "The same part in the same grey scale.",
            detail.decoded_db,
            grey,
            _alt("Decoded", name, grey),
            is_crop=True,
        ),
        Map("Ratio image", about, _ratio_db(detail), scale, _alt("Ratio image", name, scale), is_crop=True),
    ]


def _alt(what: str, band: str, scale: Scale) -> str:
    ends = {"grey": ("black", "white"), "diverging": ("blue", "red"), "heat": ("white", "violet")}[scale.kind]
    low, high = (f"{value:.3g} {scale.unit}".replace("-", MINUS) for value in (scale.low, scale.high))
    return f"{what} of {band}, from {low} ({ends[0]}) to {high} ({ends[1]})"

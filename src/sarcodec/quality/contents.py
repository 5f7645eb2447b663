"""What a page says: frozen figures and pictures of a decoded scene, before they become HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.quality.classes import Verdict
from sarcodec.quality.metrics import ErrorSummary
from sarcodec.quality.texture import TextureSummary
from sarcodec.quality.thumbnails import Thumbnails

if TYPE_CHECKING:
    from sarcodec.arrays import Floats


@dataclass(frozen=True, eq=False)
class Detail:
    """A part of a band pixel by pixel: levels in dB, NaN where invalid, and its corner in the scene."""

    row: int
    col: int
    original_db: Floats
    decoded_db: Floats


@dataclass(frozen=True, eq=False)
class BandPage:
    """One band of `shape` (rows, cols) pixels.

    `errors`, `texture` and `detail` are None where it has no valid pixel; `why_empty` then says why, in a sentence.
    `tile_bits`: bits a pixel of the tile that each dot of the thumbnails lies in, of their shape; None if not known.
    """

    name: str
    shape: tuple[int, int]
    errors: ErrorSummary | None
    texture: TextureSummary | None
    verdicts: tuple[Verdict, ...]
    thumbnails: Thumbnails
    detail: Detail | None
    tile_bits: Floats | None = None
    why_empty: str = "No pixel of this band is valid in both scenes: there is nothing to compare."


@dataclass(frozen=True)
class KeyFigure:
    """A figure of the head: what it is, the figure with its unit, and a few words on it."""

    name: str
    figure: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class Page:
    """The whole scene: title, figures of the head, (label, text) facts below them, bands."""

    title: str
    figures: tuple[KeyFigure, ...]
    facts: tuple[tuple[str, str], ...]
    bands: tuple[BandPage, ...]

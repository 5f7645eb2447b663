"""Pixels of one band that stand for all of it, and what was found among them. Knows no words and decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.raster.distribution import Distribution

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Pixels


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

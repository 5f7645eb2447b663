"""Levels along a line of a scene. In: two places in pixels; out: samples with their distance from the first."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.viewer.pyramid import DECODED, ORIGINAL

if TYPE_CHECKING:
    from sarcodec.viewer.pyramid import Pyramid

MOST_SAMPLES = 512
"""A longer line is sampled in larger cells, each the mean of its pixels: what a profile costs does not grow with it."""


@dataclass(frozen=True)
class Profile:
    """side: pixels along a cell's side; distance: in pixels; decoded, original: levels, None where nothing is valid; original None without one."""

    side: int
    distance: list[float]
    decoded: list[float | None]
    original: list[float | None] | None


def profile(pyramid: Pyramid, band: int, start: tuple[int, int], end: tuple[int, int]) -> Profile:
    """From start to end, each (row, col) of the scene, in the smallest cells of which at most MOST_SAMPLES lie on the line."""
    length = math.dist(start, end)
    side = next((one for one in pyramid.sides if length / one < MOST_SAMPLES), pyramid.sides[-1])
    count = max(2, min(MOST_SAMPLES, math.ceil(length / side) + 1))
    shares = [number / (count - 1) for number in range(count)]
    cells = [[round(a + (b - a) * share) // side for a, b in zip(start, end, strict=True)] for share in shares]

    def along(kind: str) -> list[float | None]:
        return [known(pyramid.at(kind, band, side, row, col)) for row, col in cells]

    before = along(ORIGINAL) if ORIGINAL in pyramid.kinds else None
    return Profile(side, [round(share * length, 3) for share in shares], along(DECODED), before)


def known(level: float) -> float | None:
    """A level to 1/1000 dB, None where there is none: JSON has no word for that."""
    return round(level, 3) if math.isfinite(level) else None

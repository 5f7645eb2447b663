"""What each band of a file is, from its head: kind, domain, what its pixels measure. For reports and decoders."""

from __future__ import annotations

from dataclasses import dataclass

from sarcodec.format.bands import EXACT, BandField
from sarcodec.format.container import Header
from sarcodec.format.measure import Measure


@dataclass(frozen=True)
class BandKind:
    """One band, counted from 1: its kind ('learned', 'bounded', 'exact'), the domain of its pixels (None: not known), and why."""

    band: int
    kind: str
    domain: str | None
    why: str


def measure_of(field: BandField, nodata: float | None) -> Measure | None:
    """What the pixels of a band measure, by the head of a file; None where that is not known."""
    if field.domain is None:
        return None
    return Measure(field.domain, field.scale, field.offset, nodata, field.fills)


def kinds_of(fields: tuple[BandField, ...], why: tuple[str, ...]) -> tuple[BandKind, ...]:
    """For reports."""
    return tuple(
        BandKind(number, field.kind, field.domain, text)
        for number, (field, text) in enumerate(zip(fields, why, strict=True), start=1)
    )


def mode_of(fields: tuple[BandField, ...]) -> str:
    """'learned' where a model has coded a band, 'bounded' or 'lossless' where pixels keep a promise, 'exact' where no band is radar."""
    if any(field.learned for field in fields):
        return "learned"
    if all(field.kind == EXACT for field in fields):
        return "exact"
    return "bounded" if any(field.bound for field in fields) else "lossless"


def largest_bound(header: Header) -> float | None:
    """The bound in dB that all pixels keep, 0 for exact ones; None where a model has coded a band."""
    return None if header.learned else max(band.max_error_db or 0.0 for band in header.bands)

"""Record of one band in the head (docs/format.md, 3.1): how it is coded and what its pixels measure. Frozen values to bytes and back."""

import math
import struct
from dataclasses import dataclass

from sarcodec.errors import CorruptFile, NewerVersion
from sarcodec.format.measure import DOMAINS, MOST_FILLS
from sarcodec.format.varint import Cursor, pack_varint

LEARNED, BOUNDED, EXACT = KINDS = ("learned", "bounded", "exact")
MAX_BANDS = 65535
MAX_BOUND = 20_000  # 20 dB
OFFSETS_A_DB = 64

_NO_DOMAIN = len(DOMAINS)
_AFFINE, _FILLS, _REFERENCE = 0x10, 0x20, 0x40  # flags beside a band's kind and domain


@dataclass(frozen=True)
class BandField:
    """How one band is coded: kind 'learned' (by the model), 'bounded' (no pixel is off by more than the bound) or 'exact' (bit for bit).

    domain, scale, offset, fills: what its pixels measure (`measure.Measure`); no domain where that is not known, as in exact bands. offset_q:
    level, in 1/64 dB (int16), taken off before analysis, and reference: an earlier learned band that it leans on; both of learned bands.
    bound: of bounded bands, in 1/1000 dB, 0 for exact pixels.
    """

    kind: str = LEARNED
    domain: str | None = "amplitude"
    scale: float = 1.0
    offset: float = 0.0
    fills: tuple[float, ...] = ()
    offset_q: int = 0
    reference: int | None = None
    bound: int | None = None

    @property
    def learned(self) -> bool:
        """Whether the model has coded it."""
        return self.kind == LEARNED

    @property
    def leans(self) -> bool:
        """Whether there is a band that this one leans on."""
        return self.reference is not None

    @property
    def offset_db(self) -> float:
        """The level that is taken off, in dB."""
        return self.offset_q / OFFSETS_A_DB

    @property
    def max_error_db(self) -> float | None:
        """The bound in dB, 0 for exact pixels; None where the model has coded the band."""
        return None if self.kind == LEARNED else (self.bound or 0) / 1000


def pack_band(band: BandField) -> bytes:
    """The record of a band."""
    affine = (band.scale, band.offset) != (1.0, 0.0)
    domain = _NO_DOMAIN if band.domain is None else DOMAINS.index(band.domain)
    flags = _AFFINE * affine | _FILLS * bool(band.fills) | _REFERENCE * band.leans
    parts = [bytes([KINDS.index(band.kind) | domain << 2 | flags])]
    if affine:
        parts.append(struct.pack("<dd", band.scale, band.offset))
    if band.fills:
        parts.append(struct.pack(f"<B{len(band.fills)}d", len(band.fills), *band.fills))
    if band.reference is not None:
        parts.append(pack_varint(band.reference))
    if band.kind == LEARNED:
        parts.append(struct.pack("<h", band.offset_q))
    if band.bound is not None:
        parts.append(pack_varint(band.bound))
    return b"".join(parts)


def unpack_band(cursor: Cursor, index: int) -> BandField:
    """The way back from `pack_band`; index: from 0. Raises CorruptFile, NewerVersion."""
    byte = cursor.unsigned(1, f"kind of band {index + 1}")
    if byte & 128 or byte & 3 >= len(KINDS):
        raise NewerVersion(f"band {index + 1} is of kind {byte:#04x} that this sarcodec does not know; upgrade it")
    kind, code = KINDS[byte & 3], byte >> 2 & 3
    scale, offset = struct.unpack("<dd", cursor.take(16, "scale and offset")) if byte & _AFFINE else (1.0, 0.0)
    count = cursor.unsigned(1, "number of fill values") if byte & _FILLS else 0
    fills = struct.unpack(f"<{count}d", cursor.take(8 * count, "fill values"))
    if (byte & _AFFINE and (scale, offset) == (1.0, 0.0)) or (byte & _FILLS and not count):
        raise CorruptFile(f"head of the file: band {index + 1} has flags for what it has not; the file is damaged")
    reference = cursor.varint("reference band", 0, MAX_BANDS) if byte & _REFERENCE else None
    offset_q = struct.unpack("<h", cursor.take(2, "band level"))[0] if kind == LEARNED else 0
    bound = cursor.varint("bound on the error", 0, MAX_BOUND) if kind == BOUNDED else None
    domain = None if code == _NO_DOMAIN else DOMAINS[code]
    return BandField(kind, domain, scale, offset, fills, offset_q, reference, bound)


def broken_band_laws(bands: tuple[BandField, ...], index: int, band: BandField) -> list[tuple[bool, str]]:
    """Each limit of a band among the others of its file: whether it is broken, and what it says."""
    number = f"band {index + 1}"
    plain = band.offset_q == 0 and not band.leans
    return [
        (band.kind not in KINDS, f"{number} of kind {band.kind!r}, expected one of {', '.join(KINDS)}"),
        (
            band.domain not in (None, *DOMAINS),
            f"{number}: domain {band.domain!r}, expected one of {', '.join(DOMAINS)}",
        ),
        (band.domain is None and (band.learned or bool(band.bound)), f"{number} has levels in dB and no domain"),
        (not math.isfinite(band.scale * band.offset) or not band.scale, f"{number}: scale {band.scale}, {band.offset}"),
        (band.scale < 0 and band.domain != "db", f"{number}: scale {band.scale}, expected one above 0 but for dB"),
        (not all(map(math.isfinite, band.fills)), f"{number}: fill values {band.fills}, expected finite ones"),
        (len(band.fills) > MOST_FILLS, f"{number}: {len(band.fills)} fill values, expected at most {MOST_FILLS}"),
        (not -32768 <= band.offset_q <= 32767, f"{number}: its level is beyond 512 dB"),
        (band.kind != LEARNED and not plain, f"{number}: a level or a reference in a band without a model"),
        ((band.kind == BOUNDED) != (band.bound is not None), f"{number}: a bound belongs to bounded bands alone"),
        (not 0 <= (band.bound or 0) <= MAX_BOUND, f"{number}: bound {band.bound} / 1000 dB, expected 0 to {MAX_BOUND}"),
        (
            band.leans and not _may_lean(bands, index, band.reference),
            f"{number}: its reference is no earlier learned band",
        ),
    ]


def _may_lean(bands: tuple[BandField, ...], index: int, reference: int | None) -> bool:
    return reference is not None and 0 <= reference < index and bands[reference].learned and not bands[reference].leans

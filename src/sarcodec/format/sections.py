"""Sections of a tile's two payloads, and the checksum of its symbols: frozen values to bytes and back (docs/format.md, 5 and 9)."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion
from sarcodec.format.bands import BOUNDED, EXACT, LEARNED
from sarcodec.format.choices import USUAL, Choices, read_choices
from sarcodec.format.varint import Cursor, pack_varint

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

BASE, BASE_LEANING = 1, 2
LATENTS, LEANING, MASK, LEVELS, PIXELS, TARGETS = 8, 9, 10, 11, 12, 13
POWER, OVERVIEW, REDUCED_MASK = 64, 65, 66

# Sections of the base payload, which give a picture of an eighth of the resolution; all others are in the rest.
IN_BASE = frozenset((BASE, BASE_LEANING, OVERVIEW, REDUCED_MASK))
_BELONGING = {
    LEARNED: frozenset((BASE, BASE_LEANING, LATENTS, LEANING, MASK, TARGETS, POWER, OVERVIEW, REDUCED_MASK)),
    BOUNDED: frozenset((MASK, LEVELS)),
    EXACT: frozenset((PIXELS,)),
}
_KNOWN = frozenset().union(*_BELONGING.values())
_FIRST_OPTIONAL, _LAST_KIND = 64, 126


@dataclass(frozen=True)
class Section:
    """A typed part of a payload, of one of the kinds above; 64 to 126 may be skipped by who does not know them."""

    kind: int
    payload: bytes


@dataclass(frozen=True)
class Payload:
    """What a file keeps of one tile and plane: what a reduced picture needs, and the rest."""

    base: bytes = b""
    rest: bytes = b""


def pack_tile(sections: Iterable[Section]) -> Payload:
    """Sections, in any order, into the two payloads of a tile and plane. At most one of each kind."""
    some = sorted(sections, key=lambda section: section.kind)
    return Payload(*(_pack([s for s in some if (s.kind in IN_BASE) == base]) for base in (True, False)))


def _pack(sections: list[Section]) -> bytes:
    kinds = [section.kind for section in sections]
    if any(not 1 <= kind <= _LAST_KIND for kind in kinds) or any(a >= b for a, b in itertools.pairwise(kinds)):
        raise InvalidArgument(f"section kinds {kinds} must rise from 1 to {_LAST_KIND}")
    parts = [bytes([s.kind]) + pack_varint(len(s.payload)) + s.payload for s in sections[:-1]]
    parts += [bytes([s.kind | 128]) + s.payload for s in sections[-1:]]
    return b"".join(parts)


def unpack_payload(payload: bytes, base: bool, band_kind: str) -> list[Section]:
    """The sections of one of the two payloads that this version knows, in order; band_kind: 'learned', 'bounded' or 'exact'.

    Raises CorruptFile, and NewerVersion where a section is needed.
    """
    cursor, sections, before, last = Cursor(payload, "tile"), [], 0, not payload
    while not last:
        byte = cursor.unsigned(1, "section kind")
        kind, last = byte & 127, byte > 127
        if not before < kind <= _LAST_KIND:
            raise CorruptFile(
                f"tile: section kind {kind} after {before}, expected {before + 1} to {_LAST_KIND}; the file is damaged"
            )
        size = cursor.left if last else cursor.varint("section length")
        section, before = Section(kind, cursor.take(size, f"section of kind {kind}")), kind
        if kind in _KNOWN:
            _check_place(kind, base, band_kind)
            sections.append(section)
        elif kind < _FIRST_OPTIONAL:
            raise NewerVersion(f"this tile needs a newer sarcodec: it has a section of kind {kind}; upgrade it")
    return sections


def unknown_kinds(payload: bytes) -> list[int]:
    """Kinds of the sections of a sound payload that this version does not know and may skip."""
    cursor, found, last = Cursor(payload, "tile"), [], not payload
    while not last:
        byte = cursor.unsigned(1, "section kind")
        kind, last = byte & 127, byte > 127
        cursor.take(cursor.left if last else cursor.varint("section length"), f"section of kind {kind}")
        found += [] if kind in _KNOWN else [kind]
    return found


def _check_place(kind: int, base: bool, band_kind: str) -> None:
    if kind not in _BELONGING[band_kind] or (kind in IN_BASE) != base:
        raise CorruptFile(f"tile: a section of kind {kind} does not belong here; the file is damaged")


def pack_base(kind: int, symbols: Integers, stream: bytes, choices: Choices = USUAL) -> Section:
    """A section of base latents: the checksum of their symbols (integers, any shape, in coding order), how the tile is coded, then their
    entropy-coded bytes."""
    return Section(kind, struct.pack("<H", symbols_checksum(symbols)) + choices.pack() + stream)


def unpack_base(section: Section) -> tuple[int, Choices, bytes]:
    """Checksum, choices and entropy-coded bytes. Raises CorruptFile."""
    cursor = Cursor(section.payload, "base latents")
    checksum, choices = cursor.unsigned(2, "checksum"), read_choices(cursor)
    return checksum, choices, cursor.take(cursor.left, "stream")


def pack_latents(kind: int, symbols: Integers, stream: bytes) -> Section:
    """A section of the other latents: their checksum, then their entropy-coded bytes."""
    return Section(kind, struct.pack("<H", symbols_checksum(symbols)) + stream)


def unpack_latents(section: Section) -> tuple[int, bytes]:
    """Checksum and entropy-coded bytes; give the checksum to `check_symbols` when the symbols are known."""
    if len(section.payload) < 2:
        raise CorruptFile(f"latents take {len(section.payload)} bytes, expected at least 2; the file is damaged")
    return int.from_bytes(section.payload[:2], "little"), section.payload[2:]


def check_symbols(symbols: Integers, checksum: int) -> None:
    """Raises CorruptFile unless the decoded symbols are those that were coded."""
    found = symbols_checksum(symbols)
    if found != checksum:
        raise CorruptFile(
            f"decoded symbols have checksum {found:#06x}, expected {checksum:#06x}: the file is damaged, "
            "or this machine computes the model's integers differently; run `sarcodec verify`"
        )


def symbols_checksum(symbols: Integers) -> int:
    """The low 16 bits of the CRC-32 of the symbols as little-endian int32; ten times as fast as a 16-bit CRC of Python's."""
    return zlib.crc32(symbols.astype("<i4", order="C", copy=False).data) & 0xFFFF

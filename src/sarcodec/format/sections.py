"""Sections of a tile's payload, and the checksum of its symbols: frozen values to bytes and back (docs/format.md, 5 and 9)."""

from __future__ import annotations

import itertools
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion
from sarcodec.format.varint import Cursor, pack_varint

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

LATENTS, MASK, LEVELS, LEANING, PIXELS, POWER = 1, 2, 3, 4, 5, 64

_KNOWN = (LATENTS, MASK, LEVELS, LEANING, PIXELS, POWER)
_FIRST_OPTIONAL, _LAST_KIND = 64, 126


@dataclass(frozen=True)
class Section:
    """A typed part of a tile's payload; kind: 1 latents, 2 mask, 3 levels, 4 latents that lean on another band, 5 exact pixels, 64 power; 64 to
    126 may be skipped by who does not know them."""

    kind: int
    payload: bytes


def pack_tile(sections: list[Section]) -> bytes:
    """The payload of one (tile, band). Kinds must rise; no section at all gives b''."""
    kinds = [section.kind for section in sections]
    if any(not 1 <= kind <= _LAST_KIND for kind in kinds) or any(a >= b for a, b in itertools.pairwise(kinds)):
        raise InvalidArgument(f"section kinds {kinds} must rise from 1 to {_LAST_KIND}")
    parts = [bytes([s.kind]) + pack_varint(len(s.payload)) + s.payload for s in sections[:-1]]
    parts += [bytes([s.kind | 128]) + s.payload for s in sections[-1:]]
    return b"".join(parts)


def unpack_tile(payload: bytes) -> list[Section]:
    """The sections that this version knows, in order. Raises CorruptFile, and NewerVersion where one is needed."""
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
            sections.append(section)
        elif kind < _FIRST_OPTIONAL:
            raise NewerVersion(f"this tile needs a newer sarcodec: it has a section of kind {kind}; upgrade it")
    return sections


def pack_latents(symbols: Integers, stream: bytes, leaning: bool = False) -> Section:
    """Latents section: checksum of symbols (integers, any shape, in coding order), then their entropy-coded bytes."""
    return Section(LEANING if leaning else LATENTS, struct.pack("<H", symbols_checksum(symbols)) + stream)


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

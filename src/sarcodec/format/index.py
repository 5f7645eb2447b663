"""Index of a file (docs/format.md, 4): an entry for each tile and plane, in blocks that are read as they are needed, and the blocks' own record.

Knows bytes and integers only. Where a payload lies follows from the lengths of those before it: base payloads of the whole scene first, then the rest.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.varint import LIMIT, WIDE_LIMIT, Cursor, fold, pack_varint, pack_wide, unfold

MAX_STEP = 639
BLOCK_LOG2 = 10  # entries a block, as this writer makes them
BLOCK_LOGS = range(4, 17)
_LEAST_BLOCK = 7  # bytes of a block's record, at least
_LEAST_ENTRY = 3


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of the file: `length` of them at `offset`, their CRC-32 (0 where there are none)."""

    offset: int
    length: int
    crc: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One tile and plane: its base payload, its other payload, and the quantiser step index."""

    base: Part
    rest: Part
    step: int

    @property
    def length(self) -> int:
        """Bytes of both payloads."""
        return self.base.length + self.rest.length


@dataclass(frozen=True, slots=True)
class Block:
    """Record of one block of entries: its own bytes in the file, and how many bytes the payloads of its entries take."""

    length: int
    crc: int
    base_bytes: int
    rest_bytes: int


@dataclass(frozen=True)
class Directory:
    """Where everything behind the head lies: blocks of 2^block_log2 entries, base payloads, other payloads, attachments, one behind the other."""

    block_log2: int
    blocks: tuple[Block, ...]
    attached_bytes: int

    @property
    def index_bytes(self) -> int:
        """Bytes of all blocks."""
        return sum(block.length for block in self.blocks)

    @property
    def base_bytes(self) -> int:
        """Bytes of all base payloads."""
        return sum(block.base_bytes for block in self.blocks)

    @property
    def rest_bytes(self) -> int:
        """Bytes of all other payloads."""
        return sum(block.rest_bytes for block in self.blocks)

    @property
    def total_bytes(self) -> int:
        """Bytes of the file behind the head."""
        return self.index_bytes + self.base_bytes + self.rest_bytes + self.attached_bytes

    def places(self, head_bytes: int) -> list[BlockPlace]:
        """Where each block, and what its entries name, begins."""
        at, base = head_bytes, head_bytes + self.index_bytes
        rest, found = base + self.base_bytes, []
        for block in self.blocks:
            found.append(BlockPlace(block, at, base, rest))
            at, base, rest = at + block.length, base + block.base_bytes, rest + block.rest_bytes
        return found


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """A block and the offsets of its bytes, of its first base payload and of its first other payload."""

    block: Block
    offset: int
    base: int
    rest: int


def block_count(entries: int, block_log2: int) -> int:
    """Blocks of an index of so many entries."""
    return -(-entries >> block_log2)


def pack_index(
    entries: Sequence[Entry], base_step: int, attached_bytes: int = 0, block_log2: int = BLOCK_LOG2
) -> tuple[Directory, bytes]:
    """The directory, and the bytes of all blocks. Offsets of the entries are not looked at."""
    blocks, parts, size = [], [], 1 << block_log2
    for begin in range(0, len(entries), size):
        some = entries[begin : begin + size]
        parts.append(b"".join(_pack_entry(entry, base_step) for entry in some))
        sums = (sum(entry.base.length for entry in some), sum(entry.rest.length for entry in some))
        blocks.append(Block(len(parts[-1]), zlib.crc32(parts[-1]), *sums))
    return Directory(block_log2, tuple(blocks), attached_bytes), b"".join(parts)


def _pack_entry(entry: Entry, base_step: int) -> bytes:
    if not (0 <= entry.step <= MAX_STEP and max(entry.base.length, entry.rest.length) < LIMIT):
        raise InvalidArgument(f"a tile has step {entry.step}, {entry.length} bytes; limits are {MAX_STEP}, 2^32 - 1")
    parts = (entry.base, entry.rest)
    numbers = (*(part.length for part in parts), fold(entry.step - base_step))
    return b"".join(map(pack_varint, numbers)) + b"".join(struct.pack("<I", part.crc) for part in parts if part.length)


def unpack_block(
    data: bytes, place: BlockPlace, number: int, count: int, base_step: int, most_step: int
) -> tuple[Entry, ...]:
    """The `count` entries of block `number`; most_step: the largest step index that its file may have. Raises CorruptFile."""
    what = f"block {number} of the index"
    if zlib.crc32(data) != place.block.crc:
        raise CorruptFile(f"the checksum of {what} does not hold; the file is damaged, fetch it again")
    cursor, entries, base, rest = Cursor(data, what), [], place.base, place.rest
    for _ in range(count):
        lengths = cursor.varint("base length"), cursor.varint("payload length")
        step = base_step + unfold(cursor.varint("step of a tile"))
        if not 0 <= step <= most_step:
            raise CorruptFile(f"{what}: step {step} of a tile, expected 0 to {most_step}; the file is damaged")
        crcs = [cursor.unsigned(4, "payload checksum") if length else 0 for length in lengths]
        entries.append(Entry(Part(base, lengths[0], crcs[0]), Part(rest, lengths[1], crcs[1]), step))
        base, rest = base + lengths[0], rest + lengths[1]
    if cursor.left or (base - place.base, rest - place.rest) != (place.block.base_bytes, place.block.rest_bytes):
        raise CorruptFile(f"{what} does not hold what the head says of it; the file is damaged")
    return tuple(entries)


def pack_directory(directory: Directory) -> bytes:
    """For the head: log2 of entries a block, a record for each block, bytes of attachments."""
    records = (
        pack_varint(block.length)
        + pack_wide(block.base_bytes)
        + pack_wide(block.rest_bytes)
        + struct.pack("<I", block.crc)
        for block in directory.blocks
    )
    return bytes([directory.block_log2]) + b"".join(records) + pack_wide(directory.attached_bytes)


def unpack_directory(cursor: Cursor, entries: int) -> Directory:
    """The way back from `pack_directory`, for an index of so many entries. Raises CorruptFile before memory is taken."""
    log2 = cursor.unsigned(1, "entries a block")
    if log2 not in BLOCK_LOGS:
        raise CorruptFile(
            f"{cursor.what}: blocks of 2^{log2} entries, expected 2^{BLOCK_LOGS[0]} to 2^{BLOCK_LOGS[-1]}; the file is damaged"
        )
    count = block_count(entries, log2)
    if count * _LEAST_BLOCK > cursor.left:
        raise CorruptFile(
            f"{cursor.what}: {count} blocks of the index cannot fit the {cursor.left} bytes that are left; the file is damaged"
        )
    blocks = tuple(_unpack_block_record(cursor) for _ in range(count))
    for place, (block, first) in enumerate(zip(blocks, itertools.count(0, 1 << log2))):
        if block.length < _LEAST_ENTRY * min(1 << log2, entries - first):
            raise CorruptFile(f"{cursor.what}: block {place} of the index is too short; the file is damaged")
    return Directory(log2, blocks, cursor.wide("bytes of attachments", WIDE_LIMIT - 1))


def _unpack_block_record(cursor: Cursor) -> Block:
    length = cursor.varint("length of a block")
    base, rest = (cursor.wide(name, WIDE_LIMIT - 1) for name in ("base bytes of a block", "payload bytes of a block"))
    return Block(length, cursor.unsigned(4, "checksum of a block"), base, rest)

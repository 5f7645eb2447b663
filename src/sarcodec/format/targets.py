"""Targets section of a tile and band: two lists of bumps to bytes and back (docs/format.md, 17). Whole numbers; knows no pixel.

In: what is stored of each bump; out: bytes. Positions rise within a list, and their differences take most of the bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.binary_coder import BinaryDecoder, BinaryEncoder
from sarcodec.format.varint import Cursor, pack_varint

BLOCK_PX = 8
SIDE_BLOCKS = 64  # a tile of 512 px
GAIN_WIDTHS, ADDED_WIDTHS = 4, 5
QUARTERS = 4
LARGEST = 166  # amplitude in half dB: 83 dB
MOST_BUMPS = 4096  # of each list


class BlockGain(NamedTuple):
    """A gain bump on the brightest decoded pixel of a block of 8 x 8 px; amplitude in half dB, not 0."""

    block: int
    width: int
    amplitude: int


class Placed(NamedTuple):
    """A bump at a pixel of the tile. added: it was taken out before analysis; quarters: where within the pixel, down and right, 0 to
    3, both 0 for gains and for single pixels (width 0); amplitude in half dB, above 0 where it was taken out."""

    row: int
    col: int
    added: bool
    width: int
    quarters: tuple[int, int]
    amplitude: int


@dataclass(frozen=True)
class TargetLayer:
    """All bumps of a tile and band, each list by position, no position twice."""

    gains: tuple[BlockGain, ...] = ()
    placed: tuple[Placed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gains or self.placed)


NO_TARGETS = TargetLayer()
_Bump = TypeVar("_Bump")


def pack_targets(layer: TargetLayer, shape: tuple[int, int]) -> bytes:
    """The section's bytes for a tile of shape (rows, cols); b'' without bumps. Raises InvalidArgument for what a reader would refuse."""
    if not layer:
        return b""
    gains, placed = sorted(layer.gains), sorted(layer.placed)
    _check(gains, placed, shape)
    coder = BinaryEncoder()
    _write_gaps(coder, gains, lambda bump: bump.block, SIDE_BLOCKS**2, _write_gain)
    _write_gaps(coder, placed, lambda bump: bump.row * shape[1] + bump.col, shape[0] * shape[1], _write_placed)
    return pack_varint(len(gains)) + pack_varint(len(placed)) + coder.finish()


def _check(gains: list[BlockGain], placed: list[Placed], shape: tuple[int, int]) -> None:
    """InvalidArgument for bumps that a reader of a tile of that shape would refuse, or read as others."""
    blocks, places = {bump.block for bump in gains}, {bump[:2] for bump in placed}
    wrong: list[BlockGain | Placed] = [bump for bump in gains if not (_is_inner(bump.block, shape) and _is_gain(bump))]
    for bump in placed:
        inside = 0 <= bump.row < shape[0] and 0 <= bump.col < shape[1]
        if not (inside and (_is_added(bump) if bump.added else _is_gain(bump) and bump.quarters == (0, 0))):
            wrong.append(bump)
    if wrong:
        raise InvalidArgument(f"bumps cannot be stored: {wrong[:3]} are out of range in a tile of {shape}")
    if len(blocks) < len(gains) or len(places) < len(placed):
        raise InvalidArgument("bumps cannot be stored: two of them have the same place, expected one")
    if max(len(gains), len(placed)) > MOST_BUMPS:
        raise InvalidArgument(
            f"{len(gains)} and {len(placed)} bumps cannot be stored: expected at most {MOST_BUMPS} of each"
        )


def _is_inner(block: int, shape: tuple[int, int]) -> bool:
    """Whether a block lies in the tile and not beside its border."""
    return all(0 < n < SIDE_BLOCKS - 1 and n * BLOCK_PX < side for n, side in zip(divmod(block, SIDE_BLOCKS), shape))


def _is_gain(bump: BlockGain | Placed) -> bool:
    return 0 <= bump.width < GAIN_WIDTHS and 1 <= abs(bump.amplitude) <= LARGEST


def _is_added(bump: Placed) -> bool:
    known = 0 <= bump.width < ADDED_WIDTHS and all(0 <= n < QUARTERS for n in bump.quarters)
    return known and (bump.width > 0 or bump.quarters == (0, 0)) and 1 <= bump.amplitude <= LARGEST


def unpack_targets(data: bytes, shape: tuple[int, int]) -> TargetLayer:
    """The way back, for a tile of shape (rows, cols). Raises CorruptFile for whatever breaks a rule."""
    cursor = Cursor(data, "targets section of a tile")
    counts = [cursor.varint("number of bumps", most=MOST_BUMPS) for _ in range(2)]
    stream = cursor.take(cursor.left, "bumps")
    coder = BinaryDecoder(stream)
    gains = _read_gaps(coder, counts[0], SIDE_BLOCKS**2, lambda place: _read_gain(coder, place, shape))
    placed = _read_gaps(
        coder, counts[1], shape[0] * shape[1], lambda place: _read_placed(coder, divmod(place, shape[1]))
    )
    if not any(counts) or len(stream) > coder.used or stream.endswith(b"\0"):
        raise _corrupt(
            f"{counts} bumps in {len(stream)} bytes", "some bumps, as many bytes as they take, the last not 0"
        )
    return TargetLayer(tuple(gains), tuple(placed))


def _corrupt(found: str, expected: str) -> CorruptFile:
    return CorruptFile(f"targets section of a tile: {found}, expected {expected}; the file is damaged")


def _raw_bits(places: int, count: int) -> int:
    """Low bits of a gap that are coded raw, where so many bumps lie on so many places."""
    return max(0, (45 * places // (64 * count)).bit_length() - 1)


def _write_gaps(
    coder: BinaryEncoder,
    bumps: list[_Bump],
    place_of: Callable[[_Bump], int],
    places: int,
    write: Callable[[BinaryEncoder, _Bump], None],
) -> None:
    raw, before = _raw_bits(places, max(1, len(bumps))), -1
    for bump in bumps:
        gap, before = place_of(bump) - before - 1, place_of(bump)
        for n in range(gap >> raw):
            coder.bit(("gap", places, min(n, 7)), 1)
        coder.bit(("gap", places, min(gap >> raw, 7)), 0)
        coder.raw(gap, raw)
        write(coder, bump)


def _read_gaps(coder: BinaryDecoder, count: int, places: int, read: Callable[[int], _Bump]) -> list[_Bump]:
    raw, place, bumps = _raw_bits(places, max(1, count)), -1, []
    for _ in range(count):
        high = 0
        while coder.bit(("gap", places, min(high, 7))):
            high += 1
            if high << raw >= places:
                raise _corrupt(f"a bump at place {place + (high << raw)}", f"places below {places}")
        place += 1 + (high << raw) + coder.raw(raw)
        if place >= places:
            raise _corrupt(f"a bump at place {place}", f"places below {places}")
        bumps.append(read(place))
    return bumps


def _write_gain(coder: BinaryEncoder, bump: BlockGain) -> None:
    _write_tree(coder, "gain width", bump.width, 2)
    _write_signed(coder, bump.amplitude)


def _read_gain(coder: BinaryDecoder, block: int, shape: tuple[int, int]) -> BlockGain:
    if not _is_inner(block, shape):
        raise _corrupt(
            f"a bump in block {divmod(block, SIDE_BLOCKS)}",
            f"one within the tile of {shape}, and not beside its border",
        )
    return BlockGain(block, _read_tree(coder, "gain width", 2), _read_signed(coder))


def _write_placed(coder: BinaryEncoder, bump: Placed) -> None:
    coder.bit("added", bump.added)
    if not bump.added:
        _write_tree(coder, "gain width", bump.width, 2)
        _write_signed(coder, bump.amplitude)
        return
    _write_tree(coder, "added width", bump.width, 3)
    if bump.width:
        for quarter in bump.quarters:
            coder.raw(quarter, 2)
    _write_tree(coder, "added amplitude", bump.amplitude >> 3, 5)
    coder.raw(bump.amplitude & 7, 3)


def _read_placed(coder: BinaryDecoder, place: tuple[int, int]) -> Placed:
    if not coder.bit("added"):
        return Placed(*place, False, _read_tree(coder, "gain width", 2), (0, 0), _read_signed(coder))
    width = _read_tree(coder, "added width", 3)
    quarters = (coder.raw(2), coder.raw(2)) if width else (0, 0)
    amplitude = 8 * _read_tree(coder, "added amplitude", 5) + coder.raw(3)
    if width >= ADDED_WIDTHS or not 1 <= amplitude <= LARGEST:
        raise _corrupt(
            f"a bump of width {width} and amplitude {amplitude}",
            f"widths below {ADDED_WIDTHS} and amplitudes of 1 to {LARGEST}",
        )
    return Placed(*place, True, width, quarters, amplitude)


def _write_tree(coder: BinaryEncoder, what: str, value: int, bits: int) -> None:
    """Highest bit first, each in the context of those before it."""
    node = 1
    for place in reversed(range(bits)):
        bit = value >> place & 1
        coder.bit((what, node), bit)
        node = 2 * node + bit


def _read_tree(coder: BinaryDecoder, what: str, bits: int) -> int:
    node = 1
    for _ in range(bits):
        node = 2 * node + coder.bit((what, node))
    return node - (1 << bits)


def _write_signed(coder: BinaryEncoder, amplitude: int) -> None:
    """Not 0: sign, then its size by an Elias gamma number of adaptive length, the first of its low bits adaptive too."""
    coder.bit("sign", int(amplitude < 0))
    size = abs(amplitude) or 1  # 0 does not come back as 0: whoever packs it is told
    low = size.bit_length() - 1
    for n in range(low):
        coder.bit(("size", n), 1)
    coder.bit(("size", low), 0)
    if low:
        coder.bit(("size low", low), size >> (low - 1) & 1)
        coder.raw(size, low - 1)


def _read_signed(coder: BinaryDecoder) -> int:
    negative, low = coder.bit("sign"), 0
    while coder.bit(("size", low)):
        low += 1
        if low > LARGEST.bit_length():
            raise _corrupt("an amplitude beyond all bounds", f"sizes of 1 to {LARGEST}")
    size = 1
    if low:
        size = (2 + coder.bit(("size low", low)) << (low - 1)) + coder.raw(low - 1)
    if size > LARGEST:
        raise _corrupt(f"an amplitude of {size}", f"sizes of 1 to {LARGEST}")
    return -size if negative else size

"""Golden files that no writer makes: the bytes of a written one taken apart and put together otherwise."""

from format.taken_apart import apart, together
from golden.scenes import VERSION
from sarcodec.format.sections import IN_BASE, Payload, Section
from sarcodec.format.varint import pack_varint


def in_small_blocks(data: bytes) -> bytes:
    pieces = apart(data)
    pieces.block_log2 = 4
    return together(pieces)


def with_later_parts(data: bytes) -> bytes:
    pieces = apart(data)
    pieces.records = ((8, b"a record that may be skipped"), (254, b"another"))
    first, second = (pieces.sections(number) for number in range(2))
    pieces.payloads[0] = Payload(
        _packed([s for s in first if s.kind in IN_BASE], Section(67, b"base")),
        _packed([s for s in first if s.kind not in IN_BASE], Section(126, b"rest")),
    )
    pieces.payloads[1] = Payload(
        pieces.payloads[1].base, _packed([s for s in second if s.kind not in IN_BASE], Section(100, b""))
    )
    return together(pieces)


def _packed(sections: list[Section], more: Section) -> bytes:
    parts = [bytes([s.kind]) + pack_varint(len(s.payload)) + s.payload for s in sections]
    return b"".join(parts) + bytes([more.kind | 128]) + more.payload


CHANGED = {f"v{VERSION}-of-many-blocks": in_small_blocks, f"v{VERSION}-of-a-later-release": with_later_parts}
"""What is done with the bytes of some."""

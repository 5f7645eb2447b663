"""A file taken apart and put together again, with whatever a test changes, every checksum made to hold."""

from __future__ import annotations

import dataclasses
import zlib
from dataclasses import dataclass

from sarcodec.format import container
from sarcodec.format.container import MAGIC, VERSION, Header
from sarcodec.format.index import BLOCK_LOG2, Entry, Part, pack_directory, pack_index
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import Payload, Section, unpack_payload
from sarcodec.format.varint import pack_varint


@dataclass
class Pieces:
    """Head, payloads and steps in index order, the packed attachments, log2 of entries a block, and records of the head of any tag beside those of `header`."""

    header: Header
    payloads: list[Payload]
    steps: list[int]
    attached: bytes = b""
    block_log2: int = BLOCK_LOG2
    records: tuple[tuple[int, bytes], ...] = ()

    def sections(self, number: int) -> list[Section]:
        """Of both payloads of an entry, whatever kind of band it is of."""
        band = self.header.bands[number % self.header.planes]
        payload = self.payloads[number]
        return [
            s
            for base, data in ((True, payload.base), (False, payload.rest))
            for s in unpack_payload(data, base, band.kind)
        ]


def apart(data: bytes) -> Pieces:
    with FileReader(data) as file:
        places = [divmod(n, file.header.planes) for n in range(file.header.entry_count)]
        payloads = [Payload(file.base_payload(*place), file.payload(*place)) for place in places]
        steps = [file.entry(*place).step for place in places]
        attached = data[len(data) - file.directory.attached_bytes :]
        return Pieces(file.header, payloads, steps, attached, file.directory.block_log2)


def together(pieces: Pieces) -> bytes:
    def part(data: bytes) -> Part:
        return Part(0, len(data), zlib.crc32(data))

    entries = [Entry(part(p.base), part(p.rest), step) for p, step in zip(pieces.payloads, pieces.steps, strict=True)]
    directory, index = pack_index(entries, pieces.header.base_step, len(pieces.attached), pieces.block_log2)
    payloads = [p.base for p in pieces.payloads] + [p.rest for p in pieces.payloads]
    head = sealed(fields(pieces.header, pieces.records) + pack_directory(directory))
    return head + index + b"".join(payloads) + pieces.attached


def fields(header: Header, more: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    """The head's fields with more records, whatever their tags."""
    packed, known = container._pack_fields(header), container._pack_records(header)
    records = b"".join(bytes([tag]) + pack_varint(len(data)) + data for tag, data in more)
    return packed[: len(packed) - len(known)] + bytes([known[0] + len(more)]) + known[1:] + records


def sealed(body: bytes) -> bytes:
    """A head of this body, with a checksum that holds."""
    head = MAGIC + bytes([VERSION]) + pack_varint(len(body)) + body
    return head + zlib.crc32(head).to_bytes(4, "little")


def resealed(
    data: bytes, payloads: dict[int, Payload] | None = None, steps: dict[int, int] | None = None, **fields: object
) -> bytes:
    """The file with other fields in its head, other payloads or steps of tiles, and checksums that hold."""
    pieces = apart(data)
    for number, payload in (payloads or {}).items():
        pieces.payloads[number] = payload
    for number, step in (steps or {}).items():
        pieces.steps[number] = step
    pieces.header = dataclasses.replace(pieces.header, **fields)
    return together(pieces)

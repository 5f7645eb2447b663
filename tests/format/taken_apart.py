"""A file taken apart and put together again, with whatever a test changes, every checksum made to hold."""

from __future__ import annotations

import dataclasses
import zlib
from dataclasses import dataclass

from sarcodec.format.container import Header, pack_head
from sarcodec.format.index import Entry, Part, pack_index
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import Payload, Section, unpack_payload


@dataclass
class Pieces:
    """Head, payloads and steps in index order, and the packed attachments."""

    header: Header
    payloads: list[Payload]
    steps: list[int]
    attached: bytes = b""

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
        return Pieces(file.header, payloads, steps, data[len(data) - file.directory.attached_bytes :])


def together(pieces: Pieces) -> bytes:
    def part(data: bytes) -> Part:
        return Part(0, len(data), zlib.crc32(data))

    entries = [Entry(part(p.base), part(p.rest), step) for p, step in zip(pieces.payloads, pieces.steps, strict=True)]
    directory, index = pack_index(entries, pieces.header.base_step, len(pieces.attached))
    payloads = [p.base for p in pieces.payloads] + [p.rest for p in pieces.payloads]
    return pack_head(pieces.header, directory) + index + b"".join(payloads) + pieces.attached


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

"""Attachments: named bytes that a file keeps beside its pixels, each compressed as it pays (docs/format.md, 3.4). Knows no meaning of them."""

from __future__ import annotations

import lzma
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion
from sarcodec.format.varint import WIDE_LIMIT, Cursor, pack_varint, pack_wide

MAX_ATTACHMENTS = 65_535
MAX_NAME_BYTES = 1024
_STORED, _DEFLATED, _LZMA = range(3)
_LZMA_FILTERS = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24, "lc": 3, "lp": 0, "pb": 2}]


@dataclass(frozen=True)
class Attachment:
    """What the head says of one: its name, how it is packed, its bytes before and after, the CRC-32 of those after."""

    name: str
    method: int
    size: int
    length: int
    crc: int


@dataclass(frozen=True)
class Attached:
    """All attachments of a file that is being made: their records, and their packed bytes, one behind the other."""

    records: tuple[Attachment, ...] = ()
    data: bytes = b""


NO_ATTACHMENTS = Attached()


def pack_attachments(named: Sequence[tuple[str, bytes]]) -> Attached:
    """(name, bytes) of each, packed as it takes the fewest bytes. Raises InvalidArgument for names that are no relative paths, or twice there."""
    check_names([name for name, _ in named])
    records, parts = [], []
    for name, data in named:
        method, packed = min(
            ((m, _packed(m, data)) for m in (_STORED, _DEFLATED, _LZMA)), key=lambda pair: len(pair[1])
        )
        records.append(Attachment(name, method, len(data), len(packed), zlib.crc32(packed)))
        parts.append(packed)
    return Attached(tuple(records), b"".join(parts))


def check_names(names: Sequence[str]) -> None:
    """InvalidArgument unless each is a relative path, '/' between its parts, that leaves no folder, stands once, and is no folder of another."""
    for name in names:
        if not _is_plain(name):
            raise InvalidArgument(
                f"attachment {name!r}: expected a relative path of at most {MAX_NAME_BYTES} bytes, such as 'annotation/iw.xml'"
            )
    there = set(names)
    if len(names) > MAX_ATTACHMENTS or len(there) != len(names):
        raise InvalidArgument(f"{len(names)} attachments, expected at most {MAX_ATTACHMENTS}, each name once")
    for name in names:
        folder = next((str(above) for above in PurePosixPath(name).parents if str(above) in there), None)
        if folder is not None:
            raise InvalidArgument(
                f"attachment {name!r} would lie in attachment {folder!r}; take another name for one of them"
            )


def _is_plain(name: str) -> bool:
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return False
    plain = all(part not in ("", ".", "..") for part in name.split("/"))
    return plain and size <= MAX_NAME_BYTES and not any(c in "\\:\x7f" or c < " " for c in name)


def _packed(method: int, data: bytes) -> bytes:
    if method == _DEFLATED:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        return packer.compress(data) + packer.flush()
    return lzma.compress(data, lzma.FORMAT_RAW, filters=_LZMA_FILTERS) if method == _LZMA else data


def unpacked(record: Attachment, packed: bytes) -> bytes:
    """The bytes of an attachment. Raises CorruptFile where they are not those that went in, NewerVersion where they are packed in a way that is not known;
    no more memory than the record says is taken."""
    if record.method > _LZMA:
        raise NewerVersion(
            f"attachment {record.name} is packed in way {record.method}, this sarcodec knows 0 to {_LZMA}; upgrade it"
        )
    if len(packed) != record.length or zlib.crc32(packed) != record.crc:
        raise CorruptFile(f"attachment {record.name}: its checksum does not hold; the file is damaged, fetch it again")
    try:
        if record.method == _STORED:
            data, whole = packed, True
        else:
            data, whole = _inflated(record, packed)
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise CorruptFile(f"attachment {record.name} cannot be unpacked ({error}); the file is damaged") from error
    if len(data) != record.size or not whole:
        raise CorruptFile(
            f"attachment {record.name} has {len(data)} bytes, expected {record.size}; the file is damaged"
        )
    return data


def _inflated(record: Attachment, packed: bytes) -> tuple[bytes, bool]:
    """At most a byte more than there should be, and whether the packed bytes end where these do."""
    if record.method == _DEFLATED:
        inflater = zlib.decompressobj(-15)
        data = inflater.decompress(packed, record.size + 1)
        return data, inflater.eof and not inflater.unused_data
    reader = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=_LZMA_FILTERS)
    data = reader.decompress(packed, record.size + 1)
    if not reader.eof and len(data) == record.size:
        data += reader.decompress(b"", 1)  # the mark at the end, which is read only when it is asked for
    return data, reader.eof and not reader.unused_data


def pack_records(records: Sequence[Attachment]) -> bytes:
    """For the head."""
    parts = [pack_varint(len(records))]
    for record in records:
        name = record.name.encode("utf-8")
        parts += [
            pack_varint(len(name)),
            name,
            bytes([record.method]),
            pack_wide(record.size),
            pack_wide(record.length),
        ]
        parts.append(struct.pack("<I", record.crc))
    return b"".join(parts)


def unpack_records(data: bytes) -> tuple[Attachment, ...]:
    """The way back from `pack_records`. Raises CorruptFile."""
    cursor = Cursor(data, "record of attachments")
    count = cursor.varint("number of attachments", 0, MAX_ATTACHMENTS)
    records = tuple(_unpack_record(cursor) for _ in range(count))
    if cursor.left:
        raise CorruptFile(f"{cursor.what}: {cursor.left} more bytes, expected none; the file is damaged")
    try:
        check_names([record.name for record in records])
    except InvalidArgument as error:
        raise CorruptFile(f"{error}; the file is damaged") from error
    return records


def _unpack_record(cursor: Cursor) -> Attachment:
    raw = cursor.take(cursor.varint("length of a name", 1, MAX_NAME_BYTES), "name of an attachment")
    try:
        name = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorruptFile(f"the name of an attachment is not UTF-8 ({error}); the file is damaged") from error
    method = cursor.unsigned(1, "packing of an attachment")
    size, length = (
        cursor.wide(what, WIDE_LIMIT - 1) for what in ("size of an attachment", "packed size of an attachment")
    )
    return Attachment(name, method, size, length, cursor.unsigned(4, "checksum of an attachment"))

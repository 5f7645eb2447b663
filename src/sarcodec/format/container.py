"""Head of a file: frozen values to bytes and back, in the order of docs/format.md, 2 and 3.

Knows bytes and integers only: what a description, a model or latents mean is the caller's affair, and files are `reader` and `writer`.
"""

import re
import struct
import zlib
from dataclasses import dataclass, field

from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion, OlderVersion, TruncatedFile
from sarcodec.format.attachments import Attachment, pack_records, unpack_records
from sarcodec.format.bands import MAX_BANDS, BandField, broken_band_laws, pack_band, unpack_band
from sarcodec.format.index import MAX_STEP, Directory, pack_directory, unpack_directory
from sarcodec.format.varint import LIMIT, LONGEST, Cursor, pack_varint
from sarcodec.storage.recognised import compressed_refusal

MAGIC = b"\x89SAR"
VERSION = 1
DTYPES = ("uint8", "uint16", "int16", "float32", "int8", "int32", "uint32", "float64")
RESERVED_DTYPES = {8: "complex64", 9: "complex128", 10: "complex_int16", 11: "complex_int32"}
MAX_SIDE = (1 << 31) - 1
TILE_LOG2 = range(4, 13)
DIGEST_BYTES = 8

_PREFIX = len(MAGIC) + 1
_MODEL_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# Records of the head, by their tags. Whoever does not know an even one may skip it.
DESCRIPTION, REMARKS, CLAIMS, ATTACHMENTS = 1, 2, 4, 6
_MAX_RECORDS = 64


@dataclass(frozen=True)
class Header:
    """All of the head but where things lie. rows, cols in pixels; model_digest: first 8 bytes of the model's SHA-256.

    Where no band is learned, model id and digest are empty and the base step is 0. masks: planes of masks behind the bands, none, one
    for all bands or one a band. remarks: what a reader of pixels need not know (why a domain was taken); claims: what was asked for and measured
    while encoding. skipped: tags of records that a newer version wrote and this one need not know. Raises InvalidArgument when a limit of
    docs/format.md is broken.
    """

    rows: int
    cols: int
    dtype: str
    tile_log2: int
    model_id: str
    model_digest: bytes
    base_step: int
    bands: tuple[BandField, ...]
    metadata: bytes = b""
    masks: int = 0
    remarks: bytes = b""
    claims: bytes = b""
    attachments: tuple[Attachment, ...] = ()
    skipped: tuple[int, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        for broken, text in _broken_laws(self):
            if broken:
                raise InvalidArgument(f"head of a file: {text}")

    @property
    def learned(self) -> bool:
        """Whether a model has coded any band."""
        return any(band.learned for band in self.bands)

    @property
    def planes(self) -> int:
        """Bands and masks together: what each tile has payloads of."""
        return len(self.bands) + self.masks

    @property
    def tile_rows(self) -> int:
        return -(-self.rows >> self.tile_log2)

    @property
    def tile_cols(self) -> int:
        return -(-self.cols >> self.tile_log2)

    @property
    def entry_count(self) -> int:
        """Entries of the index: one a (tile, plane), tiles row by row, planes innermost, bands before masks."""
        return self.tile_rows * self.tile_cols * self.planes

    @property
    def most_step(self) -> int:
        """The largest step index that a tile of this file may have."""
        return MAX_STEP if self.learned else 0


def pack_head(header: Header, directory: Directory) -> bytes:
    """The head, checksum included: everything before the first block of the index."""
    body = _pack_fields(header) + pack_directory(directory)
    head = MAGIC + bytes([VERSION]) + pack_varint(len(body)) + body
    return head + struct.pack("<I", zlib.crc32(head))


def head_length(beginning: bytes) -> int:
    """Bytes of the whole head, checksum included, from the first 10 bytes of a file (fewer if it is shorter).

    Raises NotSarcodec, OlderVersion, NewerVersion, TruncatedFile, CorruptFile.
    """
    if not beginning or beginning[:4] != MAGIC[: len(beginning)]:
        raise compressed_refusal(beginning)
    if len(beginning) < _PREFIX:
        raise TruncatedFile(f"the file ends after {len(beginning)} bytes, inside its head; fetch it again")
    _check_version(beginning[4])
    length = beginning[_PREFIX : _PREFIX + LONGEST]
    if len(length) < LONGEST and all(byte > 127 for byte in length):
        raise TruncatedFile(f"the file ends after {len(beginning)} bytes, inside its head; fetch it again")
    cursor = Cursor(length, "head of the file")
    return cursor.varint("head length") + _PREFIX + cursor.place + 4


def _check_version(version: int) -> None:
    if version > VERSION:
        raise NewerVersion(f"the file has format version {version}, this sarcodec reads {VERSION}; upgrade it")
    if version < VERSION:
        raise OlderVersion(
            f"the file has format version {version}, which was never promised to last; this sarcodec reads {VERSION}: decompress it "
            "with the sarcodec that wrote it (0.1: pip install 'sarcodec<0.2'), and compress it again with this one"
        )


def unpack_head(data: bytes) -> tuple[Header, Directory]:
    """The way back from `pack_head`; data: the file's first bytes, at least `head_length` of them.

    Raises what `head_length` does, TruncatedFile where data is shorter, CorruptFile where a law is broken.
    """
    size = head_length(data[: _PREFIX + LONGEST])
    if len(data) < size:
        raise TruncatedFile(f"the head takes {size} bytes, the file ends after {len(data)}; fetch it again")
    if zlib.crc32(data[: size - 4]) != int.from_bytes(data[size - 4 : size], "little"):
        raise CorruptFile("the checksum of the head does not hold; the file is damaged, fetch it again")
    cursor = Cursor(data[: size - 4], "head of the file")
    cursor.take(_PREFIX, "magic and version")
    cursor.varint("head length")
    header = _unpack_fields(cursor)
    directory = unpack_directory(cursor, header.entry_count)
    if cursor.left:
        raise CorruptFile(f"head of the file: {cursor.left} bytes too many; the file is damaged")
    if sum(record.length for record in header.attachments) > directory.attached_bytes:
        raise CorruptFile("head of the file: the attachments take more than their place; the file is damaged")
    return header, directory


def _pack_fields(header: Header) -> bytes:
    parts = [
        bytes([DTYPES.index(header.dtype)]),
        pack_varint(header.rows),
        pack_varint(header.cols),
        pack_varint(len(header.bands)),
        pack_varint(header.masks),
        bytes([header.tile_log2]),
        *map(pack_band, header.bands),
        _pack_model(header) if header.learned else b"",
        _pack_records(header),
    ]
    return b"".join(parts)


def _pack_model(header: Header) -> bytes:
    """The fields that only a file made with a model has."""
    name = header.model_id.encode("ascii")
    return bytes([len(name)]) + name + header.model_digest + pack_varint(header.base_step)


def _pack_records(header: Header) -> bytes:
    """Those that say something, by rising tag."""
    attached = pack_records(header.attachments) if header.attachments else b""
    records = {DESCRIPTION: header.metadata, REMARKS: header.remarks, CLAIMS: header.claims, ATTACHMENTS: attached}
    there = [(tag, data) for tag, data in sorted(records.items()) if data]
    return pack_varint(len(there)) + b"".join(bytes([tag]) + pack_varint(len(data)) + data for tag, data in there)


def _unpack_fields(cursor: Cursor) -> Header:
    kind = cursor.unsigned(1, "dtype")
    if kind >= len(DTYPES):
        name = f" ({RESERVED_DTYPES[kind]})" if kind in RESERVED_DTYPES else ""
        raise NewerVersion(
            f"the head names pixel type {kind}{name}, this sarcodec knows 0 to {len(DTYPES) - 1}; upgrade it"
        )
    rows, cols = cursor.varint("rows", 1, MAX_SIDE), cursor.varint("columns", 1, MAX_SIDE)
    band_count, masks = cursor.varint("bands", 1, MAX_BANDS), cursor.varint("masks", 0, MAX_BANDS)
    tile = cursor.unsigned(1, "tile size and flags")
    if tile & ~15:
        raise NewerVersion(f"the head has flags {tile:#04x} that this sarcodec does not know; upgrade it")
    if band_count > cursor.left:
        raise CorruptFile(f"head of the file: {band_count} bands cannot fit {cursor.left} bytes; the file is damaged")
    bands = tuple(unpack_band(cursor, index) for index in range(band_count))
    model_id, digest, base_step = "", b"", 0
    if any(band.learned for band in bands):
        model_id = cursor.take(cursor.unsigned(1, "length of the model id"), "model id").decode("latin-1")
        digest, base_step = cursor.take(DIGEST_BYTES, "model digest"), cursor.varint("base step", 0, MAX_STEP)
    known, skipped = _unpack_records(cursor)
    attached = unpack_records(known[ATTACHMENTS]) if ATTACHMENTS in known else ()
    blobs = (known.get(DESCRIPTION, b""), masks, known.get(REMARKS, b""), known.get(CLAIMS, b""))
    try:
        return Header(
            rows, cols, DTYPES[kind], tile, model_id, digest, base_step, bands, *blobs, attached, skipped
        )  # fmt: skip
    except InvalidArgument as error:
        raise CorruptFile(f"{error}; the file is damaged") from error


def _unpack_records(cursor: Cursor) -> tuple[dict[int, bytes], tuple[int, ...]]:
    """Records that are known, by tag, and the tags of those that are skipped. Raises NewerVersion for a needed one that is not known."""
    known, skipped, before = {}, [], 0
    for _ in range(cursor.varint("number of records", 0, _MAX_RECORDS)):
        tag = cursor.unsigned(1, "tag of a record")
        data = cursor.take(cursor.varint("length of a record"), f"record {tag}")
        if tag <= before or not data:
            raise CorruptFile(
                f"head of the file: record {tag} of {len(data)} bytes after {before}; the file is damaged"
            )
        before = tag
        if tag in (DESCRIPTION, REMARKS, CLAIMS, ATTACHMENTS):
            known[tag] = data
        elif tag % 2:
            raise NewerVersion(f"this file needs a newer sarcodec: its head has a record of kind {tag}; upgrade it")
        else:
            skipped.append(tag)
    return known, tuple(skipped)


def _broken_laws(header: Header) -> list[tuple[bool, str]]:
    bands = header.bands
    return [
        (
            not (1 <= header.rows <= MAX_SIDE and 1 <= header.cols <= MAX_SIDE),
            f"{header.rows} rows and {header.cols} columns, expected 1 to {MAX_SIDE}",
        ),
        (header.dtype not in DTYPES, f"dtype {header.dtype!r}, expected one of {', '.join(DTYPES)}"),
        (header.tile_log2 not in TILE_LOG2, f"tiles of 2^{header.tile_log2} pixels, expected 2^4 to 2^12"),
        (not 0 <= header.base_step <= MAX_STEP, f"base step {header.base_step}, expected 0 to {MAX_STEP}"),
        (not 1 <= len(bands) <= MAX_BANDS, f"{len(bands)} bands, expected 1 to {MAX_BANDS}"),
        (header.masks not in (0, 1, len(bands)), f"{header.masks} masks of {len(bands)} bands, expected 0, 1 or all"),
        *_broken_model_laws(header),
        *(law for index, band in enumerate(bands) for law in broken_band_laws(bands, index, band)),
        (max(len(header.metadata), len(header.remarks), len(header.claims)) >= LIMIT, "a record of 4 GiB or more"),
    ]


def _broken_model_laws(header: Header) -> list[tuple[bool, str]]:
    if not header.learned:
        return [
            (
                bool(header.model_id or header.model_digest),
                f"model {header.model_id!r} in a file without learned bands",
            ),
            (header.base_step != 0, "a step in a file without learned bands"),
        ]
    return [
        (not _MODEL_ID.fullmatch(header.model_id), f"model id {header.model_id!r}, expected 1 to 64 of a-z 0-9 . _ -"),
        (len(header.model_digest) != DIGEST_BYTES, f"model digest of {len(header.model_digest)} bytes, expected 8"),
    ]

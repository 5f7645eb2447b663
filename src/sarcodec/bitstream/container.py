"""Head of a file and index: frozen values to bytes and back, in the order of docs/format.md.

Knows bytes and integers only: what metadata, a model or latents mean is the caller's affair, and files are `files`.
"""

import re
import struct
import zlib
from dataclasses import dataclass

from sarcodec.bitstream.varint import LIMIT, LONGEST, Cursor, fold, pack_varint, unfold
from sarcodec.errors import CorruptFile, InvalidArgument, NewerVersion, TruncatedFile
from sarcodec.storage.recognised import compressed_refusal

MAGIC = b"\x89SAR"
VERSION = 0
DTYPES = ("uint8", "uint16", "int16", "float32")
DOMAINS = ("amplitude", "power", "db")
MAX_SIDE = (1 << 31) - 1
MAX_BANDS = 65535
MAX_STEP = 639
TILE_LOG2 = range(4, 13)
DIGEST_BYTES = 8
MAX_BOUND = 20_000  # 20 dB
OFFSETS_A_DB = 64

_REFERENCES, _BOUNDED = 0x10, 0x20  # flags beside the tile size
_PREFIX = len(MAGIC) + 1
_LEAST_ENTRY = 6
_MODEL_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class BandField:
    """offset_q: level, in 1/64 dB (int16), taken off before analysis; reference: an earlier band that it leans on."""

    offset_q: int
    reference: int | None = None

    @property
    def leans(self) -> bool:
        """Whether there is a band that this one leans on."""
        return self.reference is not None

    @property
    def offset_db(self) -> float:
        """The offset in dB."""
        return self.offset_q / OFFSETS_A_DB


@dataclass(frozen=True)
class Header:
    """All of the head but the index. rows, cols in pixels; model_digest: first 8 bytes of the model's SHA-256.

    bound: None where a model made the file; else no pixel is off by more than so many 1/1000 dB, 0 for exact pixels, and model id
    and digest are empty, base step and levels of bands 0. Raises InvalidArgument when a limit of docs/format.md is broken.
    """

    rows: int
    cols: int
    dtype: str
    domain: str
    tile_log2: int
    model_id: str
    model_digest: bytes
    base_step: int
    bands: tuple[BandField, ...]
    metadata: bytes = b""
    bound: int | None = None

    def __post_init__(self) -> None:
        for broken, text in _broken_laws(self):
            if broken:
                raise InvalidArgument(f"head of a file: {text}")

    @property
    def bounded(self) -> bool:
        """Whether the file keeps a bound on every pixel (or is exact) and needs no model."""
        return self.bound is not None

    @property
    def max_error_db(self) -> float | None:
        """The bound in dB, 0 for exact pixels; None where a model made the file."""
        return None if self.bound is None else self.bound / 1000

    @property
    def tile_rows(self) -> int:
        return -(-self.rows >> self.tile_log2)

    @property
    def tile_cols(self) -> int:
        return -(-self.cols >> self.tile_log2)

    @property
    def entry_count(self) -> int:
        """Entries of the index: one a (tile, band), tiles row by row, bands innermost."""
        return self.tile_rows * self.tile_cols * len(self.bands)


@dataclass(frozen=True)
class Entry:
    """One tile and band: `length` bytes at `offset` of the file, their CRC-32, and the quantiser step index."""

    offset: int
    length: int
    step: int
    crc: int


def pack_head(header: Header, entries: list[Entry]) -> bytes:
    """Everything before the first payload. Entries in index order; their offsets follow from the lengths."""
    if len(entries) != header.entry_count:
        raise InvalidArgument(f"{len(entries)} tile payloads were given, the head describes {header.entry_count}")
    body = _pack_fields(header) + b"".join(_pack_entry(entry, header.base_step) for entry in entries)
    head = MAGIC + bytes([VERSION]) + pack_varint(len(body)) + body
    return head + struct.pack("<I", zlib.crc32(head))


def head_length(beginning: bytes) -> int:
    """Bytes of the whole head, checksum included, from the first 10 bytes of a file (fewer if it is shorter).

    Raises NotSarcodec, NewerVersion, TruncatedFile, CorruptFile.
    """
    if not beginning or beginning[:4] != MAGIC[: len(beginning)]:
        raise compressed_refusal(beginning)
    if len(beginning) < _PREFIX:
        raise TruncatedFile(f"the file ends after {len(beginning)} bytes, inside its head; fetch it again")
    if beginning[4] > VERSION:
        raise NewerVersion(f"the file has format version {beginning[4]}, this sarcodec reads {VERSION}; upgrade it")
    length = beginning[_PREFIX : _PREFIX + LONGEST]
    if len(length) < LONGEST and all(byte > 127 for byte in length):
        raise TruncatedFile(f"the file ends after {len(beginning)} bytes, inside its head; fetch it again")
    cursor = Cursor(length, "head of the file")
    return cursor.varint("head length") + _PREFIX + cursor.place + 4


def unpack_head(data: bytes) -> tuple[Header, list[Entry]]:
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
    return header, _unpack_index(cursor, header, size)


def _pack_fields(header: Header) -> bytes:
    references = any(band.reference is not None for band in header.bands)
    parts = [
        bytes([DTYPES.index(header.dtype) | DOMAINS.index(header.domain) << 4]),
        pack_varint(header.rows),
        pack_varint(header.cols),
        pack_varint(len(header.bands)),
        bytes([header.tile_log2 | (_REFERENCES if references else 0) | (_BOUNDED if header.bounded else 0)]),
        pack_varint(header.bound) if header.bounded else _pack_model(header),
    ]
    if references:
        parts += [pack_varint(0 if band.reference is None else band.reference + 1) for band in header.bands]
    return b"".join([*parts, pack_varint(len(header.metadata)), header.metadata])


def _pack_model(header: Header) -> bytes:
    """The fields that only a file made with a model has."""
    offsets = b"".join(struct.pack("<h", band.offset_q) for band in header.bands)
    name = header.model_id.encode("ascii")
    return bytes([len(name)]) + name + header.model_digest + pack_varint(header.base_step) + offsets


def _unpack_fields(cursor: Cursor) -> Header:
    kinds = cursor.unsigned(1, "dtype and domain")
    if kinds & 15 >= len(DTYPES) or kinds >> 4 >= len(DOMAINS):
        raise CorruptFile(f"head of the file: dtype and domain {kinds:#04x} mean nothing; the file is damaged")
    rows, cols = cursor.varint("rows", 1, MAX_SIDE), cursor.varint("columns", 1, MAX_SIDE)
    band_count = cursor.varint("bands", 1, MAX_BANDS)
    tile = cursor.unsigned(1, "tile size and flags")
    if tile & ~(_REFERENCES | _BOUNDED | 15):
        raise NewerVersion(f"the head has flags {tile:#04x} that this sarcodec does not know; upgrade it")
    model_id, digest, base_step, offsets, bound = "", b"", 0, (0,) * band_count, None
    if tile & _BOUNDED:
        bound = cursor.varint("bound on the error", 0, MAX_BOUND)
    else:
        model_id = cursor.take(cursor.unsigned(1, "length of the model id"), "model id").decode("latin-1")
        digest, base_step = cursor.take(DIGEST_BYTES, "model digest"), cursor.varint("base step", 0, MAX_STEP)
        offsets = struct.unpack(f"<{band_count}h", cursor.take(2 * band_count, "band levels"))
    references = [None] * band_count
    if tile & _REFERENCES:
        references = [(cursor.varint("reference band", 0, index) - 1) for index in range(band_count)]
        references = [None if reference < 0 else reference for reference in references]
    metadata = cursor.take(cursor.varint("metadata length"), "metadata")
    try:
        return Header(
            rows,
            cols,
            DTYPES[kinds & 15],
            DOMAINS[kinds >> 4],
            tile & 15,
            model_id,
            digest,
            base_step,
            tuple(map(BandField, offsets, references)),
            metadata,
            bound,
        )
    except InvalidArgument as error:
        raise CorruptFile(f"{error}; the file is damaged") from error


def _pack_entry(entry: Entry, base_step: int) -> bytes:
    if not (0 <= entry.step <= MAX_STEP and 0 <= entry.length < LIMIT):
        raise InvalidArgument(f"a tile has step {entry.step}, {entry.length} bytes; limits are {MAX_STEP}, 2^32 - 1")
    return pack_varint(entry.length) + pack_varint(fold(entry.step - base_step)) + struct.pack("<I", entry.crc)


def _unpack_index(cursor: Cursor, header: Header, offset: int) -> list[Entry]:
    if header.entry_count * _LEAST_ENTRY > cursor.left:
        raise CorruptFile(
            f"head of the file: {header.entry_count} index entries cannot fit the {cursor.left} bytes "
            "that are left; the file is damaged"
        )
    entries = []
    for _ in range(header.entry_count):
        length, step = cursor.varint("payload length"), header.base_step + unfold(cursor.varint("step of a tile"))
        most = 0 if header.bounded else MAX_STEP
        if not 0 <= step <= most:
            raise CorruptFile(f"head of the file: step {step} of a tile, expected 0 to {most}; the file is damaged")
        entries.append(Entry(offset, length, step, cursor.unsigned(4, "payload checksum")))
        offset += length
    if cursor.left:
        raise CorruptFile(f"head of the file: {cursor.left} bytes follow the index, expected none; the file is damaged")
    return entries


def _broken_laws(header: Header) -> list[tuple[bool, str]]:
    bands = header.bands
    return [
        (
            not (1 <= header.rows <= MAX_SIDE and 1 <= header.cols <= MAX_SIDE),
            f"{header.rows} rows and {header.cols} columns, expected 1 to {MAX_SIDE}",
        ),
        (header.dtype not in DTYPES, f"dtype {header.dtype!r}, expected one of {', '.join(DTYPES)}"),
        (header.domain not in DOMAINS, f"domain {header.domain!r}, expected one of {', '.join(DOMAINS)}"),
        (header.tile_log2 not in TILE_LOG2, f"tiles of 2^{header.tile_log2} pixels, expected 2^4 to 2^12"),
        *(_broken_bounded_laws(header) if header.bounded else _broken_model_laws(header)),
        (not 0 <= header.base_step <= MAX_STEP, f"base step {header.base_step}, expected 0 to {MAX_STEP}"),
        (not 1 <= len(bands) <= MAX_BANDS, f"{len(bands)} bands, expected 1 to {MAX_BANDS}"),
        (any(not -32768 <= band.offset_q <= 32767 for band in bands), "a band's level is beyond 512 dB"),
        (
            any(band.reference is not None and not 0 <= band.reference < index for index, band in enumerate(bands)),
            "a band's reference is not an earlier band",
        ),
        (
            any(0 <= band.reference < len(bands) and bands[band.reference].leans for band in bands if band.leans),
            "a band's reference leans on another band itself",
        ),
        (len(header.metadata) >= LIMIT, "metadata of 4 GiB or more"),
    ]


def _broken_model_laws(header: Header) -> list[tuple[bool, str]]:
    return [
        (not _MODEL_ID.fullmatch(header.model_id), f"model id {header.model_id!r}, expected 1 to 64 of a-z 0-9 . _ -"),
        (len(header.model_digest) != DIGEST_BYTES, f"model digest of {len(header.model_digest)} bytes, expected 8"),
    ]


def _broken_bounded_laws(header: Header) -> list[tuple[bool, str]]:
    plain = all(band.offset_q == 0 and band.reference is None for band in header.bands)
    return [
        (not 0 <= header.bound <= MAX_BOUND, f"bound {header.bound} / 1000 dB, expected 0 to {MAX_BOUND}"),
        (bool(header.model_id or header.model_digest), f"model {header.model_id!r} in a file that keeps a bound"),
        (header.base_step != 0 or not plain, "a step, levels or references of bands in a file that keeps a bound"),
    ]

"""The second reader's first half, written from docs/format.md alone: the file, its records, sections, masks and exact pixels.

In: the bytes of a file; out: fields, payloads, pixels of masks and exact bands. Numbers in docstrings are sections of that page. No code of the
package. It trusts what it reads but for checksums and ends.
"""

import json
import lzma
import struct
import zlib
from dataclasses import dataclass, field

import numpy as np

DTYPES = ("uint8", "uint16", "int16", "float32", "int8", "int32", "uint32", "float64")
USUAL_REMARKS = b'{"why":["whole numbers without a declaration count as amplitude"]}'
USUAL_CLAIMS = (
    b'{"asked":{"effort":1,"target":"quality","value":60.0},"bands":[{"bias_power_db":0.0001,"enl_ratio_restored":1.0,'
    b'"invalid_share":0.0,"max_error_db":0.0,"rmse_db":0.3}],"measured":"own pixels","model":"lapped32","reconstruct":"power",'
    b'"software":"sarcodec 0.2.0","speckle":"keep"}'
)
IN_BASE = (1, 2, 65, 66)


class Bytes:
    """Fields one after the other (1)."""

    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    @property
    def left(self) -> int:
        return len(self.data) - self.place

    def take(self, size: int) -> bytes:
        assert self.place + size <= len(self.data)
        self.place += size
        return self.data[self.place - size : self.place]

    def number(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def varint(self) -> int:
        value, shift, byte = 0, 0, 128
        while byte & 128:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
        return value


def unfold(value: int) -> int:
    """1."""
    return value // 2 if value % 2 == 0 else -(value + 1) // 2


@dataclass
class Band:
    """3.1."""

    kind: int
    domain: int
    scale: float = 1.0
    offset: float = 0.0
    fills: tuple = ()
    reference: int = -1
    level: int = 0
    bound: int = 0


@dataclass
class File:
    """What the head and the index say (2, 3, 4): steps, base payloads and other payloads in index order."""

    dtype: str
    rows: int
    cols: int
    bands: list
    masks: int
    model_id: str
    digest: bytes
    records: dict
    steps: list = field(default_factory=list)
    payloads: list = field(default_factory=list)
    attachments: dict = field(default_factory=dict)

    @property
    def planes(self) -> int:
        return len(self.bands) + self.masks

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.rows // 512), -(-self.cols // 512)

    def place(self, tile: int) -> tuple[slice, slice]:
        """The pixels of a tile."""
        row, col = (512 * n for n in divmod(tile, self.grid[1]))
        return slice(row, min(row + 512, self.rows)), slice(col, min(col + 512, self.cols))

    def shape(self, tile: int) -> tuple[int, int]:
        return tuple(s.stop - s.start for s in self.place(tile))

    @property
    def description(self) -> dict:
        """13."""
        data = self.records.get(1, b"")
        if not data:
            return {}
        if data[0] == 1:
            text = zlib.decompress(data[1:])
        else:
            form = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 0}]
            text = lzma.decompress(data[1:], lzma.FORMAT_RAW, filters=form)
        return json.loads(text)

    @property
    def claims(self) -> dict:
        """3.3."""
        return json.loads(zlib.decompressobj(zdict=USUAL_CLAIMS).decompress(self.records[4]))

    @property
    def why(self) -> list:
        """3.2."""
        return json.loads(zlib.decompressobj(zdict=USUAL_REMARKS).decompress(self.records[2]))["why"]

    def nodata(self, band: int) -> float | None:
        """13."""
        values = self.description.get("n", [None])
        return values[band] if len(values) > 1 else values[0]


def read_file(data: bytes) -> File:
    """2."""
    whole = Bytes(data)
    assert whole.take(5) == b"\x89SAR\1"
    body = Bytes(whole.take(whole.varint()))
    assert zlib.crc32(data[: whole.place]) == whole.number(4)
    file, base_step = read_fields(body)
    entries = read_index(body, whole, file)
    file.steps = [base_step + step for _, step, _ in entries]
    parts = []
    for part in (0, 1):
        parts.append([whole.take(lengths[part]) for lengths, _, _ in entries])
        for payload, (_, _, sums) in zip(parts[part], entries, strict=True):
            assert not payload or zlib.crc32(payload) == sums[part]
    file.payloads = list(zip(*parts, strict=True))
    file.attachments = read_attachments(file.records.get(6, b"\0"), whole)
    assert not whole.left
    return file


def read_fields(body: Bytes) -> tuple[File, int]:
    """3."""
    dtype = DTYPES[body.number(1)]
    rows, cols, count, masks = body.varint(), body.varint(), body.varint(), body.varint()
    assert body.number(1) == 9
    bands = [read_band(body) for _ in range(count)]
    model_id, digest, base_step = "", b"", 0
    if any(band.kind == 0 for band in bands):
        model_id, digest, base_step = body.take(body.number(1)).decode("ascii"), body.take(8), body.varint()
    records, before = {}, 0
    for _ in range(body.varint()):
        tag = body.number(1)
        assert tag > before and (tag in (1, 2, 4, 6) or tag % 2 == 0)
        records[tag] = body.take(body.varint())
        before = tag
    return File(dtype, rows, cols, bands, masks, model_id, digest, records), base_step


def read_band(body: Bytes) -> Band:
    """3.1."""
    flags = body.number(1)
    assert flags < 128
    band = Band(flags & 3, flags >> 2 & 3)
    if flags & 16:
        band.scale, band.offset = struct.unpack("<2d", body.take(16))
    if flags & 32:
        count = body.number(1)
        band.fills = struct.unpack(f"<{count}d", body.take(8 * count))
    if flags & 64:
        band.reference = body.varint()
    if band.kind == 0:
        band.level = body.number(2, signed=True)
    if band.kind == 1:
        band.bound = body.varint()
    return band


def read_index(body: Bytes, whole: Bytes, file: File) -> list:
    """4: ((base length, other length), step - base step, (base checksum, other checksum)) of each entry."""
    size, left = 1 << body.number(1), file.grid[0] * file.grid[1] * file.planes
    records = [
        (body.varint(), body.varint(), body.varint(), body.number(4)) for _ in range(-(-left // size))
    ]  # length, base bytes, other bytes, checksum
    attached = body.varint()
    assert not body.left
    entries = []
    for length, *sums, checksum in records:
        data = whole.take(length)
        assert zlib.crc32(data) == checksum
        block, some = Bytes(data), []
        for _ in range(min(size, left)):
            lengths, step = (block.varint(), block.varint()), unfold(block.varint())
            some.append((lengths, step, tuple(block.number(4) if n else 0 for n in lengths)))
        assert not block.left and [sum(lengths[part] for lengths, _, _ in some) for part in (0, 1)] == sums
        entries += some
        left -= len(some)
    assert whole.left == sum(sum(lengths) for lengths, _, _ in entries) + attached
    return entries


def read_attachments(record: bytes, whole: Bytes) -> dict:
    """3.4."""
    fields, found = Bytes(record), {}
    for _ in range(fields.varint()):
        name, method = fields.take(fields.varint()).decode("utf-8"), fields.number(1)
        size, length, checksum = fields.varint(), fields.varint(), fields.number(4)
        data = whole.take(length)
        assert zlib.crc32(data) == checksum
        if method == 1:
            data = zlib.decompress(data, -15)
        if method == 2:
            form = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 24, "lc": 3, "lp": 0, "pb": 2}]
            data = lzma.decompress(data, lzma.FORMAT_RAW, filters=form)
        assert len(data) == size
        found[name] = data
    assert not fields.left
    return found


def sections(payloads: tuple[bytes, bytes]) -> dict[int, bytes]:
    """5: of both payloads, by kind, those that this version knows."""
    found = {}
    for base, payload in zip((True, False), payloads, strict=True):
        rest, before, last = Bytes(payload), 0, not payload
        while not last:
            kind = rest.number(1)
            last, kind = kind >= 128, kind & 127
            contents = rest.take(rest.left if last else rest.varint())
            assert before < kind < 127 and (kind > 66 or (kind in IN_BASE) == base)
            if kind <= 66:
                found[kind] = contents
            before = kind
    return found


def inflate(data: bytes, lzma2: bool) -> bytes:
    """7, 16: a body."""
    if not data:
        return b""
    form = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20, "lc": 0, "lp": 0, "pb": 0}]
    return lzma.decompress(data, lzma.FORMAT_RAW, filters=form) if lzma2 else zlib.decompress(data, -15)


def planar(data: bytes, count: int, size: int) -> np.ndarray:
    """Unsigned numbers whose lowest bytes come first, then all second bytes, and so on."""
    digits = np.frombuffer(data, np.uint8).reshape(size, count).astype(np.uint64)
    return sum((digits[n] << np.uint64(8 * n) for n in range(size)), np.zeros(count, np.uint64)).astype(f"<u{size}")


def read_mask(section: bytes, shape: tuple[int, int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """7: where pixels are invalid (bool), and bit patterns, meaningful there."""
    fields = Bytes(section)
    flags = fields.number(1)
    assert flags < 16
    palette = None if flags & 2 else np.frombuffer(fields.take(size * fields.number(1)), f"<u{size}")
    body = Bytes(inflate(fields.take(fields.left), bool(flags & 4)))
    invalid = np.ones(shape, bool)
    if flags & 1:
        row_bytes = -(-shape[1] // 8)
        alone = palette is not None and len(palette) == 1
        packed = body.take(body.left if alone else shape[0] * row_bytes).ljust(shape[0] * row_bytes, b"\0")
        rows = np.frombuffer(packed, np.uint8).reshape(shape[0], row_bytes).copy()
        for row in range(1, shape[0] if flags & 8 else 0):
            rows[row] ^= rows[row - 1]
        invalid = np.unpackbits(rows, axis=1)[:, : shape[1]].astype(bool)
    count = int(invalid.sum())
    if palette is None:
        values = planar(body.take(count * size), count, size)
    elif len(palette) == 1:
        values = np.full(count, palette[0])
    else:
        values = palette[np.frombuffer(body.take(count), np.uint8)]
    assert count and not body.left
    bits = np.zeros(shape, f"<u{size}")
    bits[invalid] = values
    return invalid, bits


def from_keys(keys: np.ndarray, dtype: str) -> np.ndarray:
    """14.1, 16: pixels from unsigned numbers that rise with them."""
    size, kind = np.dtype(dtype).itemsize, np.dtype(dtype).kind
    keys, top = keys.astype(f"<u{size}"), np.array(1, f"<u{size}") << np.array(8 * size - 1, f"<u{size}")
    if kind == "i":
        keys = keys ^ top
    if kind == "f":
        keys = np.where(keys & top, keys ^ top, ~keys)
    return keys.astype(f"<u{size}").view(np.dtype(dtype).newbyteorder("<"))


def read_exact(section: bytes, shape: tuple[int, int], dtype: str) -> np.ndarray:
    """16."""
    size, fields = np.dtype(dtype).itemsize, Bytes(section)
    flags = fields.number(1)
    across, down, patterns = flags & 3, flags >> 2 & 3, None
    if flags & 32:
        patterns = np.frombuffer(fields.take(size * (fields.number(1) + 1)), f"<u{size}")
        if len(patterns) == 1:
            assert not fields.left
            return from_keys(np.full(shape, patterns[0]), dtype)
    width = size if patterns is None else 1
    two = patterns is not None and len(patterns) == 2
    image = (shape[0], -(-shape[1] // 8)) if two else shape
    body = inflate(fields.take(fields.left), bool(flags & 16))
    numbers = planar(body, image[0] * image[1], width).reshape(image)
    one = numbers.dtype.type(1)
    numbers = np.where(numbers & one, ~(numbers >> one), numbers >> one)
    for _ in range(down):
        numbers = np.cumsum(numbers, 0, dtype=numbers.dtype)
    for _ in range(across):
        numbers = np.cumsum(numbers, 1, dtype=numbers.dtype)
    if two:
        numbers = np.unpackbits(numbers.astype(np.uint8), axis=1)[:, : shape[1]]
    return from_keys(numbers if patterns is None else patterns[numbers], dtype)

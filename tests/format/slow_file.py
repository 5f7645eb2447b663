"""The second reader's first half, written from docs/format.md alone: the file, its records, its index.

In: the bytes of a file; out: fields and payloads. Numbers in docstrings are sections of that page. No code of the
package. It trusts what it reads but for checksums and ends.
"""

import json
import lzma
import struct
import zlib
from dataclasses import dataclass, field

from format.slow_sections import Bytes, unfold

DTYPES = ("uint8", "uint16", "int16", "float32", "int8", "int32", "uint32", "float64")
USUAL_REMARKS = b'{"why":["whole numbers without a declaration count as amplitude"]}'
USUAL_CLAIMS = (
    b'{"asked":{"effort":1,"target":"quality","value":60.0},"bands":[{"bias_power_db":0.0001,"enl_ratio_restored":1.0,'
    b'"invalid_share":0.0,"max_error_db":0.0,"rmse_db":0.3}],"measured":"own pixels","model":"lapped32","reconstruct":"power",'
    b'"software":"sarcodec 0.2.0","speckle":"keep"}'
)


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

"""The second reader's sections of a tile that need no model, written from docs/format.md alone: fields, masks, exact pixels. No code of the package.

In: payloads; out: sections by kind, and pixels. Numbers in docstrings are sections of that page.
"""

import lzma
import zlib

import numpy as np

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


def masked(pixels: np.ndarray, mask: bytes | None) -> np.ndarray:
    """12: what the mask says stands in the place of pixels."""
    if mask is None:
        return pixels
    pixels = np.ascontiguousarray(pixels)
    invalid, bits = read_mask(mask, pixels.shape, pixels.itemsize)
    return np.where(invalid, bits, pixels.view(bits.dtype)).view(pixels.dtype)

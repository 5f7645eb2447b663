"""The second reader's pixels within a bound of error, written from docs/format.md alone. No code of the package.

In: sections of a tile; out: pixels. Numbers in docstrings are sections of that page.
"""

from decimal import ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction

import numpy as np

from format.slow_sections import Bytes, from_keys, inflate, masked, read_mask, unfold

AMPLITUDE, POWER, DB, NONE = range(4)
LARGEST = {"uint8": 255, "uint16": 65535, "int16": 32767, "int8": 127, "int32": 2**31 - 1, "uint32": 2**32 - 1}


def read_bounded(parts: dict, shape: tuple[int, int], dtype: str, band) -> np.ndarray:
    """14."""
    if 11 not in parts:
        invalid, bits = read_mask(parts[10], shape, np.dtype(dtype).itemsize)
        assert invalid.all()
        return bits.view(dtype)
    import imagecodecs  # decodes JPEG XL

    fields = Bytes(parts[11])
    checksum, flags = fields.number(2), fields.number(1)
    assert flags < 8
    first = unfold(fields.varint()) if band.bound else 0
    patterns = None
    if flags & 4:
        count = fields.varint()
        raw = np.frombuffer(inflate(fields.take(fields.varint()), True), np.uint8).reshape(4, count).astype(np.uint32)
        patterns = np.cumsum(sum(raw[n] << np.uint32(8 * n) for n in range(4)), dtype=np.uint32)
    samples = imagecodecs.jpegxl_decode(fields.take(fields.left))
    assert samples.shape == shape and samples.dtype == ("u1", "u2", "f4")[flags & 3]
    assert crc_of(samples) == checksum
    if band.bound:
        numbers, where = np.unique(samples, return_inverse=True)
        levels = [first + int(n) for n in numbers]
        pixels = np.array(representatives(levels, dtype, band), dtype)[where].reshape(shape)
    elif flags & 3 == 2:
        pixels = samples
    else:
        keys = samples if patterns is None else patterns[samples]
        pixels = from_keys(keys, dtype)
    return masked(pixels, parts.get(10))


def crc_of(samples: np.ndarray) -> int:
    import zlib

    return zlib.crc32(samples.astype(samples.dtype.newbyteorder("<")).tobytes()) & 0xFFFF


def representatives(levels: list[int], dtype: str, band) -> list:
    """14.2: what pixels of some levels, rising, become."""
    kind = np.dtype(dtype).kind
    if band.domain != DB:
        return positive_levels(levels, dtype, band)
    scale, m = Fraction(abs(band.scale)), band.bound
    if kind == "f":
        divisor = 2 * (100_000 * abs(band.scale))
        return [float(Fraction((2 * k + 1) * (200 * m - 1)) / Fraction(divisor)) for k in levels]
    width, limits = min(int(Fraction(m, 1000) / scale), 2**31), np.iinfo(dtype)
    return [min(max(k * (2 * width + 1) + width, limits.min), limits.max) for k in levels]


def positive_levels(levels: list[int], dtype: str, band) -> list:
    with localcontext() as context:
        context.prec = 60
        exponent = Decimal(band.bound) / (20_000 if band.domain == AMPLITUDE else 10_000)
        factor = int((Decimal(2) ** 32 * Decimal(10) ** exponent).to_integral_value(ROUND_FLOOR))
    floats = np.dtype(dtype).kind == "f"
    most = 0x7F7FFFFF if floats else LARGEST[dtype]

    def reach(n: int) -> int:
        if not floats:
            return min(most, n * factor >> 32)
        x = max(n >> 23, 1)
        product = ((n & 0x7FFFFF) | (0x800000 if n >> 23 else 0)) * factor >> 32
        shift = max(0, product.bit_length() - 24)
        return min(most, ((x - 1 + shift) << 23) + (product >> shift))

    found, wanted, first, k = [], iter(levels), 1, 0
    number = next(wanted)
    while True:
        representative = reach(first)
        if k == number:
            found.append(float(np.array(representative, np.uint32).view(np.float32)) if floats else representative)
            number = next(wanted, None)
            if number is None:
                return found
        first, k = reach(representative) + 1, k + 1

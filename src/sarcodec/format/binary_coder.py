"""Adaptive binary range coder: bits under counts that coder and decoder keep alike, for lists of a few hundred small numbers.

In: bits and the context that each is coded in; out: bytes, and back. Whole numbers only. Knows no field's meaning (docs/format.md, 17.3).
"""

from __future__ import annotations

_TOP, _WORD, _MASK = 1 << 24, 1 << 32, (1 << 32) - 1
COUNTS_MOST = 255  # then both counts of a context are halved: it forgets


class Contexts:
    """Counts of zeros and ones by context, all (0, 0) at first. A context's name is any hashable."""

    def __init__(self) -> None:
        self._counts: dict[object, list[int]] = {}

    def split(self, context: object, span: int) -> int:
        """How much of a span belongs to a zero: its share is (2 zeros + 1) / (2 all + 2), in 1/65536."""
        zeros, ones = self._counts.setdefault(context, [0, 0])
        return (span >> 16) * (((2 * zeros + 1) << 16) // (2 * (zeros + ones) + 2))

    def count(self, context: object, bit: int) -> None:
        counts = self._counts[context]
        counts[bit] += 1
        if counts[0] + counts[1] > COUNTS_MOST:
            counts[0] >>= 1
            counts[1] >>= 1


class BinaryEncoder:
    """Bits in, bytes out. The interval is [low, low + span); a carry goes into the bytes that wait."""

    def __init__(self) -> None:
        self._contexts, self._low, self._span = Contexts(), 0, _MASK
        self._out = bytearray()

    def bit(self, context: object, bit: int) -> None:
        split = self._contexts.split(context, self._span)
        self._contexts.count(context, bit)
        if bit:
            self._low, self._span = self._low + split, self._span - split
        else:
            self._span = split
        self._shift()

    def raw(self, value: int, bits: int) -> None:
        """So many bits of a value, highest first, each of probability 1/2."""
        for place in reversed(range(bits)):
            self._span >>= 1
            self._low += self._span * (value >> place & 1)
            self._shift()

    def _shift(self) -> None:
        if self._low >= _WORD:
            self._carry()
        while self._span < _TOP:
            self._out.append(self._low >> 24)
            self._low, self._span = (self._low << 8) & _MASK, self._span << 8

    def _carry(self) -> None:
        self._low -= _WORD
        place = len(self._out) - 1
        while self._out[place] == 255:
            self._out[place] = 0
            place -= 1
        self._out[place] += 1

    def finish(self) -> bytes:
        """All bytes: of the numbers in the last interval one that ends in the most zeros, and zeros at the end left out."""
        for bits in range(32, -1, -1):
            value = -(-self._low >> bits) << bits
            if value < self._low + self._span:
                break
        self._low = value
        if self._low >= _WORD:
            self._carry()
        return bytes(self._out + self._low.to_bytes(4, "big")).rstrip(b"\0")


class BinaryDecoder:
    """The way back. Beyond the end all bytes are 0; whether the end is right is for the caller to ask."""

    def __init__(self, data: bytes) -> None:
        self._contexts, self._span = Contexts(), _MASK
        self._data, self._place = data, 4
        self._code = int.from_bytes(data[:4].ljust(4, b"\0"), "big")

    def bit(self, context: object) -> int:
        split = self._contexts.split(context, self._span)
        bit = int(self._code >= split)
        self._contexts.count(context, bit)
        if bit:
            self._code, self._span = self._code - split, self._span - split
        else:
            self._span = split
        self._shift()
        return bit

    def raw(self, bits: int) -> int:
        value = 0
        for _ in range(bits):
            self._span >>= 1
            bit = int(self._code >= self._span)
            self._code -= self._span * bit
            value = 2 * value + bit
            self._shift()
        return value

    def _shift(self) -> None:
        while self._span < _TOP:
            byte = self._data[self._place] if self._place < len(self._data) else 0
            self._code, self._span = (self._code << 8) | byte, self._span << 8
            self._place += 1

    @property
    def used(self) -> int:
        """Bytes that have had a say so far, those beyond the end with them."""
        return self._place

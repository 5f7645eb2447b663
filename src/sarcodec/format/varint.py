"""Integers of 1 to 5 bytes (LEB128, canonical, below 2^32) and a cursor that reads fields without leaving its bytes.

Knows no field's meaning. Whoever reads says what the bytes are, so that the message can.
"""

from sarcodec.errors import CorruptFile, InvalidArgument

LIMIT = 1 << 32
LONGEST = 5
WIDE_LIMIT = 1 << 56
_LONGEST_WIDE = 8


def pack_varint(value: int) -> bytes:
    """Seven bits a byte, low ones first; the top bit says that another byte follows. 0 <= value < 2^32."""
    return _pack(value, LIMIT)


def pack_wide(value: int) -> bytes:
    """As `pack_varint`, for sums of sizes: 0 <= value < 2^56."""
    return _pack(value, WIDE_LIMIT)


def _pack(value: int, limit: int) -> bytes:
    if not 0 <= value < limit:
        raise InvalidArgument(f"{value} is written as a varint, expected 0 to {limit - 1}")
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def fold(value: int) -> int:
    """A signed integer as an unsigned one: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4."""
    return 2 * value if value >= 0 else -2 * value - 1


def unfold(value: int) -> int:
    """The way back from `fold`."""
    return -(value + 1) // 2 if value % 2 else value // 2


class Cursor:
    """Reads `data` from `place` on; raises CorruptFile where `data` ends too soon. `what` names it in messages."""

    def __init__(self, data: bytes, what: str) -> None:
        self.data, self.place, self.what = data, 0, what

    @property
    def left(self) -> int:
        return len(self.data) - self.place

    def take(self, size: int, field: str) -> bytes:
        if size > self.left:
            raise CorruptFile(f"{self.what}: {field} needs {size} bytes, {self.left} are left; the file is damaged")
        self.place += size
        return self.data[self.place - size : self.place]

    def unsigned(self, size: int, field: str) -> int:
        return int.from_bytes(self.take(size, field), "little")

    def varint(self, field: str, least: int = 0, most: int = LIMIT - 1) -> int:
        """A canonical varint from least to most."""
        return self._number(field, least, most, LONGEST)

    def wide(self, field: str, most: int) -> int:
        """A canonical varint of at most 8 bytes, from 0 to most."""
        return self._number(field, 0, most, _LONGEST_WIDE)

    def varints(self, field: str) -> list[int]:
        """All that is left, as canonical varints; faster than one by one."""
        found, value, shift, begin = list[int](), 0, 0, self.place
        for place in range(begin, len(self.data)):
            byte = self.data[place]
            value |= (byte & 127) << shift
            shift += 7
            if byte > 127 and shift < 7 * LONGEST:
                continue
            if byte > 127 or (byte == 0 and shift > 7) or value >= LIMIT:
                break
            found.append(value)
            value, shift, self.place = 0, 0, place + 1
        while self.left:  # what is not canonical, said as elsewhere
            found.append(self.varint(field))
        return found

    def _number(self, field: str, least: int, most: int, longest: int) -> int:
        value = 0
        for position in range(longest):
            byte = self.unsigned(1, field)
            value |= (byte & 127) << 7 * position
            if byte < 128:
                break
        if byte > 127 or (byte == 0 and position > 0) or not least <= value <= most:
            raise CorruptFile(
                f"{self.what}: {field} reads {value}, expected canonical bytes of {least} to {most}; "
                "the file is damaged"
            )
        return value

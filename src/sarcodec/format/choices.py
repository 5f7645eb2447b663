"""What a tile says of how its latents are coded: the trellis, and shifts of the scales. Values to bytes and back (docs/format.md, 9.11).

Knows no model and no latents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.varint import Cursor, fold, unfold

SHIFTS: Final = 64
SHIFT_MAX: Final = 31
_LARGE: Final = 128
_FOLDED_BITS = (2 * SHIFT_MAX + 1).bit_length()


@dataclass(frozen=True)
class Choices:
    """large: the trellis of 1,024 states; shifts: of the first bins, the last of them not 0."""

    large: bool = False
    shifts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if (
            len(self.shifts) > SHIFTS
            or any(abs(s) > SHIFT_MAX for s in self.shifts)
            or (self.shifts and not self.shifts[-1])
        ):
            raise InvalidArgument(
                f"shifts {self.shifts}: expected at most {SHIFTS} of size {SHIFT_MAX}, the last not 0"
            )

    def pack(self) -> bytes:
        """A byte, and one bit or more for each shift."""
        head = bytes([len(self.shifts) | _LARGE * self.large])
        bits = "".join(_gamma(fold(shift) + 1) for shift in self.shifts)
        size = -(-len(bits) // 8)
        return head + int(bits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")


USUAL: Final = Choices()


def _gamma(number: int) -> str:
    """Elias gamma: as many zeros as bits follow the leading one, then the number."""
    digits = f"{number:b}"
    return "0" * (len(digits) - 1) + digits


def read_choices(cursor: Cursor) -> Choices:
    """Raises CorruptFile where no encoder writes such bytes."""
    head = cursor.unsigned(1, "choices of latents")
    bits = _Bits(cursor)
    shifts = tuple(unfold(bits.gamma() - 1) for _ in range(head % _LARGE))
    if bits.left or len(shifts) > SHIFTS or (shifts and not shifts[-1]):
        raise CorruptFile(
            f"tile: {len(shifts)} shifts of scales, or bits behind them, that no encoder writes; the file is damaged"
        )
    return Choices(head >= _LARGE, shifts)


class _Bits:
    """Bits of bytes, taken as they are needed, the highest first."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor, self._byte, self._held = cursor, 0, 0

    @property
    def left(self) -> int:
        """The bits that are held, as a number."""
        return self._byte & ((1 << self._held) - 1)

    def bit(self) -> int:
        if not self._held:
            self._byte, self._held = self._cursor.unsigned(1, "shifts of scales"), 8
        self._held -= 1
        return self._byte >> self._held & 1

    def gamma(self) -> int:
        """A number from 1 to 2 SHIFT_MAX + 1."""
        zeros, number = 0, 1
        while not self.bit():
            zeros += 1
            if zeros >= _FOLDED_BITS:
                raise CorruptFile(f"tile: a shift of scales is beyond {SHIFT_MAX}; the file is damaged")
        for _ in range(zeros):
            number = 2 * number | self.bit()
        return number

"""The rANS coder in plain Python integers: slow, the same bytes as native/rans.c, written to be read beside docs/format.md.

The oracle of the tests, and what codes where the compiled library is not there. Numpy arrays are only where the tables come from.
"""

from sarcodec.entropy.tables import MAX_MAGNITUDE, PRECISION_BITS, TOTAL, FrozenTables
from sarcodec.entropy.trellis import USUAL, Trellis
from sarcodec.errors import CorruptFile

SECOND_QUANTISER = 256  # where its tables begin


def encode(tables: FrozenTables, rows: list[int], values: list[int]) -> bytes:
    """Bytes of values under tables rows, both of one length; see `entropy.encode`."""
    stack = _Stack()
    for row, value in zip(reversed(rows), reversed(values), strict=True):
        if not tables.skip[row]:
            _push_value(stack, tables, row, value)
    return stack.bytes()


def decode(tables: FrozenTables, data: bytes, rows: list[int]) -> list[int]:
    """The values again, the end of the stream checked. Raises CorruptFile."""
    decoder = Decoder(tables, data)
    values = decoder.decode(rows)
    decoder.finish()
    return values


class Decoder:
    """Symbols in as many calls as the caller likes; see `entropy.Decoder`. All of it raises CorruptFile."""

    def __init__(self, tables: FrozenTables, data: bytes, trellis: Trellis = USUAL) -> None:
        self._tables, self._queue, self._trellis, self._state = tables, _Queue(data), trellis, 0

    def decode(self, rows: list[int]) -> list[int]:
        """The next values, each under its table."""
        return [self._value(row) for row in rows]

    def decode_dependent(self, rows: list[int]) -> tuple[list[int], list[int]]:
        """The next symbols along the trellis, and the quantiser of each; rows are tables of quantiser 0."""
        values, quantisers = [], []
        for row in rows:
            quantisers.append(int(self._trellis.quantiser[self._state]))
            row += SECOND_QUANTISER * quantisers[-1]
            values.append(self._value(row))
            if not self._tables.skip[row]:
                self._state = int(self._trellis.next_state[self._state, values[-1] % 2])
        return values, quantisers

    def finish(self) -> None:
        """The end of the stream, checked."""
        if self._queue.state != 1 or self._queue.words:
            raise CorruptFile("an entropy-coded stream does not end where its symbols do; the file is damaged")

    def _value(self, row: int) -> int:
        return 0 if self._tables.skip[row] else _pull_value(self._queue, self._tables, row)


class _Stack:
    """The encoder's state: what is pushed last is pulled first."""

    def __init__(self) -> None:
        self.state = 1
        self.words: list[int] = []

    def push(self, low: int, frequency: int, precision: int) -> None:
        if self.state >= frequency << (32 - precision):
            self.words.append(self.state & 0xFFFF)
            self.state >>= 16
        self.state = (self.state // frequency << precision) + self.state % frequency + low

    def bytes(self) -> bytes:
        if self.state == 1:
            return b""
        head = self.state.to_bytes((self.state.bit_length() + 7) // 8, "little")
        return head + b"".join(word.to_bytes(2, "little") for word in reversed(self.words))


class _Queue:
    """The decoder's state."""

    def __init__(self, data: bytes) -> None:
        head = len(data) if len(data) < 3 else 4 - len(data) % 2
        self.state = int.from_bytes(data[:head], "little") if data else 1
        if data and (data[head - 1] == 0 or self.state == 1):
            raise CorruptFile("an entropy-coded stream opens with a state that no encoder writes; the file is damaged")
        self.words = [int.from_bytes(data[at : at + 2], "little") for at in range(len(data) - 2, head - 1, -2)]

    def pull(self, low: int, frequency: int, precision: int) -> None:
        slot = self.state % (1 << precision)
        self.state = frequency * (self.state >> precision) + slot - low
        if self.state < 1 << 16 and self.words:
            self.state = self.state << 16 | self.words.pop()

    def bits(self, width: int) -> int:
        value = self.state % (1 << width)
        self.pull(value, 1, width)
        return value


def _push_value(stack: _Stack, tables: FrozenTables, row: int, value: int) -> None:
    shift, escape = int(tables.shift[row]), 2 * int(tables.radius[row]) + 1
    quotient = int(value) >> shift
    stack.push(int(value) % (1 << shift), 1, shift)
    symbol = 2 * quotient if quotient >= 0 else -2 * quotient - 1
    if symbol >= escape:
        _push_gamma(stack, symbol - escape + 1)
        symbol = escape
    at = int(tables.start[row]) + symbol
    low, high = int(tables.cumulative[at]), int(tables.cumulative[at + 1])
    stack.push(low, high - low, PRECISION_BITS)


def _pull_value(queue: _Queue, tables: FrozenTables, row: int) -> int:
    shift, escape, start = int(tables.shift[row]), 2 * int(tables.radius[row]) + 1, int(tables.start[row])
    slot, symbol = queue.state % TOTAL, 0
    while int(tables.cumulative[start + symbol + 1]) <= slot:
        symbol += 1
    low, high = int(tables.cumulative[start + symbol]), int(tables.cumulative[start + symbol + 1])
    queue.pull(low, high - low, PRECISION_BITS)
    if symbol == escape:
        symbol += _pull_gamma(queue) - 1
    quotient = -(symbol + 1) // 2 if symbol % 2 else symbol // 2
    value = (quotient << shift) + queue.bits(shift)
    if abs(value) >= MAX_MAGNITUDE or queue.state == 0:
        raise CorruptFile("an entropy-coded stream holds a value that no encoder writes; the file is damaged")
    return value


def _push_gamma(stack: _Stack, number: int) -> None:
    width = number.bit_length() - 1
    low = min(width, 12)
    rest = number - (1 << width)
    stack.push(rest % (1 << low), 1, low)
    stack.push(rest >> low, 1, width - low)
    stack.push(1, 1, 1)
    for _ in range(width):
        stack.push(0, 1, 1)


def _pull_gamma(queue: _Queue) -> int:
    width = 0
    while queue.bits(1) == 0:
        width += 1
        if width > 24:
            raise CorruptFile("an entropy-coded stream holds a value that no encoder writes; the file is damaged")
    low = min(width, 12)
    high = queue.bits(width - low)
    return (1 << width) + (high << low) + queue.bits(low)

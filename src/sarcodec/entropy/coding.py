"""rANS over frozen integer tables, compiled: integers and table numbers in, bytes out, and back.

State of 32 bits, words of 16 bits, frequencies of 14 bits; docs/format.md has every step, `entropy_reference`
the same in plain Python. Integers only. Knows nothing of tiles, latents or files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy import rans, trellis
from sarcodec.entropy.tables import MAX_MAGNITUDE, FrozenTables
from sarcodec.errors import CorruptFile, InvalidArgument

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

_WORDS_A_SYMBOL = 6  # 14 (symbol) + 49 (escape) + 12 (low bits) = 75 bits, and the coder's own loss
_NO_WORDS = np.zeros(0, np.uint16)
_ONE_MODE, _NO_JUMP = np.zeros((1, 2), np.uint8), np.zeros(1, np.int64)
LATENT_TABLES = 256  # tables of one quantiser; the other's follow
_JUMP = trellis.QUANTISER.astype(np.int64) * LATENT_TABLES


def encode(tables: FrozenTables, rows: Integers, values: Integers) -> bytes:
    """Bytes from which `Decoder` gives values[0], values[1], ... back, in that order.

    rows: integers (n,), the table of each value. values: integers (n,), |v| < 2^24, 0 where the table is skipped.
    Raises InvalidArgument otherwise. No symbols, or nothing but most probable ones, may give b''.
    """
    rows, values = _checked_rows(rows, len(tables)), _checked_values(values)
    if rows.size != values.size:
        raise InvalidArgument(f"{rows.size} table numbers for {values.size} values, expected as many")
    words = np.empty(words_room(rows.size), np.uint16)
    state, first, refused = rans.encode(tables.cumulative, tables.layout, rows, values, words)
    if refused >= 0:
        raise InvalidArgument(f"value {refused} is {values[refused]}, but its table {rows[refused]} codes only 0")
    return packed(int(state), words[first:])


def words_room(count: int) -> int:
    """How many words so many symbols may take."""
    return _WORDS_A_SYMBOL * count + 8


def packed(state: int, words: Integers) -> bytes:
    """The bytes of a stream: the coder's last state, and its words uint16."""
    return _state_bytes(state) + words.astype("<u2").tobytes()


class Decoder:
    """Symbols out of the bytes of `encode`, in as many calls as the caller likes; not safe for two threads at once.

    Damaged bytes never hang it nor lead outside its arrays: they give CorruptFile, or wrong values, and then `finish`
    sees about two thirds of them. The guards are the container's checksums of the payload and of the symbols.
    """

    def __init__(self, tables: FrozenTables, data: bytes) -> None:
        self._tables = tables
        self._lookup = tables.lookup(rans.LOOKUP_BITS)
        head = state_length(len(data))
        self._state = np.uint64(int.from_bytes(data[:head], "little") if head else 1)
        if head and (data[head - 1] == 0 or int(self._state) == 1):
            raise CorruptFile("an entropy-coded stream opens with a state that no encoder writes; the file is damaged")
        self._words = np.frombuffer(data, "<u2", offset=head).astype(np.uint16) if head < len(data) else _NO_WORDS
        self._place = 0
        self._mode = 0

    def decode(self, rows: Integers) -> Integers:
        """int32 (n,): the next n values; rows: integers (n,), their tables. Raises CorruptFile, InvalidArgument."""
        return self._decode(rows, _ONE_MODE, _NO_JUMP, 0)[0]

    def decode_dependent(self, rows: Integers) -> tuple[Integers, Integers]:
        """int32 (n,), the next n symbols, and int8 (n,), the quantiser of each, along the trellis from where it stands.

        rows: integers (n,), the tables of quantiser 0; those of quantiser 1 stand LATENT_TABLES further on. Raises as `decode`.
        """
        values, modes = self._decode(rows, trellis.NEXT_STATE, _JUMP, self._mode)
        return values, trellis.QUANTISER[modes]

    def _decode(self, rows: Integers, next_mode: Integers, jump: Integers, mode: int) -> tuple[Integers, Integers]:
        tables = self._tables
        rows = _checked_rows(rows, len(tables) - int(jump.max()))
        values, modes = np.empty(rows.size, np.int32), np.empty(rows.size, np.uint8)
        state, self._place, last_mode, fine = rans.decode(
            tables.cumulative,
            tables.layout,
            self._lookup,
            rows,
            self._words,
            self._state,
            self._place,
            values,
            next_mode,
            jump,
            mode,
            modes,
        )
        self._state = np.uint64(state)
        if next_mode is trellis.NEXT_STATE:
            self._mode = int(last_mode)
        if not fine or state == 0:
            raise CorruptFile("an entropy-coded stream holds a value that no encoder writes; the file is damaged")
        return values, modes

    def finish(self) -> None:
        """Check that the stream ends where its symbols do. Raises CorruptFile."""
        if int(self._state) != 1 or self._place != self._words.size:
            raise CorruptFile(
                f"an entropy-coded stream ends in state {int(self._state)} with "
                f"{self._words.size - self._place} words left, expected 1 and 0; the file is damaged"
            )


def state_length(length: int) -> int:
    """Bytes of state at the head of a stream of `length` bytes: the rest are whole words."""
    return length if length < 3 else 4 - length % 2


def _state_bytes(state: int) -> bytes:
    """The final state without its zero bytes on top; the initial state itself, 1, takes no byte."""
    return b"" if state == 1 else state.to_bytes((state.bit_length() + 7) // 8, "little")


def _checked_rows(rows: Integers, count: int) -> Integers:
    rows = np.ascontiguousarray(rows)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise InvalidArgument(f"table numbers are {rows.dtype} of {rows.ndim} axes, expected integers on one axis")
    if rows.size and not 0 <= int(rows.min()) <= int(rows.max()) < count:
        raise InvalidArgument(f"table numbers reach from {rows.min()} to {rows.max()}, expected 0 to {count - 1}")
    return rows.astype(np.uint16, copy=False)


def _checked_values(values: Integers) -> Integers:
    values = np.ascontiguousarray(values)
    if values.ndim != 1 or (values.size and values.dtype.kind not in "iu"):
        raise InvalidArgument(f"values are {values.dtype} of {values.ndim} axes, expected integers on one axis")
    if values.size and not -MAX_MAGNITUDE < int(values.min()) <= int(values.max()) < MAX_MAGNITUDE:
        raise InvalidArgument(f"values reach from {values.min()} to {values.max()}, expected less than 2^24 either way")
    return values.astype(np.int32, copy=False)

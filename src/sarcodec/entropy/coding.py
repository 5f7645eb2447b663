"""rANS over frozen integer tables: integers and table numbers in, bytes out, and back.

State of 32 bits, words of 16 bits, frequencies of 14 bits; docs/format.md has every step. native/rans.c does the work, and `reference`, in plain
Python, where it is not there. Integers only. Knows nothing of tiles, latents or files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.entropy import reference
from sarcodec.entropy.tables import LOOKUP_BITS, MAX_MAGNITUDE, FrozenTables
from sarcodec.entropy.trellis import USUAL, Trellis
from sarcodec.errors import CorruptFile, InvalidArgument

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

_WORDS_A_SYMBOL = 6  # 14 (symbol) + 49 (escape) + 12 (low bits) = 75 bits, and the coder's own loss
_NO_WORDS = np.zeros(0, np.uint16)
_ONE_MODE, _NO_JUMP = np.zeros((1, 2), np.uint16), np.zeros(1, np.int64)
LATENT_TABLES = 256  # tables of one quantiser; the other's follow


def encode(tables: FrozenTables, rows: Integers, values: Integers) -> bytes:
    """Bytes from which `Decoder` gives values[0], values[1], ... back, in that order.

    rows: integers (n,), the table of each value. values: integers (n,), |v| < 2^24, 0 where the table is skipped.
    Raises InvalidArgument otherwise. No symbols, or nothing but most probable ones, may give b''.
    """
    rows, values = _checked_rows(rows, len(tables)), _checked_values(values)
    if rows.size != values.size:
        raise InvalidArgument(f"{rows.size} table numbers for {values.size} values, expected as many")
    refused = np.flatnonzero(tables.skip[rows] & (values != 0))
    if refused.size:
        first = refused[-1]
        raise InvalidArgument(f"value {first} is {values[first]}, but its table {rows[first]} codes only 0")
    if not native.available():
        return reference.encode(tables, rows.tolist(), values.tolist())
    return _encode(tables, rows, values)


def _encode(tables: FrozenTables, rows: Integers, values: Integers) -> bytes:
    from sarcodec.native import rans

    words = np.empty(words_room(rows.size), np.uint16)
    state, first, _ = rans.encode(tables.cumulative, tables.layout, rows, values, words)
    return packed(state, words[first:])


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

    def __init__(self, tables: FrozenTables, data: bytes, trellis: Trellis = USUAL) -> None:
        self._tables, self._coder = tables, (_Compiled if native.available() else _Plain)(tables, data, trellis)

    def decode(self, rows: Integers) -> Integers:
        """int32 (n,): the next n values; rows: integers (n,), their tables. Raises CorruptFile, InvalidArgument."""
        return self._coder.decode(_checked_rows(rows, len(self._tables)))

    def decode_dependent(self, rows: Integers) -> tuple[Integers, Integers]:
        """int32 (n,), the next n symbols, and int8 (n,), the quantiser of each, along the trellis from where it stands.

        rows: integers (n,), the tables of quantiser 0; those of quantiser 1 stand LATENT_TABLES further on. Raises as `decode`.
        """
        return self._coder.decode_dependent(_checked_rows(rows, len(self._tables) - LATENT_TABLES))

    def finish(self) -> None:
        """Check that the stream ends where its symbols do. Raises CorruptFile."""
        self._coder.finish()


class _Compiled:
    """A Decoder by native/rans.c."""

    def __init__(self, tables: FrozenTables, data: bytes, trellis: Trellis) -> None:
        self._trellis = trellis
        self._tables = tables.cumulative, tables.layout, tables.lookup(LOOKUP_BITS)
        head = state_length(len(data))
        self._state, self._place, self._mode = int.from_bytes(data[:head], "little") if head else 1, 0, 0
        if head and (data[head - 1] == 0 or self._state == 1):
            raise CorruptFile("an entropy-coded stream opens with a state that no encoder writes; the file is damaged")
        self._words = np.frombuffer(data, "<u2", offset=head).astype(np.uint16) if head < len(data) else _NO_WORDS

    def decode(self, rows: Integers) -> Integers:
        return self._decode(rows, (_ONE_MODE, _NO_JUMP), 0)[0]

    def decode_dependent(self, rows: Integers) -> tuple[Integers, Integers]:
        which = self._trellis.quantiser
        jump = which.astype(np.int64) * LATENT_TABLES
        values, modes, self._mode = self._decode(rows, (self._trellis.next_state, jump), self._mode)
        return values, which[modes]

    def _decode(
        self, rows: Integers, automaton: tuple[Integers, Integers], mode: int
    ) -> tuple[Integers, Integers, int]:
        from sarcodec.native import rans

        values, modes = np.empty(rows.size, np.int32), np.empty(rows.size, np.uint16)
        at = self._state, self._place, mode
        (self._state, self._place, mode), fine = rans.decode(
            self._tables, self._words, at, rows, automaton, values, modes
        )
        if not fine:
            raise CorruptFile("an entropy-coded stream holds a value that no encoder writes; the file is damaged")
        return values, modes, mode

    def finish(self) -> None:
        if self._state != 1 or self._place != self._words.size:
            raise CorruptFile(
                f"an entropy-coded stream ends in state {self._state} with "
                f"{self._words.size - self._place} words left, expected 1 and 0; the file is damaged"
            )


class _Plain:
    """A Decoder by its twin in plain Python."""

    def __init__(self, tables: FrozenTables, data: bytes, trellis: Trellis) -> None:
        self._decoder = reference.Decoder(tables, data, trellis)

    def decode(self, rows: Integers) -> Integers:
        return np.array(self._decoder.decode(rows.tolist()), np.int32)

    def decode_dependent(self, rows: Integers) -> tuple[Integers, Integers]:
        values, which = self._decoder.decode_dependent(rows.tolist())
        return np.array(values, np.int32), np.array(which, np.int8)

    def finish(self) -> None:
        self._decoder.finish()


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

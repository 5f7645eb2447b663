"""Compressed JSON with a tolerant eye: how a description becomes few bytes, and how any bytes are read without harm.

In: a JSON object, or bytes that may be anything. Out: bytes, or the object; then typed values by the readers below,
which raise TypeError or ValueError on anything of another kind. Knows nothing of rasters.
"""

from __future__ import annotations

import json
import lzma
import zlib
from collections.abc import Callable
from typing import TypeVar

from sarcodec.errors import CorruptFile, UnsupportedScene

PACKED_LIMIT_BYTES = 64 << 20
"""Most bytes that a description may have before compression; checked before the memory is taken."""

_Read = TypeVar("_Read")
_ZLIB, _LZMA = b"\x01", b"\x02"
LZMA_FILTERS = [{"id": lzma.FILTER_LZMA1, "preset": 9, "dict_size": 1 << 20, "lc": 3, "lp": 0, "pb": 0}]


def deflate_json(fields: dict[str, object]) -> bytes:
    """First byte: 1 for zlib, 2 for raw LZMA, whichever is smaller.

    Raises UnsupportedScene above PACKED_LIMIT_BYTES.
    """
    text = json.dumps(fields, separators=(",", ":"), sort_keys=True).encode("ascii")
    if len(text) > PACKED_LIMIT_BYTES:
        raise UnsupportedScene(
            f"the scene's tags and control points take {len(text)} bytes; at most {PACKED_LIMIT_BYTES} are taken: "
            "remove the largest tags from the file"
        )
    small = _ZLIB + zlib.compress(text, 9)
    smaller = _LZMA + lzma.compress(text, lzma.FORMAT_RAW, filters=LZMA_FILTERS)
    return min(small, smaller, key=len)


def inflate_json(data: bytes) -> dict[str, object]:
    """Raises CorruptFile on anything that deflate_json does not write, before more than the limit is taken."""
    try:
        fields = json.loads(_inflate(data).decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise corrupt(f"it is not JSON ({type(error).__name__})") from None
    if not isinstance(fields, dict) or not fields:
        raise corrupt("it is not a JSON object with keys")
    return fields


def corrupt(what: str) -> CorruptFile:
    return CorruptFile(f"the scene description is damaged: {what}; expected what sarcodec wrote. Copy the file again")


def _inflate(data: bytes) -> bytes:
    head, body = data[:1], data[1:]
    if head not in (_ZLIB, _LZMA):
        raise corrupt(f"its compression is number {head[0]}, and only 1 and 2 are known")
    try:
        inflater: zlib._Decompress | lzma.LZMADecompressor
        if head == _ZLIB:
            inflater = zlib.decompressobj()
        else:
            inflater = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=LZMA_FILTERS)
        text = inflater.decompress(body, PACKED_LIMIT_BYTES + 1)
    except (zlib.error, lzma.LZMAError, EOFError) as error:
        raise corrupt(f"it does not decompress ({error})") from None
    if not inflater.eof or inflater.unused_data or len(text) > PACKED_LIMIT_BYTES:
        raise corrupt(f"its end is missing, is followed by more, or comes after {PACKED_LIMIT_BYTES} bytes")
    return text


def text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError(f"found {type(raw).__name__}, expected text")
    return raw


def number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, (int, float)):
        raise TypeError(f"found {type(raw).__name__}, expected a number")
    return float(raw)


def integer(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or not -(1 << 31) <= raw < 1 << 31:
        raise TypeError(f"found {type(raw).__name__}, expected a whole number of 32 bits")
    return raw


def flag(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise TypeError(f"found {type(raw).__name__}, expected true or false")
    return raw


def items(raw: object) -> list[object]:
    if not isinstance(raw, list):
        raise TypeError(f"found {type(raw).__name__}, expected a list")
    return raw


def one_of(*words: str) -> Callable[[object], str]:
    def read(raw: object) -> str:
        if raw not in words:
            raise ValueError(f"found {raw!r:.40}, expected one of {', '.join(words)}")
        return text(raw)

    return read


def tuple_of(reader: Callable[[object], _Read]) -> Callable[[object], tuple[_Read, ...]]:
    return lambda raw: tuple(reader(item) for item in items(raw))


def none_or(reader: Callable[[object], _Read]) -> Callable[[object], _Read | None]:
    return lambda raw: None if raw is None else reader(raw)


def row_of(*readers: Callable[[object], _Read]) -> Callable[[object], tuple[_Read, ...]]:
    """A list of exactly as many items as there are readers."""
    return lambda raw: tuple(reader(item) for reader, item in zip(readers, items(raw), strict=True))

"""Range requests of HTTP (RFC 9110, 14): which bytes a header asks for. Knows no server and no files."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Unsatisfiable(ValueError):
    """The range lies outside the file: 416."""


def wanted(header: str | None, size: int) -> range | None:
    """The bytes of a file of `size` that a Range header asks for; None for all: without a header, and for what a server may ignore
    (several ranges, other units, nonsense). Raises Unsatisfiable."""
    match = _ONE.fullmatch((header or "").replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        found = range(max(0, size - int(last)), size)
    elif last and int(last) < int(first):
        return None
    else:
        found = range(int(first), min(int(last) + 1, size) if last else size)
    if not found:
        raise Unsatisfiable(f"{header} of {size} bytes")
    return found

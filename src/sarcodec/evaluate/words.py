"""Text and numbers as a page writes them: escaped, without control characters, with a true minus sign and with units."""

from __future__ import annotations

import unicodedata
from html import escape

MINUS = "\N{MINUS SIGN}"
_UNSEEN = ("Cc", "Cf", "Cs")  # control characters, marks that turn the direction of text, halves of a pair


def safe(text: str) -> str:
    """`text` for HTML, also within quotes. What cannot be seen becomes U+FFFD: names of files may hold anything."""
    seen = ("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c) in _UNSEEN else c for c in text)
    return escape("".join(seen))


def number(value: float | None, digits: int = 4) -> str:
    """With that many decimals; a dash for None."""
    return "\N{EN DASH}" if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float | None, digits: int = 4) -> str:
    """The same with + or minus before it; 0 is without a sign."""
    if value is None:
        return number(None)
    return f"{value:+.{digits}f}".replace("-", MINUS) if round(value, digits) else "0"


def short(value: float) -> str:
    """As few digits as it takes."""
    return f"{value:.3g}".replace("-", MINUS) if value else "0"


def in_db(text: str) -> str:
    """A number with its unit; a dash has none."""
    return text if text == number(None) else f"{text} dB"


def counted(many: int, what: str) -> str:
    """`3 bands`, `1 band`."""
    return f"{many:,} {what}{'s' * (many != 1)}"


def listed(words: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), *words[-1:]])

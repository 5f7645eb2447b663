"""XML as GDAL writes it: lenient reading of any bytes, and the words in it.

In: bytes of a VRT, of a .aux.xml or of the TIFF tag GDAL_METADATA. Out: elements, or what they say, as Item. Bytes that
are not UTF-8 are taken for Latin-1. Opens no files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.sax.saxutils import escape, unescape

_NOT_UTF8 = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#0*([0-8]|1[124-9]|2[0-9]|3[01]);")
_REFERENCE = re.compile("&#([0-9]+);")
_PREFIX = re.compile(r"(<[^<>\"'=\s:]+|\s[^<>\"'=\s:]+(?=:[^<>\"'=\s:]+=)):")
_BAND_WORDS = ("offset", "scale", "unittype", "description", "colorinterp")


@dataclass(frozen=True)
class Item:
    """One word of metadata: of the dataset (band 0) or of a band (from 1).

    A domain that is one text has its name as the key.
    """

    band: int
    domain: str
    key: str
    value: str


def decode(data: bytes) -> str:
    """UTF-8; any byte that is not part of it is Latin-1."""
    return data.decode("utf-8", "surrogateescape").translate(_NOT_UTF8)


def parse(data: bytes) -> ElementTree.Element | None:
    """The root, or None where no parser would read it. Control characters, which XML forbids, are left out."""
    words = _CONTROL.sub("", re.sub(r"^\s*<\?xml[^>]*\?>", "", decode(data)))
    for candidate in (words, _PREFIX.sub(r"\1_", words)):  # GDAL does not mind prefixes that nobody declared.
        with suppress(ElementTree.ParseError):
            return ElementTree.fromstring(candidate)
    return None


def tiff_items(data: bytes) -> Iterator[Item]:
    """What GDAL_METADATA says, without what is said of a band itself (its unit, its scale, ...)."""
    root = parse(data)
    for element in root.iter("Item") if root is not None else ():
        if element.get("role") not in _BAND_WORDS:
            sample = element.get("sample")
            band = int(sample) + 1 if sample is not None and sample.isdecimal() else 0
            yield Item(band, element.get("domain", ""), element.get("name", ""), _unescaped(element.text or ""))


def tiff_units(data: bytes) -> Iterator[int]:
    """Bands (from 1) whose unit GDAL_METADATA tells."""
    root = parse(data)
    for element in root.iter("Item") if root is not None else ():
        sample = element.get("sample", "")
        if element.get("role") == "unittype" and sample.isdecimal():
            yield int(sample) + 1


def pam_units(root: ElementTree.Element | None) -> Iterator[int]:
    """Bands (from 1) whose unit a .aux.xml tells."""
    for element in root.findall("PAMRasterBand") if root is not None else ():
        if element.findtext("UnitType"):
            yield int(element.get("band", "1"))


def pam_items(root: ElementTree.Element | None) -> Iterator[Item]:
    """What the elements Metadata of a VRT or .aux.xml say, those of its bands too."""
    if root is None:
        return
    yield from _metadata(root, 0)
    for element in root:
        if element.tag in ("VRTRasterBand", "PAMRasterBand"):
            yield from _metadata(element, int(element.get("band", "1")))


def _metadata(parent: ElementTree.Element, band: int) -> Iterator[Item]:
    for element in parent.findall("Metadata"):
        domain = element.get("domain", "")
        if domain.lower().startswith("json:"):
            yield Item(band, domain, domain, element.text or "")
        elif element.get("format") is not None:
            yield Item(band, domain, domain, "".join(ElementTree.tostring(child, "unicode") for child in element))
        for item in element.findall("MDI[@key]"):  # GDAL passes over the others.
            yield Item(band, domain, item.get("key", ""), item.text or "")


def _unescaped(value: str) -> str:
    plain = _REFERENCE.sub(lambda found: chr(min(int(found[1]), 0x10FFFF)), value)
    return unescape(plain, {"&quot;": '"', "&apos;": "'"})


def tiff_item(item: Item) -> str:
    """An element of GDAL_METADATA. GDAL escapes a text twice, so that it may hold any character but NUL."""
    name = "doc" if item.domain.lower().startswith("xml:") else item.key
    sample = f' sample="{item.band - 1}"' if item.band else ""
    domain = f' domain="{_attribute(item.domain)}"' if item.domain else ""
    once = escape(item.value, {'"': "&quot;"})
    once = re.sub("[\x01-\x08\x0b-\x1f]", lambda found: f"&#{ord(found[0])};", once).replace("\0", "")
    once = re.sub("^[ \t\n]", lambda found: f"&#{ord(found[0])};", once)  # Spaces before a text are passed over, too.
    once = once or "&#0;"  # An element without text is passed over; this is the end of an empty text.
    return f'  <Item name="{_attribute(name)}"{sample}{domain}>{escape(once)}</Item>\n'


def tiff_colour(band: int, name: str) -> str:
    """The element of GDAL_METADATA that tells a band's colour interpretation."""
    return f'  <Item name="COLORINTERP" sample="{band - 1}" role="colorinterp">{escape(name)}</Item>\n'


def _attribute(words: str) -> str:
    escaped = escape(words, {'"': "&quot;"}).replace("\0", "")
    return re.sub("[\x01-\x1f]", lambda found: f"&#{ord(found[0])};", escaped)

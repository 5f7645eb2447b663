"""XML of a product, read by the rules of XML: any encoding that the parser knows, any prefixes, and no words of a file's own.

In: bytes. Out: Markup: its elements as ElementTree has them, and where in the bytes their attributes and contents lie, so that what is changed is
changed there and all else stays byte for byte. Opens no files, fetches nothing, and knows no manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

import numpy as np

Edit = tuple[int, int, str]
"""What is to stand between two places in the bytes."""
_SEPARATOR = "}"
"""Between the parts of a name as expat tells it: it may not stand in the address of a namespace."""
_MOST_ELEMENTS = 1 << 18
"""Those of ESA have a few thousand."""
_TAG = re.compile(rb"<[^ \t\r\n/>]+")
_ATTRIBUTE = re.compile(rb"""[ \t\r\n]+([^ \t\r\n=]+)[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')""")
_END = re.compile(rb"[ \t\r\n]*(/?)>")


class Markup:
    """root: the first element. Names are '{namespace}name', or 'name' where they are in none.

    Raises ValueError, in words that follow a name, where the bytes are no sound XML, have more elements than any product, or a DOCTYPE: it alone
    can define entities, a few of which stand for gigabytes.
    """

    def __init__(self, data: bytes) -> None:
        found = _Reading()
        try:
            encoding = found.read(data)
        except (expat.ExpatError, LookupError, ValueError) as error:  # the second: an encoding that nobody knows
            raise ValueError(f"is no sound XML of a product ({error})") from error
        self.root: Element = found.builder.close()
        self._data, self._begins, self._ends, self._scopes = data, found.begins, found.ends, found.scopes
        self._codec, self._width, self._units = _units(data, encoding)

    def namespaces(self, element: Element) -> Mapping[str, str]:
        """What prefixes stand for within an element; '' is the namespace of names without one."""
        return self._scopes[element]

    def attribute(self, element: Element, name: str) -> tuple[int, int] | None:
        """Where the value of an attribute without a prefix lies; None where there is none."""
        return self._tag(element)[0].get(name)

    def content(self, element: Element) -> tuple[int, int] | None:
        """Where that lies which stands between the tags of an element; None for an element of one tag."""
        begin = self._tag(element)[1]
        return None if begin is None else (begin, self._ends[element])

    def edited(self, edits: Iterable[Edit]) -> bytes:
        """The bytes with other texts in places that do not overlap, in the encoding of the file. Of two in one place, the first comes first."""
        parts, at = [], 0
        for begin, end, text in sorted(edits, key=lambda edit: edit[:2]):
            parts += [self._data[at:begin], text.encode(self._codec, "xmlcharrefreplace")]
            at = end
        return b"".join([*parts, self._data[at:]])

    def _tag(self, element: Element) -> tuple[dict[str, tuple[int, int]], int | None]:
        """Values of the attributes of an opening tag, and where it ends, None if its element ends there too. The parser has found the tag sound."""
        at, found = _match(_TAG, self._units, self._begins[element] // self._width).end(), {}
        while one := _ATTRIBUTE.match(self._units, at):
            at = one.end()
            begin, end = one.span(2)
            found[one[1].decode("latin-1")] = (begin + 1) * self._width, (end - 1) * self._width
        last = _match(_END, self._units, at)
        return found, None if last[1] else last.end() * self._width


class _Reading:
    """What the parser tells, kept: the tree, and of each element the places of its tags and the namespaces in it."""

    def __init__(self) -> None:
        self.builder = TreeBuilder()
        self.begins: dict[Element, int] = {}
        self.ends: dict[Element, int] = {}
        self.scopes: dict[Element, Mapping[str, str]] = {}
        self._open: list[Element] = []
        self._new: dict[str, str] = {}
        self._encoding = "utf-8"

    def read(self, data: bytes) -> str:
        """All of it; returns the encoding that it declares."""
        self._parser = parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = _refused
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self.builder.data
        try:
            parser.Parse(data, True)
        finally:
            del self._parser, parser  # It knows this object, which knows it: nothing would be freed for a while.
        return self._encoding

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self._encoding = encoding or self._encoding

    def _namespace(self, prefix: str | None, address: str | None) -> None:
        self._new[prefix or ""] = address or ""

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self.begins) >= _MOST_ELEMENTS:
            raise ValueError(f"it has more than {_MOST_ELEMENTS} elements")
        element = self.builder.start(_name(name), {_name(key): value for key, value in attributes.items()})
        around: Mapping[str, str] = self.scopes[self._open[-1]] if self._open else {}
        self.scopes[element] = {**around, **self._new} if self._new else around
        self._new = {}
        self.begins[element] = self._parser.CurrentByteIndex
        self._open.append(element)

    def _end(self, name: str) -> None:
        self.ends[self._open.pop()] = self._parser.CurrentByteIndex
        self.builder.end(_name(name))


def _name(found: str) -> str:
    return "{" + found if _SEPARATOR in found else found


def _refused(*declared: Any) -> None:
    raise ValueError("it defines words of its own, by a DOCTYPE")


def _units(data: bytes, encoding: str) -> tuple[str, int, bytes]:
    """The codec of a text that the parser has read, how many bytes its units have, and these in a byte each: as they are up to 254, 255 for all else.

    Marks of XML are ASCII, and the parser knows no encodings but UTF-16 and those in which ASCII is itself."""
    first = data[:2]
    if first not in (b"\xff\xfe", b"\xfe\xff") and 0 not in first:
        return encoding, 1, data
    little = first == b"\xff\xfe" or first[1:] == b"\0"
    whole = np.frombuffer(data, "<u2" if little else ">u2", len(data) // 2)
    return "utf-16-le" if little else "utf-16-be", 2, np.minimum(whole, 255).astype(np.uint8).tobytes()


def _match(pattern: re.Pattern[bytes], units: bytes, at: int) -> re.Match[bytes]:
    found = pattern.match(units, at)
    if found is None:
        raise ValueError("has a tag that is not understood")  # The parser read it, so nothing is known that comes here.
    return found

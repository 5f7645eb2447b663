"""Pages and pictures read back: what they hold, and that they are whole."""

import re
import struct
import unicodedata
import zlib
from html.parser import HTMLParser

import numpy as np

VOID = {"meta", "img", "br", "line", "rect", "circle", "polyline"}


class _Reader(HTMLParser):
    """Every element is closed, and what the page asks for from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.text, self.alts = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.alts += [value for name, value in attributes if name == "alt"]
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        while self.open and self.open[-1] in ("dt", "dd", "tr", "td", "th") and self.open[-1] != tag:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text.append(text)


def read_page(text: str) -> _Reader:
    """The page, checked: balanced elements, nothing fetched."""
    reader = _Reader()
    reader.feed(text)
    assert not reader.open
    assert all(source.startswith("data:image/png;base64,") for source in reader.sources)
    assert not re.search(r"https?:|@import|url\(|<script", text)
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in set(text) - {"\n"})
    assert len(reader.alts) == len(reader.sources) and all(reader.alts)
    return reader


def unpack(png: bytes) -> np.ndarray:
    """(rows, cols, 3) of a PNG of unfiltered RGB lines; every checksum tried."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, parts = 8, {}
    while place < len(png):
        (size,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + size]
        assert zlib.crc32(kind + data) == struct.unpack_from(">I", png, place + 8 + size)[0]
        parts[kind], place = data, place + 12 + size
    cols, rows = struct.unpack(">II", parts[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(rows, 1 + 3 * cols)
    assert not lines[:, 0].any() and b"IEND" in parts
    return lines[:, 1:].reshape(rows, cols, 3)

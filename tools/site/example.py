"""Section 20 of docs/format.md: a tiny file byte by byte.

    python tools/site/example.py            writes the table anew, after golden files were

In: tests/golden/v1-tiny.sarc; out: lines of (place, bytes in hexadecimal, meaning), each byte of the file in one of them. It knows that file's fields alone, and stops where
another one has others.
"""

from __future__ import annotations

import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE, PAGE = ROOT / "tests/golden/v1-tiny.sarc", ROOT / "docs/format.md"
BEGIN, END = "<!-- example: made by tools/site/example.py -->", "<!-- end of the example -->"
A_LINE = 16  # bytes
RECORDS = {1: "description", 2: "remarks", 4: "claims", 6: "attachments"}
SECTIONS = {
    1: "base latents",
    8: "latents",
    10: "mask",
    12: "exact pixels",
    13: "targets",
    64: "power",
    65: "power of the reduced picture",
    66: "reduced mask",
}

CONTENTS = {
    13: "numbers of block bumps and placed bumps, then their stream (19.1)",
    64: "twelve folded varints (15.2)",
    65: "five folded varints, and spots (17.3)",
}


class Walk:
    """Bytes in their order, each told of once."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place, self.rows = data, 0, [("Place", "Bytes", "Meaning"), ("---", "---", "---")]

    def take(self, size: int, meaning: str) -> bytes:
        """So many bytes; `{}` in the meaning stands for their number, little-endian."""
        found = self.data[self.place : self.place + size]
        assert len(found) == size, "the file ends too soon"
        said = meaning.format(int.from_bytes(found, "little"))
        for at in range(0, size, A_LINE):
            text = found[at : at + A_LINE].hex(" ")
            self.rows.append((str(self.place + at), f"`{text}`", said if at == 0 else "..."))
        self.place += size
        return found

    def number(self, size: int, meaning: str) -> int:
        return int.from_bytes(self.take(size, meaning), "little")

    def varint(self, meaning: str) -> int:
        """`{}` stands for its value."""
        end = self.place
        while self.data[end] > 127:
            end += 1
        value = sum((byte & 127) << 7 * n for n, byte in enumerate(self.data[self.place : end + 1]))
        self.take(end + 1 - self.place, meaning.replace("{}", str(value)))
        return value


def rows_of(data: bytes) -> list[tuple[str, str, str]]:
    """Every byte of the file, explained."""
    walk = Walk(data)
    walk.take(4, "magic: 0x89 'S' 'A' 'R' (2)")
    assert walk.number(1, "version {}") == 1
    body = walk.varint("length of the body: {}") + walk.place
    planes = _fields(walk)
    assert planes == 1
    lengths = _directory(walk)
    assert walk.place == body
    walk.take(4, f"CRC-32 of all bytes before it: {zlib.crc32(data[:body]):#010x} (2)")
    _block(walk, lengths[0])
    for name, size in zip(("base payload", "other payload"), lengths[1:3], strict=True):
        _payload(walk, name, size)
    for number in range(lengths[4]):
        walk.take(lengths[5][number], f"attachment {number + 1}, packed (3.4)")
    assert walk.place == len(data)
    return walk.rows


def _fields(walk: Walk) -> int:
    """3; gives the number of planes."""
    assert walk.number(1, "dtype {}: uint16 (3)") == 1
    walk.varint("rows: {}")
    walk.varint("columns: {}")
    bands, masks = walk.varint("bands: {}"), walk.varint("masks: {}")
    walk.take(1, "tile: log2 of its side is {}")
    assert walk.number(1, "band 1: kind learned, domain amplitude, nothing follows (3.1)") == 0
    walk.take(2, "band 1: level {} / 64 dB")
    walk.take(walk.number(1, "length of the model id: {}"), "model id, ASCII")
    walk.take(8, "first 8 bytes of the model's SHA-256")
    walk.varint("base step: {} (8)")
    walk.attached = []
    for _ in range(walk.varint("records: {}")):
        tag = walk.number(1, "record {}")
        name, size = RECORDS[tag], walk.varint("its length: {}")
        if tag == 6:
            _attachments(walk)
        else:
            walk.take(size, f"{name}: {_json(tag, walk.data[walk.place : walk.place + size])}")
    return bands + masks


def _json(tag: int, data: bytes) -> str:
    """What a record of compressed text is."""
    if tag == 1:
        text = zlib.decompress(data[1:]).decode("ascii").replace("{", "{{").replace("}", "}}")
        return f"u8 1, then zlib of `{text}` (13)"
    return f"zlib of JSON, with a preset dictionary ({'3.2' if tag == 2 else '3.3, 18'})"


def _attachments(walk: Walk) -> None:
    """3.4."""
    for number in range(walk.varint("attachments: {}")):
        walk.take(walk.varint("length of the name: {}"), f"name of attachment {number + 1}, UTF-8")
        walk.take(1, "packing {} (0: none)")
        walk.varint("size: {}")
        walk.attached.append(walk.varint("packed size: {}"))
        walk.take(4, "CRC-32 of its bytes")


def _directory(walk: Walk) -> tuple:
    """4.1: bytes of the block, of base payloads, of others, of attachments, number and lengths of these."""
    walk.take(1, "directory: log2 of entries a block is {} (4.1)")
    names = ("block 1: its length {}", "block 1: bytes of base payloads {}", "block 1: bytes of other payloads {}")
    lengths = [walk.varint(name) for name in names]
    walk.take(4, "block 1: CRC-32")
    return *lengths, walk.varint("bytes of attachments: {}"), len(walk.attached), walk.attached


def _block(walk: Walk, size: int) -> None:
    """4.2 for one entry with both payloads."""
    end = walk.place + size
    assert walk.varint("entry of tile 0, plane 0: base length {} (4.2)") and walk.varint("payload length {}")
    walk.varint("step: fold(step index - base step) = {}")
    walk.take(4, "CRC-32 of the base payload")
    walk.take(4, "CRC-32 of the other payload")
    assert walk.place == end


def _payload(walk: Walk, name: str, size: int) -> None:
    """5."""
    end = walk.place + size
    while walk.place < end:
        byte = walk.data[walk.place]
        kind, last = byte & 127, byte > 127
        walk.take(
            1, f"{name}: section of kind {kind}, {SECTIONS[kind]}{', the last: it takes the rest' if last else ''} (5)"
        )
        length = end - walk.place if last else walk.varint("its length: {}")
        if kind in (1, 8):
            walk.take(2, "CRC-16 of the symbols (9)")
            choices = int(kind == 1)
            if choices:
                walk.take(1, "choices of the tile: no shifts, the usual trellis (9.11)")
            walk.take(length - 2 - choices, "stream (6.4)")
        elif kind == 10:
            walk.take(1, "flags {}: some pixels are valid; the values' patterns follow (7)")
            count = walk.number(1, "patterns: {}")
            walk.take(2 * count, "the pattern, in the dtype's size")
            walk.take(length - 2 - 2 * count, "body: raw deflate of the map")
        else:
            walk.take(length, CONTENTS[kind])


def table() -> str:
    """The section's lines."""
    return "\n".join("| " + " | ".join(row) + " |" for row in rows_of(FILE.read_bytes()))


def main() -> None:
    """Write them."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.split(END)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()

"""Small files of every kind of band, and what a stranger may change of them: fields, blocks, records, sections, all checksums made to hold.

In: a seed and a number; out: the kind of the fault and the changed file. For `faults.py`; needs the folder of the tests on the path.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import zlib

import numpy as np

import sarcodec
from format.taken_apart import apart, fields, sealed, together
from golden.scenes import speckle
from sarcodec.errors import InvalidArgument
from sarcodec.format import claims, remarks
from sarcodec.format.container import head_length
from sarcodec.format.deflated import deflate
from sarcodec.format.index import Block, pack_directory, unpack_directory
from sarcodec.format.sections import Section, pack_tile
from sarcodec.format.varint import Cursor, pack_wide

NUMBERS = (0, 1, 2, 3, 7, 127, 128, 255, 16383, 16384, (1 << 31) - 1, (1 << 32) - 1)


def base_files() -> dict[str, bytes]:
    """Sound files of one or two small tiles."""

    def amplitude(seed, bands, rows, cols):
        pixels = np.rint(300 * np.sqrt(speckle(seed, bands, rows, cols))).clip(1, 65535).astype(np.uint16)
        pixels[:, :4, 5:19] = 0
        return pixels

    words = {"tags": {"A": "b", "NS": {"C": "d"}}, "transform": (10, 0, 5e5, 0, -10, 56e5), "descriptions": "VV"}
    float_pixels = (0.05 * speckle(3, 1, 30, 40)).astype(np.float32)
    float_pixels[:, 3, 4:9] = np.nan
    classes = (np.arange(600)[None] // 50 + np.arange(30)[:, None] // 7).astype(np.int16)
    found = {
        "learned": sarcodec.encode(amplitude(1, 1, 30, 40), quality=40, **words),
        "leaning": sarcodec.encode(
            amplitude(2, 2, 33, 30), quality=30, attachments={"a/b.xml": b"<x>" * 50, "c": b"1"}
        ),
        "float": sarcodec.encode(float_pixels, quality=40, domain="power", mask=np.isfinite(float_pixels[0])),
        "exact": sarcodec.encode(np.stack([classes, classes * 300]), exact_bands=(1, 2)),
        "bounded": sarcodec.encode(amplitude(4, 1, 20, 30), max_error_db=1),
        "lossless": sarcodec.encode(float_pixels[:, :20, :20], lossless=True, domain="power"),
    }
    pieces = apart(found["exact"])
    pieces.block_log2 = 4
    found["blocks"] = together(pieces)
    return found


class Faults:
    """Makes one fault after the other from the same numbers."""

    KINDS = ("head", "directory", "index", "record", "sections", "contents", "inflated", "varints", "places")

    def __init__(self, seed: int):

        self.files, self.seed = base_files(), seed
        self.pieces = {name: apart(data) for name, data in self.files.items()}

    def make(self, number: int) -> tuple[str, str, bytes]:
        """Kind, name of the sound file, and the changed one."""
        self.random = np.random.default_rng((self.seed, number))
        kind = self.KINDS[number % len(self.KINDS)]
        name = list(self.files)[int(self.random.integers(len(self.files)))]
        return kind, name, getattr(self, "_" + kind)(name)

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def edited(self, data: bytes, most: int = 3) -> bytes:
        """Bytes changed, put in, taken out, cut off or repeated."""
        out = bytearray(data)
        for _ in range(int(self.random.integers(1, most + 1))):
            at = int(self.random.integers(len(out) + 1))
            way = int(self.random.integers(7))
            if way == 0 and at < len(out):
                out[at] ^= 1 << int(self.random.integers(8))
            elif way == 1 and at < len(out):
                out[at] = int(self.random.choice([0, 1, 127, 128, 255]))
            elif way == 2:
                out[at:at] = self.random.bytes(int(self.random.integers(1, 5)))
            elif way == 3:
                del out[at : at + int(self.random.integers(1, 5))]
            elif way == 4 and self.chance(0.3):
                del out[at:]
            elif way == 5:
                out[at:at] = out[max(0, at - 9) : at]
            elif at < len(out):
                out[at] = int(self.random.integers(256))
        return bytes(out)

    def varint(self) -> bytes:
        if self.chance(0.1):
            return b"\xff" * int(self.random.integers(1, 10))
        return pack_wide(int(self.random.choice(NUMBERS)) + int(self.random.integers(0, 2)))

    def with_varint(self, data: bytes) -> bytes:
        """One of the varints that may begin at a byte, replaced."""
        at = int(self.random.integers(len(data) + 1))
        end = at
        while end < len(data) and data[end] > 127:
            end += 1
        return data[:at] + self.varint() + data[end + 1 :]

    def changed(self, data: bytes) -> bytes:
        return self.with_varint(data) if self.chance(0.4) else self.edited(data)

    def _copy(self, name: str):
        pieces = self.pieces[name]
        return dataclasses.replace(pieces, payloads=list(pieces.payloads), steps=list(pieces.steps))

    def _parts(self, name: str) -> tuple[bytes, bytes, bytes]:
        """Fields, directory, and all behind the head."""
        data, packed = self.files[name], fields(self.pieces[name].header)
        size = head_length(data[:10])
        cursor = Cursor(data[5:size], "head")
        body = cursor.take(cursor.varint("length"), "body")
        assert body.startswith(packed)
        return packed, body[len(packed) :], data[size:]

    def _head(self, name: str) -> bytes:
        known_fields, directory, rest = self._parts(name)
        return sealed(self.changed(known_fields) + directory) + rest

    def _directory(self, name: str) -> bytes:
        known_fields, directory, rest = self._parts(name)
        return sealed(known_fields + self.changed(directory)) + rest

    def _index(self, name: str) -> bytes:
        """A block changed, its length and checksum in the directory made to hold."""
        known_fields, directory, rest = self._parts(name)
        known = unpack_directory(Cursor(directory, "directory"), self.pieces[name].header.entry_count)
        which, at = int(self.random.integers(len(known.blocks))), 0
        for block in known.blocks[:which]:
            at += block.length
        old = known.blocks[which]
        data = self.changed(rest[at : at + old.length])
        new = Block(len(data), zlib.crc32(data), old.base_bytes, old.rest_bytes)
        blocks = (*known.blocks[:which], new, *known.blocks[which + 1 :])
        packed = pack_directory(dataclasses.replace(known, blocks=blocks))
        return sealed(known_fields + packed) + rest[:at] + data + rest[at + old.length :]

    def _record(self, name: str) -> bytes:
        """A record's text changed and packed again, or the record itself; or more records."""
        pieces = self._copy(name)
        header = pieces.header
        which = self.random.choice(["metadata", "remarks", "claims", "more", "attached"])
        if which == "more":
            tags = sorted(self.random.choice(range(256), 3, replace=False))
            pieces.records = tuple((int(tag), self.random.bytes(int(self.random.integers(0, 9)))) for tag in tags)
            return together(pieces)
        if which == "attached":
            pieces.attached = self.edited(pieces.attached)
            fixed = tuple(
                dataclasses.replace(a, crc=zlib.crc32(pieces.attached[: a.length]), method=int(self.random.integers(3)), size=int(self.random.choice(NUMBERS)))
                for a in header.attachments[:1]
            )  # fmt: skip
            pieces.header = dataclasses.replace(header, attachments=fixed + header.attachments[1:])
            return together(pieces)
        old = getattr(header, which)
        data = self.edited(old or b"\1" + zlib.compress(b"{}"))
        if old and self.chance(0.7):
            usual = {"remarks": remarks._USUAL, "claims": claims._USUAL}.get(which)
            unpack = zlib.decompressobj(zdict=usual) if usual else zlib.decompressobj()
            pack = zlib.compressobj(9, zdict=usual) if usual else zlib.compressobj(9)
            try:
                text = self.json_edited(unpack.decompress(old if usual else old[1:]))
            except zlib.error:
                text = b"[" * 100_000
            data = (b"" if usual else b"\1") + pack.compress(text) + pack.flush()
        pieces.header = dataclasses.replace(header, **{which: data or b"\0"})
        return together(pieces)

    def json_edited(self, text: bytes) -> bytes:
        """A value of some key replaced by one of another kind, or the text edited."""
        values = ("null", "-1", "1e400", "[]", "{}", '""', "true", "[[[]]]", "9" * 400, "NaN", '"\\ud800"', "[" * 3000)
        if self.chance(0.5):
            said = json.loads(text)
            key = str(self.random.choice(list(said)))
            said[key] = "\0"
            return json.dumps(said).replace('"\\u0000"', str(self.random.choice(values))).encode("ascii")
        return self.edited(text)

    def _sections(self, name: str) -> bytes:
        """Kinds and lengths of sections changed."""
        pieces = self._copy(name)
        number = int(self.random.integers(len(pieces.payloads)))
        part = "base" if self.chance(0.4) else "rest"
        old = getattr(pieces.payloads[number], part)
        new = bytearray(old or b"\x88")
        new[0] = int(self.random.choice([*range(14), 63, 64, 65, 66, 67, 126, 127])) | int(self.random.choice([0, 128]))
        data = bytes(new) if self.chance(0.5) else self.with_varint(old)
        pieces.payloads[number] = dataclasses.replace(pieces.payloads[number], **{part: data})
        return together(pieces)

    def _contents(self, name: str) -> bytes:
        """Bytes of a section."""
        return self._with_section(name, self.edited)

    def _varints(self, name: str) -> bytes:
        """Numbers of a section: of power, first levels, patterns."""
        return self._with_section(name, self.with_varint)

    def _inflated(self, name: str) -> bytes:
        """What a section's body inflates to."""
        return self._with_section(name, self._again)

    def _again(self, data: bytes) -> bytes:
        """The longest end that inflates, changed and packed again; the flags before it are edited at times."""

        for at in range(min(len(data), 40)):
            try:
                body = zlib.decompressobj(-15).decompress(data[at:], 1 << 20)
            except zlib.error:
                continue
            if body:
                grown = body * 900 if self.chance(0.1) else self.edited(body, 6)
                return (self.edited(data[:at]) if self.chance(0.3) else data[:at]) + deflate(grown)
        return self.edited(data)

    def _with_section(self, name: str, change) -> bytes:
        pieces = self._copy(name)
        number = int(self.random.integers(len(pieces.payloads)))
        band = number % pieces.header.planes
        if band >= len(pieces.header.bands) or not (sections := pieces.sections(number)):
            return self._sections(name)
        which = int(self.random.integers(len(sections)))
        sections[which] = Section(sections[which].kind, change(sections[which].payload))
        pieces.payloads[number] = pack_tile(sections)
        return together(pieces)

    def _places(self, name: str) -> bytes:
        """Payloads that changed places, other steps, other sizes and kinds of bands in the head."""
        pieces = self._copy(name)
        if self.chance(0.4):
            self.random.shuffle(pieces.steps)
            pieces.steps[0] = int(self.random.integers(640)) if pieces.header.learned else 0
        other = self.pieces[str(self.random.choice(list(self.files)))]
        for number in range(len(pieces.payloads)):
            if self.chance(0.5):
                pieces.payloads[number] = other.payloads[int(self.random.integers(len(other.payloads)))]
        change = {"rows": int(self.random.integers(1, 512)), "cols": int(self.random.integers(1, 512))}
        if pieces.header.tile_rows * pieces.header.tile_cols > 1:
            change = {"dtype": str(self.random.choice(["uint8", "uint16", "float64", "int32"]))}
        with contextlib.suppress(InvalidArgument):
            pieces.header = dataclasses.replace(pieces.header, **(change if self.chance(0.6) else {}))
        return together(pieces)

"""Faults with a structure: files that a stranger changed, every checksum made to hold, read by all that reads.

    nice -n 10 python benchmarks/faults.py [--faults 100000] [--seed 0] [--only KIND]

Small files of every kind of band are taken apart; a field of the head or the directory, a block of the index, a record, a section, a stream, a mask, exact
pixels, levels or a power section is changed, unpacked and packed again where it is compressed; checksums of the head, the index, payloads, attachments and symbols
are made to hold. Each is described, verified, opened and decoded (the first tile alone where the head promises more than 2^24 samples), in a
child that is watched. Prints, by kind of fault: how many were tried, were refused with an error of sarcodec's, decoded; then errors of other kinds, crashes, the longest
time as a multiple of what the sound file takes for as many cells of 32 x 32 px, and the largest growth of memory within one fault. Status 1 if any
of the promises is broken: none uncaught, none slower than 10 times the whole, none that takes more memory than the head says.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]
MOST_SAMPLES = 1 << 24  # that are decoded as a whole
SLOWEST = 10.0
LONGEST_S = 60
ROOM = 96 << 20  # beside the pixels: a tile's latents, levels and texture, and what Python holds of it
BYTES_A_SAMPLE = 40  # read, masked, restored and verified, each in float64 at most, and before they are joined
NUMBERS = (0, 1, 2, 3, 7, 127, 128, 255, 16383, 16384, (1 << 31) - 1, (1 << 32) - 1)


def base_files() -> dict[str, bytes]:
    """Sound files of one or two small tiles."""
    import sarcodec
    from format.taken_apart import apart, together
    from golden.make import speckle

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
        from format.taken_apart import apart

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
        from sarcodec.format.varint import pack_wide

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
        from format.taken_apart import fields
        from sarcodec.format.container import head_length
        from sarcodec.format.varint import Cursor

        data, packed = self.files[name], fields(self.pieces[name].header)
        size = head_length(data[:10])
        cursor = Cursor(data[5:size], "head")
        body = cursor.take(cursor.varint("length"), "body")
        assert body.startswith(packed)
        return packed, body[len(packed) :], data[size:]

    def _head(self, name: str) -> bytes:
        from format.taken_apart import sealed

        fields, directory, rest = self._parts(name)
        return sealed(self.changed(fields) + directory) + rest

    def _directory(self, name: str) -> bytes:
        from format.taken_apart import sealed

        fields, directory, rest = self._parts(name)
        return sealed(fields + self.changed(directory)) + rest

    def _index(self, name: str) -> bytes:
        """A block changed, its length and checksum in the directory made to hold."""
        from format.taken_apart import sealed
        from sarcodec.format.index import Block, pack_directory, unpack_directory
        from sarcodec.format.varint import Cursor

        fields, directory, rest = self._parts(name)
        known = unpack_directory(Cursor(directory, "directory"), self.pieces[name].header.entry_count)
        which, at = int(self.random.integers(len(known.blocks))), 0
        for block in known.blocks[:which]:
            at += block.length
        old = known.blocks[which]
        data = self.changed(rest[at : at + old.length])
        new = Block(len(data), zlib.crc32(data), old.base_bytes, old.rest_bytes)
        blocks = (*known.blocks[:which], new, *known.blocks[which + 1 :])
        packed = pack_directory(dataclasses.replace(known, blocks=blocks))
        return sealed(fields + packed) + rest[:at] + data + rest[at + old.length :]

    def _record(self, name: str) -> bytes:
        """A record's text changed and packed again, or the record itself; or more records."""
        from format.taken_apart import together
        from sarcodec.format import claims, remarks

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
        from format.taken_apart import together

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
        from sarcodec.format.deflated import deflate

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
        from format.taken_apart import together
        from sarcodec.format.sections import Section, pack_tile

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
        from format.taken_apart import together
        from sarcodec.errors import InvalidArgument

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


def promised(data: bytes) -> tuple[int, int]:
    """Samples and cells of 32 x 32 that a file's head promises, of all its planes; 0 where it has no head."""
    from sarcodec.errors import SarcodecError
    from sarcodec.format.reader import FileReader

    try:
        with FileReader(data) as file:
            head = file.header
            return head.rows * head.cols * head.planes, -(-head.rows // 32) * -(-head.cols // 32) * head.planes
    except SarcodecError:
        return 0, 0


_FOUND = re.compile(r"checksum (0x[0-9a-f]{4}), expected (0x[0-9a-f]{4})")


def read_all(data: bytes) -> None:
    """Everything that reads. Raises SarcodecError's kin."""
    import sarcodec

    samples, _ = promised(data)
    sarcodec.info(data)
    with sarcodec.open(data, threads=1, memory=256 << 20) as scene:
        window = ((0, min(scene.height, 512)), (0, min(scene.width, 512)))
        _ = scene.claims, repr(scene), scene.tags(), scene.gcps if not scene._info.gcp_crs_wkt else None
        bands = [1] if samples > MOST_SAMPLES else None
        scene.read(bands, window=window if samples > MOST_SAMPLES else None)
        scene.read_masks(bands, window=window)
        for name in scene.attachments:
            scene.attachment(name)
        if scene._file.header.learned:
            with sarcodec.open(data, threads=1, memory=256 << 20, speckle="restore") as restored:
                restored.read([1], window=window)
    if samples <= MOST_SAMPLES:
        sarcodec.verify(data, threads=1, memory=256 << 20)


def with_symbols_that_hold(data: bytes, error: Exception) -> bytes | None:
    """The file with the checksum of symbols, or of samples, that its own reader found; None where that was not the error."""
    from format.taken_apart import apart, together
    from sarcodec.errors import SarcodecError

    found = _FOUND.search(str(error))
    if not found:
        return None
    wrong, right = (int(text, 16).to_bytes(2, "little") for text in (found[2], found[1]))
    try:
        pieces = apart(data)
    except SarcodecError:
        return None
    for number, payload in enumerate(pieces.payloads):
        for part in ("base", "rest"):
            at = getattr(payload, part)
            if wrong in at:
                pieces.payloads[number] = dataclasses.replace(payload, **{part: at.replace(wrong, right, 1)})
                return together(pieces)
    return None


def outcome(data: bytes) -> str:
    """'decoded', 'refused', or the words of an error that is not sarcodec's."""
    from sarcodec.errors import SarcodecError

    try:
        for _ in range(8):
            try:
                read_all(data)
                return "decoded"
            except SarcodecError as error:
                data = with_symbols_that_hold(data, error)
                if data is None:
                    return "refused"
        return "refused"
    except Exception:  # what is looked for
        return "".join(traceback.format_exc().splitlines(True)[-6:])


def memory(name: str) -> int:
    """Bytes of this process: VmRSS (now) or VmHWM (the most since `forget_peak`). Linux alone."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found, "the system does not tell how much memory a process has"
    return int(found[1]) << 10


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def child(first: int, last: int, seed: int, only: str, report: Path) -> None:
    """Faults first to last - 1, a line each in the report."""
    faults = Faults(seed)
    sound = {}
    for name, data in faults.files.items():
        seconds = []
        for _ in range(3):
            began = time.process_time()
            read_all(data)
            seconds.append(time.process_time() - began)
        sound[name] = min(seconds[1:])
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("no end")))
    with open(report, "a", buffering=1) as lines:
        for number in range(first, last):
            kind, name, data = faults.make(number)
            if only and kind != only:
                continue
            lines.write(json.dumps({"begun": number, "kind": kind, "file": name}) + "\n")
            (samples, cells), before = promised(data), memory("VmRSS")
            forget_peak()
            signal.alarm(LONGEST_S)
            began = time.process_time()
            said = outcome(data)
            seconds = time.process_time() - began
            signal.alarm(0)
            whole = sound[name] * max(1.0, cells / promised(faults.files[name])[1])
            grown = memory("VmHWM") - before
            over = max(0, grown - ROOM - BYTES_A_SAMPLE * min(samples, MOST_SAMPLES))
            line = {
                "done": number,
                "kind": kind,
                "file": name,
                "said": said,
                "times": seconds / whole,
                "grown": grown,
                "over": over,
            }
            lines.write(json.dumps(line) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=("", *Faults.KINDS))
    parser.add_argument("--child", nargs=2, metavar=("FIRST", "REPORT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(int(arguments.child[0]), arguments.faults, arguments.seed, arguments.only, Path(arguments.child[1]))
        return 0
    began, crashes, first = time.perf_counter(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "lines"
        report.touch()
        while first < arguments.faults:
            words = ["--faults", arguments.faults, "--seed", arguments.seed, "--only", arguments.only]
            done = subprocess.run([sys.executable, __file__, *map(str, words), "--child", str(first), str(report)])
            lines = [json.loads(line) for line in report.read_text().splitlines()]
            if done.returncode == 0:
                break
            if not lines or "begun" not in lines[-1]:
                sys.exit("the child ended before its first fault")
            crashes.append((lines[-1], done.returncode))
            first = lines[-1]["begun"] + 1
    return told([line for line in lines if "done" in line], crashes, time.perf_counter() - began)


def told(lines: list[dict], crashes: list, seconds: float) -> int:
    """Print; 1 where a promise is broken."""
    print("| fault | tried | refused | decoded | slowest, times the whole | most memory |")
    print("|---|---|---|---|---|---|")
    for kind in (*Faults.KINDS, "all"):
        some = [line for line in lines if kind in (line["kind"], "all")]
        counts = collections.Counter(line["said"] for line in some)
        slowest, grown = (max((line[key] for line in some), default=0) for key in ("times", "grown"))
        print(
            f"| {kind} | {len(some):,} | {counts['refused']:,} | {counts['decoded']:,} | {slowest:.1f} | {grown >> 20} MiB |"
        )
    wrong = [line for line in lines if line["said"] not in ("refused", "decoded")]
    slow = [line for line in lines if line["times"] > SLOWEST]
    large = [line for line in lines if line["over"]]
    print(f"\n{len(wrong)} uncaught, {len(slow)} slower than {SLOWEST:g} times the whole, {len(large)} beyond the memory promised, "
          f"{len(crashes)} crashes, in {seconds:.0f} s")  # fmt: skip
    for line in [*wrong[:8], *slow[:8], *large[:8], *crashes[:8]]:
        print(line, file=sys.stderr)
    return int(bool(wrong or slow or large or crashes))


if __name__ == "__main__":
    sys.exit(main())

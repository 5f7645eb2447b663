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
import dataclasses
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from fault_cases import Faults  # noqa: E402  # after the folder of the tests is on the path

MOST_SAMPLES = 1 << 24  # that are decoded as a whole
SLOWEST = 10.0
LONGEST_S = 60
ROOM = 96 << 20  # beside the pixels: a tile's latents, levels and texture, and what Python holds of it
BYTES_A_SAMPLE = 40  # read, masked, restored and verified, each in float64 at most, and before they are joined


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

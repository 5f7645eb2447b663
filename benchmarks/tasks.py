"""Water, ships and change: what comes out of the original, and of what four codecs give back at equal bytes.

    python benchmarks/tasks.py [--data FOLDER] [--rates 0.1,0.3,1] [--jobs N] [--out FILE.json]

sarcodec writes each one-band uint16 GeoTIFF at the rate in one process and reads it back in another; every other codec
gets its finest setting whose file takes at most 1 % more bytes than sarcodec's. Rates are of files on disk. Needs the
extra `bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from peer_file import level_db, restore
from processes import measure
from rasterio.errors import NotGeoreferencedWarning
from rd_val import ROOT, read_band, write_plain
from task_cases import Case, change_cases, ship_cases, water_cases

from sarcodec_lab.figures.bootstrap import Comparison, compare
from sarcodec_lab.figures.peers import AVIF, JPEG_2000, JPEG_XL, Peer

SPANS = {"j2k": (5.0, 90.0, 0.05), "jxl": (-25.0, -0.02, 0.02), "avif": (0.0, 80.0, 1.0)}
"""Coarsest and finest setting (JPEG XL's distance with its sign turned), and how closely they are searched."""

PEERS = {peer.name: peer for peer in (JPEG_2000, JPEG_XL, AVIF)}
CODECS = ("sarcodec", *PEERS)
Returned = tuple[float, np.ndarray]
SLACK = 1.01


@dataclass(frozen=True)
class Row:
    """One task at one rate: bits a pixel and figure of every codec, the original's figure, and sarcodec beside each
    peer."""

    task: str
    figure: str
    rate: float
    units: int
    bits_per_pixel: dict[str, float]
    found: dict[str, float]
    against: dict[str, Comparison]


class PeerFile:
    """One codec on one image: streams by setting are kept, since the rates search the same settings."""

    def __init__(self, peer: Peer, level: np.ndarray) -> None:
        self._peer, self._level, self._streams = peer, level, {}

    def fit(self, limit: float) -> bytes:
        """The finest stream of at most `limit` bytes, or the coarsest there is."""
        coarse, fine, least = SPANS[self._peer.name]
        steps = round((fine - coarse) / least)
        low, high = 0, steps + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if len(self._stream(coarse + middle * least)) <= limit else (low, middle)
        return self._stream(coarse + low * least)

    def _stream(self, setting: float) -> bytes:
        setting = round(setting, 6)
        if setting not in self._streams:
            self._streams[setting] = self._peer.encode(self._level, abs(setting), 1)
        return self._streams[setting]

    def decode(self, path: Path) -> np.ndarray:
        return self._peer.decode(path.read_bytes(), 1)


def give_back(
    images: tuple[np.ndarray, ...], rates: list[float], others: tuple[str, ...] = tuple(PEERS)
) -> list[dict[tuple[str, float], Returned]]:
    """For every image of DN: (codec, rate) -> bits a pixel of the file, and the level in dB of the DN that it decodes
    to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _sarcodec_files(folder, images, rates)
        found = []
        for number, dn in enumerate(images):
            level = level_db(dn)
            peers = {name: PeerFile(PEERS[name], level) for name in others}
            returned = {}
            for rate in rates:
                packed = folder / f"{number}-{rate}.sarc"
                size = packed.stat().st_size
                returned["sarcodec", rate] = 8 * size / dn.size, level_db(read_band(packed.with_suffix(".tif"), 1))
                for codec, peer in peers.items():
                    path = packed.with_suffix(f".{codec}")
                    path.write_bytes(peer.fit(SLACK * size))
                    returned[codec, rate] = 8 * path.stat().st_size / dn.size, level_db(restore(peer.decode(path)))
            found.append(returned)
    return found


def _sarcodec_files(folder: Path, images: tuple[np.ndarray, ...], rates: list[float]) -> None:
    """N-RATE.sarc of every image by one process, N-RATE.tif of every one of those by another."""
    forth, back = [], []
    for number, dn in enumerate(images):
        write_plain(folder / f"{number}.tif", dn)
        for rate in rates:
            packed = folder / f"{number}-{rate}.sarc"
            forth += [folder / f"{number}.tif", packed, rate]
            back += [packed, packed.with_suffix(".tif")]
    program = [sys.executable, str(Path(__file__).with_name("sarcodec_files.py"))]
    measure([*program, "compress", *map(str, forth)])
    measure([*program, "decompress", *map(str, back)])


@dataclass(frozen=True, eq=False)
class Judged:
    """A case: sums of every unit (units, k) by (codec, rate) and of the original, and bits a pixel of its images."""

    case: Case
    original: dict[str, np.ndarray]
    units: dict[tuple[str, float], dict[str, np.ndarray]]
    bits: dict[tuple[str, float], list[float]]


def judge(case: Case, rates: list[float]) -> Judged:
    """Compress and decode all images of a case, then do its task on them."""
    returned = give_back(case.images, rates)
    keys = [(codec, rate) for codec in CODECS for rate in rates]
    units = {key: case.measure([images[key][1] for images in returned]) for key in keys}
    original = case.measure([level_db(dn) for dn in case.images])
    print(f"{case.task}: {case.name}", file=sys.stderr, flush=True)
    return Judged(case, original, units, {key: [images[key][0] for images in returned] for key in keys})


def rows_of(judged: list[Judged], rates: list[float]) -> list[Row]:
    """Units of all cases of a task pooled, for every figure and rate."""
    rows = []
    for task in dict.fromkeys(one.case.task for one in judged):
        cases = [one for one in judged if one.case.task == task]
        for figure in cases[0].case.figures:
            for rate in rates:
                pooled = {c: np.concatenate([one.units[c, rate][figure.name] for one in cases]) for c in CODECS}
                original = np.concatenate([one.original[figure.name] for one in cases])
                value = lambda units: float(figure.of(units.sum(axis=0)))
                found = {"original": value(original)} | {c: value(units) for c, units in pooled.items()}
                against = {c: compare(pooled["sarcodec"], pooled[c], figure) for c in PEERS}
                bits = {c: float(np.mean([b for one in cases for b in one.bits[c, rate]])) for c in CODECS}
                rows.append(Row(task, figure.name, rate, len(original), bits, found, against))
    return rows


def as_markdown(rows: list[Row]) -> str:
    """A table of figures with bits a pixel, and one of differences with their intervals."""
    head = ["task", "figure", "bit/pixel", "original", *CODECS]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [f"{row.found[c]:.4g} ({row.bits_per_pixel[c]:.3f})" for c in CODECS]
        lines.append(
            f"| {row.task} | {row.figure} | {row.rate:g} | {row.found['original']:.4g} | " + " | ".join(cells) + " |"
        )
    head = ["task", "figure", "bit/pixel", "units", *PEERS]
    lines += ["", "| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in rows:
        cells = [f"{a.difference:+.4g} [{a.low:+.4g}, {a.high:+.4g}] {a.verdict}" for a in row.against.values()]
        lines.append(f"| {row.task} | {row.figure} | {row.rate:g} | {row.units} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print the tables, write the JSON; 1 if sarcodec is worse than a peer somewhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument(
        "--data", type=Path, default=data, help="holds val/iw, val/ew, {val,train}/chips (SARCODEC_DATA)"
    )
    parser.add_argument("--rates", type=lambda text: [float(rate) for rate in text.split(",")], default=[0.1, 0.3, 1.0])
    parser.add_argument("--only", default="", help="cases whose task or name contains this")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    cases = [c for make in (water_cases, ship_cases, change_cases) for c in make(arguments.data)]
    cases = [case for case in cases if arguments.only in f"{case.task} {case.name}"]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        judged = list(pool.map(lambda case: judge(case, arguments.rates), cases))
    rows = rows_of(judged, arguments.rates)
    print(as_markdown(rows))
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    return int(any(one.verdict == "worse" for row in rows for one in row.against.values()))


if __name__ == "__main__":
    sys.exit(main())

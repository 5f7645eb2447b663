"""Measures sarcodec on the validation images: bytes on disk, errors of what is read back, BD-rate against others.

    python benchmarks/rd_val.py [--data FOLDER] [--qualities 20,30,40] [--model ID] [--out FILE.json]

Every band of every image in FOLDER/val/{iw,slc,ew} is written as a plain uint16 GeoTIFF, compressed and decompressed
by fresh processes at each quality. Error: that of L = 20 log10(max(DN, 1)) over all pixels; bit/pixel: the whole file.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from processes import compress_command, decompress_command, measure
from rasterio.errors import NotGeoreferencedWarning

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures.curves import WINDOW_DB, PeerCurves, RateDistortion, bd_rate, load_peers
from sarcodec_lab.figures.peers import JPEG_2000, JPEG_XL

FAMILIES = ("iw", "slc", "ew")
HERE = {  # settings of the peers that --peers-here measures in the same run, from coarse to fine
    JPEG_2000: (28, 30, 32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52),
    JPEG_XL: (12, 7, 4, 2.5, 1.5, 1, 0.6, 0.3),
}
PEERS = ("j2k", "jxl", "avif", "vvc")
# The step doubles every 10: from 16 dB to 1 dB, which is an RMSE from about 2 dB to 0.3 dB.
DEFAULT_QUALITIES = "20,25,30,35,40,45,50,55,60"
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Band:
    """One band of one image; `name` is the key in the curves of the peers, such as `iw_berlin_b1.npy`."""

    name: str
    family: str
    path: Path
    number: int


@dataclass(frozen=True)
class Point:
    """One quality of one band: the file on disk, and the pixels that came back out of it."""

    quality: float
    file_bytes: int
    bits_per_pixel: float
    mse_db2: float
    rmse_db: float
    max_abs_error_db: float
    compress_seconds: float
    decompress_seconds: float


@dataclass(frozen=True)
class Result:
    """All points of a band; BD-rate in percent for each peer that was measured on it, or the reason for none."""

    name: str
    family: str
    pixels: int
    points: tuple[Point, ...]
    bd_rate_percent: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Codec:
    """How the codec is run: the model (None: its default), and whether in this process (quick, not for figures).

    reconstruct: log, the least squared error, unless it is asked what power costs.
    """

    model: str | None
    in_process: bool
    peers_here: bool = False
    reconstruct: str = "log"
    effort: int | None = None

    def round_trip(self, scene: Path, packed: Path, decoded: Path, quality: float) -> tuple[float, float]:
        """Write `packed` and `decoded`; return the seconds of both ways."""
        if not self.in_process:
            forth = measure(compress_command(scene, packed, quality, self.model, self.effort)).seconds
            return forth, measure(decompress_command(packed, decoded, "--reconstruct", self.reconstruct)).seconds
        import sarcodec

        options = {"model": self.model, "effort": self.effort}
        options = {name: value for name, value in options.items() if value is not None}
        start = time.perf_counter()
        sarcodec.compress(scene, packed, quality=quality, **options)
        middle = time.perf_counter()
        sarcodec.decompress(packed, decoded, reconstruct=self.reconstruct)
        return middle - start, time.perf_counter() - middle


def find_bands(data: Path) -> list[Band]:
    """Every band of every GeoTIFF in data/val/{iw,slc,ew}, in order of family and name."""
    bands = []
    for family in FAMILIES:
        for path in sorted((data / "val" / family).glob("*.tif")):
            with rasterio.open(path) as source:
                count = source.count
            bands += [Band(f"{family}_{path.stem}_b{k}.npy", family, path, k) for k in range(1, count + 1)]
    return bands


def level_db(dn: np.ndarray) -> np.ndarray:
    """L = 20 log10(max(DN, 1)) of uint16 amplitudes, float64."""
    return 20 * np.log10(np.maximum(dn, 1).astype(np.float64))


def read_band(path: Path, number: int) -> np.ndarray:
    """One band, (rows, cols)."""
    with rasterio.open(path) as source:
        return source.read(number)


def write_plain(path: Path, dn: np.ndarray) -> None:
    """A single-band uint16 GeoTIFF without nodata, georeferencing or tags: what the peers saw."""
    rows, cols = dn.shape
    with rasterio.open(path, "w", driver="GTiff", width=cols, height=rows, count=1, dtype="uint16") as target:
        target.write(dn, 1)


def measure_point(codec: Codec, scene: Path, dn: np.ndarray, quality: float, folder: Path) -> Point:
    """Compress and decompress `scene` (whose pixels are `dn`) at one quality."""
    packed, decoded = folder / f"q{quality:g}.sarc", folder / f"q{quality:g}.tif"
    forth, back = codec.round_trip(scene, packed, decoded, quality)
    returned = read_band(decoded, 1)
    if returned.shape != dn.shape or returned.dtype != dn.dtype:
        raise RuntimeError(f"{returned.dtype} {returned.shape} came back, {dn.dtype} {dn.shape} went in")
    error = level_db(returned) - level_db(dn)
    mse = float(np.mean(error**2))
    size = packed.stat().st_size
    return Point(quality, size, 8 * size / dn.size, mse, float(np.sqrt(mse)), float(np.abs(error).max()), forth, back)


def measure_band(band: Band, codec: Codec, qualities: Sequence[float], peers: PeerCurves) -> Result:
    """All points of a band, and its BD-rate against every peer."""
    dn = read_band(band.path, band.number)
    if dn.dtype != np.uint16:
        raise RuntimeError(f"{band.path} holds {dn.dtype}, the peers saw uint16")
    with tempfile.TemporaryDirectory() as name:
        scene = Path(name) / "scene.tif"
        write_plain(scene, dn)
        points = tuple(measure_point(codec, scene, dn, quality, Path(name)) for quality in qualities)
    if codec.peers_here:
        peers = with_peers_here(peers, band.name, dn)
    print(f"{band.name}: {points[0].rmse_db:.2f} to {points[-1].rmse_db:.2f} dB RMSE", file=sys.stderr, flush=True)
    return compare(Result(band.name, band.family, dn.size, points), peers)


def with_peers_here(peers: PeerCurves, name: str, dn: np.ndarray) -> PeerCurves:
    """The curves with those of JPEG 2000 and JPEG XL on this band measured now: streams alone, 20 log10(max(DN, 1)) as they saw it."""
    level, found = level_db(dn).astype(np.float32), {}
    for peer, settings in HERE.items():
        streams = [peer.encode(level, setting, 1) for setting in settings]
        errors = [float(np.mean((peer.decode(data, 1).astype(np.float64) - level) ** 2)) for data in streams]
        found[name, peer.name] = tuple(RateDistortion(8 * len(d) / dn.size, e) for d, e in zip(streams, errors))
    return PeerCurves({**peers.points, **found})


def compare(result: Result, peers: PeerCurves) -> Result:
    """`result` with its BD-rates filled in."""
    curve = [RateDistortion(point.bits_per_pixel, point.mse_db2) for point in result.points if point.mse_db2 > 0]
    rates, missing = {}, {}
    for codec in PEERS:
        anchor = peers.find(result.name, codec)
        if anchor is None:
            continue
        try:
            rates[codec] = bd_rate(anchor, curve)
        except InvalidArgument as error:
            missing[codec] = str(error)
    return Result(result.name, result.family, result.pixels, result.points, rates, missing)


def mean_rates(results: Sequence[Result], peers: PeerCurves) -> dict[str, float | None]:
    """Mean BD-rate over the iw bands for which there are peers; None for a peer that one of them has no figure for."""
    means: dict[str, float | None] = {}
    for codec in PEERS:
        rates = [r.bd_rate_percent.get(codec) for r in results if r.family == "iw" and peers.find(r.name, codec)]
        means[codec] = float(np.mean(rates)) if rates and None not in rates else None
    return means


def as_markdown(results: Sequence[Result], peers: PeerCurves) -> str:
    """BD-rate per band and their mean, then bit/pixel at RMSE for each quality, for every band."""
    measured = sum(1 for r in results if r.family == "iw" and peers.find(r.name, PEERS[0]))
    lines = [f"BD-rate, RMSE {WINDOW_DB[0]} to {WINDOW_DB[1]} dB, against", ""]
    lines += ["| band | " + " | ".join(PEERS) + " |", "|---" * (len(PEERS) + 1) + "|"]
    for result in results:
        if result.bd_rate_percent or result.missing:
            cells = [_percent(result.bd_rate_percent.get(codec)) for codec in PEERS]
            lines.append(f"| {result.name.removesuffix('.npy')} | " + " | ".join(cells) + " |")
    means = [_percent(value) for value in mean_rates(results, peers).values()]
    lines.append(f"| **mean of {measured} iw bands** | " + " | ".join(means) + " |")
    qualities = [f"Q {point.quality:g}" for point in results[0].points]
    lines += ["", "bit/pixel at RMSE in dB", ""]
    lines += ["| band | " + " | ".join(qualities) + " |", "|---" * (len(qualities) + 1) + "|"]
    for result in results:
        cells = [f"{point.bits_per_pixel:.3f} at {point.rmse_db:.2f}" for point in result.points]
        lines.append(f"| {result.name.removesuffix('.npy')} | " + " | ".join(cells) + " |")
    reasons = {f"{r.name} against {codec}: {why}" for r in results for codec, why in r.missing.items()}
    return "\n".join(lines + ([""] + sorted(reasons) if reasons else []))


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f} %"


def write_json(path: Path, arguments: argparse.Namespace, results: Sequence[Result], peers: PeerCurves) -> None:
    """Everything that was measured, beside the settings it was measured with."""
    document = {
        "qualities": arguments.qualities,
        "model": arguments.model,
        "effort": arguments.effort,
        "reconstruct": arguments.reconstruct,
        "fresh_processes": not arguments.in_process,
        "window_rmse_db": WINDOW_DB,
        "mean_iw_bd_rate_percent": mean_rates(results, peers),
        "bands": [asdict(result) for result in results],
    }
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def parse_arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; `peers` is data/../peers/val.json unless given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val/iw, val/slc, val/ew (SARCODEC_DATA)")
    parser.add_argument("--peers", type=Path, help="curves of other codecs (default: DATA/../peers/val.json)")
    parser.add_argument("--qualities", type=_qualities, default=_qualities(DEFAULT_QUALITIES), metavar="Q,Q,...")
    parser.add_argument("--reconstruct", choices=("log", "power"), default="log", help="passed through to decompress")
    parser.add_argument("--model", help="passed through to compress")
    parser.add_argument("--effort", type=int, help="passed through to compress")
    parser.add_argument("--only", default="", metavar="TEXT", help="only bands whose name contains this")
    parser.add_argument("--jobs", type=int, default=1, help="bands measured at once; times are only good with 1")
    parser.add_argument("--in-process", action="store_true", help="no fresh processes: quick, not for figures")
    parser.add_argument(
        "--peers-here", action="store_true", help="measure JPEG 2000 and JPEG XL in this run (extra bench)"
    )
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args(words)
    arguments.peers = arguments.peers or arguments.data.parent / "peers" / "val.json"
    return arguments


def _qualities(text: str) -> list[float]:
    return sorted(float(word) for word in text.split(","))


def main() -> int:
    """Measure, print the tables, write the JSON. Status 1 if an iw band lacks a BD-rate."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    bands = [band for band in find_bands(arguments.data) if arguments.only in band.name]
    if not bands:
        sys.exit(f"found no band in {arguments.data}/val/{{iw,slc,ew}}; give --data or SARCODEC_DATA")
    peers = load_peers(arguments.peers)
    codec = Codec(arguments.model, arguments.in_process, arguments.peers_here, arguments.reconstruct, arguments.effort)
    jobs = 1 if arguments.in_process else arguments.jobs
    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda band: measure_band(band, codec, arguments.qualities, peers), bands))
    print(as_markdown(results, peers))
    if arguments.out:
        write_json(arguments.out, arguments, results, peers)
    return int(any(result.missing for result in results if result.family == "iw"))


if __name__ == "__main__":
    sys.exit(main())

"""Measures speed and peak memory of sarcodec beside JPEG 2000 and JPEG XL: same pixels, error, cores, and run.

    python benchmarks/speed.py [--size 4096 | --scene IN.tif] [--quality 45] [--efforts 1,0] [--threads 2] [--out FILE.json]

Everything is timed from GeoTIFF to file and back: in fresh processes (with their start), and again warm in this one.
The peers are set to the RMSE that sarcodec gave at the first effort (`--reconstruct log`). All run on the same cores, `--threads` of them. Mpx counts every band.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from peer_file import PEERS, decode_file, encode_file, level_db
from processes import (
    Run,
    compress_command,
    decompress_command,
    measure,
    peer_command,
    simulate_command,
)
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from sarcodec_lab.figures.peers import Peer

STRIP_ROWS = 512
CROP_PX = 1024
SPANS = {"j2k": (70.0, 20.0), "jxl": (0.05, 25.0)}  # finest and coarsest setting that the search looks between
SEARCH_STEPS = 9


@dataclass(frozen=True)
class Speed:
    """One codec on the scene. Speeds in Mpx/s of all bands; memory of the fresh processes in MiB."""

    codec: str
    setting: float
    bits_per_pixel: float
    rmse_db: float
    fresh_in: float
    fresh_out: float
    warm_in: float
    warm_out: float
    peak_in_mib: float
    peak_out_mib: float


@dataclass(frozen=True)
class Way:
    """How one codec goes there and back: command lines for fresh processes, functions for this one."""

    codec: str
    setting: float
    forth_command: list[str]
    back_command: list[str]
    forth: Callable[[], object]
    back: Callable[[], object]
    packed: Path
    decoded: Path


def sarcodec_way(scene: Path, folder: Path, quality: float, model: str | None, effort: int) -> Way:
    """The codec itself, through its command line and its two public verbs."""
    packed, decoded = folder / "scene.sarc", folder / "sarcodec.tif"
    options = {"model": model} if model else {}

    def forth() -> None:
        import sarcodec

        packed.unlink(missing_ok=True)
        sarcodec.compress(scene, packed, quality=quality, effort=effort, **options)

    def back() -> None:
        import sarcodec

        decoded.unlink(missing_ok=True)
        sarcodec.decompress(packed, decoded, reconstruct="log")

    forth_command = compress_command(scene, packed, quality, model) + ["--effort", str(effort)]
    back_command = decompress_command(packed, decoded, "--reconstruct", "log") + ["--overwrite"]
    return Way(f"sarcodec, effort {effort}", quality, forth_command, back_command, forth, back, packed, decoded)


def peer_way(name: str, scene: Path, folder: Path, setting: float, threads: int) -> Way:
    """Another codec through `peer_file.py`, as a process and as functions."""
    packed, decoded = folder / f"scene.{name}", folder / f"{name}.tif"
    count = ["--threads", str(threads)]
    return Way(
        name,
        setting,
        peer_command("encode", scene, packed, name, ["--setting", f"{setting:g}", *count]),
        peer_command("decode", packed, decoded, name, count),
        lambda: encode_file(PEERS[name], scene, packed, setting, threads),
        lambda: decode_file(PEERS[name], packed, decoded, threads),
        packed,
        decoded,
    )


def measure_way(way: Way, scene: Path) -> Speed:
    """Fresh processes first, then this process: once to warm up, once for the time."""
    with rasterio.open(scene) as source:
        pixels = source.width * source.height * source.count
    forth, back = measure(way.forth_command), measure(way.back_command)
    rmse, size = rmse_db(scene, way.decoded), way.packed.stat().st_size
    warm = [_second_time(step) for step in (way.forth, way.back)]
    print(f"{way.codec}: {8 * size / pixels:.3f} bit/pixel, {rmse:.3f} dB RMSE", file=sys.stderr, flush=True)
    return _as_speed(way, (forth, back), warm, pixels, (8 * size / pixels, rmse))


def _as_speed(
    way: Way, fresh: tuple[Run, Run], warm: list[float], pixels: int, rate_and_error: tuple[float, float]
) -> Speed:
    mpx = pixels / 1e6
    return Speed(
        way.codec,
        way.setting,
        *rate_and_error,
        fresh_in=mpx / fresh[0].seconds,
        fresh_out=mpx / fresh[1].seconds,
        warm_in=mpx / warm[0],
        warm_out=mpx / warm[1],
        peak_in_mib=fresh[0].peak_mib,
        peak_out_mib=fresh[1].peak_mib,
    )


def _second_time(step: Callable[[], object]) -> float:
    step()
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def rmse_db(original: Path, decoded: Path) -> float:
    """RMSE of the level over all bands, where the original is not 0; read in strips."""
    squares, count = 0.0, 0
    with rasterio.open(original) as first, rasterio.open(decoded) as second:
        for row in range(0, first.height, STRIP_ROWS):
            window = Window(0, row, first.width, min(STRIP_ROWS, first.height - row))
            before, after = first.read(window=window), second.read(window=window)
            error = (level_db(after) - level_db(before))[before > 0].astype(np.float64)
            squares, count = squares + float(np.dot(error, error)), count + error.size
    return float(np.sqrt(squares / count))


def peer_settings(scene: Path, target_rmse_db: float) -> dict[str, float]:
    """Settings that give about the same RMSE on the middle of band 1."""
    with rasterio.open(scene) as source:
        side = min(CROP_PX, source.width, source.height)
        window = Window((source.width - side) // 2, (source.height - side) // 2, side, side)
        level = level_db(source.read(1, window=window))
    return {name: search_setting(PEERS[name], level, target_rmse_db, *span) for name, span in SPANS.items()}


def search_setting(peer: Peer, level: np.ndarray, target_rmse_db: float, fine: float, coarse: float) -> float:
    """Bisection of the logarithm of the setting between a fine and a coarse one."""
    for _ in range(SEARCH_STEPS):
        middle = float(np.sqrt(fine * coarse))
        error = peer.decode(peer.encode(level, middle, 1), 1) - level
        fine, coarse = (middle, coarse) if np.sqrt(np.mean(error**2)) < target_rmse_db else (fine, middle)
    return float(np.sqrt(fine * coarse))


def as_markdown(speeds: Sequence[Speed], scene: str, threads: int) -> str:
    """The figures of each codec, then sarcodec / peer."""
    head = ["codec", "bit/pixel", "RMSE dB", "in", "out", "in, warm", "out, warm", "peak in MiB", "peak out MiB"]
    lines = [f"{scene}, {threads} threads; in and out in Mpx/s", ""]
    lines += ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for s in speeds:
        rates = " | ".join(f"{value:.2f}" for value in (s.fresh_in, s.fresh_out, s.warm_in, s.warm_out))
        memory = f"{s.peak_in_mib:.0f} | {s.peak_out_mib:.0f}"
        lines.append(f"| {s.codec} | {s.bits_per_pixel:.3f} | {s.rmse_db:.3f} | {rates} | {memory} |")
    lines += ["", "| ratio | " + " | ".join(head[1:2] + head[3:]) + " |", "|---" * (len(head) - 1) + "|"]
    for codecs, values in ratios(speeds).items():
        lines.append(f"| {codecs} | " + " | ".join(f"{value:.2f}" for value in values.values()) + " |")
    return "\n".join(lines)


def ratios(speeds: Sequence[Speed]) -> dict[str, dict[str, float]]:
    """Figures of sarcodec at each effort divided by those of each peer."""
    names = ("bits_per_pixel", "fresh_in", "fresh_out", "warm_in", "warm_out", "peak_in_mib", "peak_out_mib")
    ours = [s for s in speeds if s.codec.startswith("sarcodec")]
    return {
        f"{own.codec} / {peer.codec}": {name: getattr(own, name) / getattr(peer, name) for name in names}
        for own in ours
        for peer in speeds[len(ours) :]
    }


def run(arguments: argparse.Namespace, folder: Path) -> list[Speed]:
    """Make the scene if none is given, then measure the codecs one after the other."""
    scene = arguments.scene
    if scene is None:
        scene = folder / "scene.tif"
        measure(simulate_command(scene, arguments.size))
    efforts = map(int, arguments.efforts.split(","))
    ways = (sarcodec_way(scene, folder, arguments.quality, arguments.model, effort) for effort in efforts)
    speeds = [measure_way(way, scene) for way in ways]
    for name, setting in peer_settings(scene, speeds[0].rmse_db).items():
        speeds.append(measure_way(peer_way(name, scene, folder, setting, arguments.threads), scene))
    return speeds


def hold_to_cores(threads: int) -> None:
    """Bind this process, and so all that it starts, to the last `threads` of the cores it may use."""
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(cores):
        sys.exit(f"found {len(cores)} cores, cannot run {threads} threads on them; give --threads")
    os.sched_setaffinity(0, cores[-threads:])
    os.environ["OMP_NUM_THREADS"] = str(threads)


def main() -> int:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096, help="side of the simulated two-band scene in pixels")
    parser.add_argument("--scene", type=Path, help="a uint16 GeoTIFF instead of the simulated scene")
    parser.add_argument("--quality", type=float, default=45.0)
    parser.add_argument("--efforts", default="1,0", metavar="N,N", help="efforts of sarcodec")
    parser.add_argument("--model", help="passed through to compress")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    hold_to_cores(arguments.threads)
    with tempfile.TemporaryDirectory() as name:
        speeds = run(arguments, Path(name))
    label = str(arguments.scene or f"simulated {arguments.size} x {arguments.size}, two bands")
    print(as_markdown(speeds, label, arguments.threads))
    if arguments.out:
        document = {"scene": label, "threads": arguments.threads, "codecs": [asdict(s) for s in speeds]}
        arguments.out.write_text(json.dumps(document | {"ratios": ratios(speeds)}, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

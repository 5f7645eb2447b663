"""Measures speed and peak memory of sarcodec beside OpenJPEG, OpenJPH (HTJ2K) and JPEG XL: same pixels, error, cores, and run.

    python benchmarks/speed.py [--size 4096 | --scene IN.tif] [--quality 45] [--efforts 1,0] [--threads 1,2] [--repeats 3] [--out FILE.json]

Everything is timed from GeoTIFF to file and back: in fresh processes (with their start), and warm in one process. The codecs take turns, and the least time of
`repeats` turns counts, so that what else runs on the machine meets all of them. sarcodec decodes with `--reconstruct power`. The peers are set to the RMSE that it
gives at the first effort with `--reconstruct log`, the least it has. All run on the same cores, one for each thread (OpenJPH has one thread always). Mpx counts every band.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from peer_file import QUICK_PEERS, decode_file, encode_file, level_db
from processes import Run, compress_command, decompress_command, measure, peer_command, simulate_command
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

from sarcodec_lab.figures.peers import Peer

STRIP_ROWS = 512
CROP_PX = 1024
SPANS = {
    "j2k": (70.0, 20.0),
    "htj2k": (1e-4, 0.3),
    "jxl": (0.05, 25.0),
}  # finest and coarsest setting that the search looks between
SEARCH_STEPS = 9
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One codec on so many cores. Speeds in Mpx/s of all bands; memory of the fresh processes in MiB."""

    codec: str
    threads: int
    setting: float
    bits_per_pixel: float
    rmse_db: float
    fresh_in: float
    fresh_out: float
    warm_in: float
    warm_out: float
    peak_in_mib: float
    peak_out_mib: float


@dataclass(frozen=True, kw_only=True)
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
    least_error: Callable[[], object]  # decodes once more, where `back` does not give the least error


def sarcodec_way(scene: Path, folder: Path, arguments: argparse.Namespace, effort: int, threads: int) -> Way:
    """The codec itself, through its command line and its two public verbs."""
    import sarcodec

    packed, decoded = folder / f"scene-{effort}.sarc", folder / "sarcodec.tif"
    choices = {"quality": arguments.quality, "effort": effort, "threads": threads, "overwrite": True}
    choices |= {"model": arguments.model} if arguments.model else {}

    def back(reconstruct: str) -> None:
        sarcodec.decompress(packed, decoded, reconstruct=reconstruct, threads=threads, overwrite=True)

    count = ["--threads", str(threads)]
    return Way(
        codec=f"sarcodec, effort {effort}",
        setting=arguments.quality,
        forth_command=compress_command(scene, packed, arguments.quality, arguments.model)
        + ["--effort", str(effort), *count],
        back_command=decompress_command(packed, decoded, "--reconstruct", "power", "--overwrite", *count),
        forth=lambda: sarcodec.compress(scene, packed, **choices),
        back=lambda: back("power"),
        packed=packed,
        decoded=decoded,
        least_error=lambda: back("log"),
    )


def peer_way(name: str, scene: Path, folder: Path, setting: float, threads: int) -> Way:
    """Another codec through `peer_file.py`, as a process and as functions."""
    packed, decoded = folder / f"scene.{name}", folder / f"{name}.tif"
    count = ["--threads", str(threads)]
    return Way(
        codec=name,
        setting=setting,
        forth_command=peer_command("encode", scene, packed, name, ["--setting", f"{setting:g}", *count]),
        back_command=peer_command("decode", packed, decoded, name, count),
        forth=lambda: encode_file(QUICK_PEERS[name], scene, packed, setting, threads),
        back=lambda: decode_file(QUICK_PEERS[name], packed, decoded, threads),
        packed=packed,
        decoded=decoded,
        least_error=lambda: None,
    )


def measure_ways(ways: Sequence[Way], scene: Path, threads: int, repeats: int) -> list[Speed]:
    """One turn to warm up, in which the errors are measured; then the codecs take turns."""
    errors = [first_turn(way, scene) for way in ways]
    turns = [[_turn(way) for way in ways] for _ in range(repeats)]
    with rasterio.open(scene) as source:
        pixels = source.width * source.height * source.count
    return [_as_speed(way, errors[n], [turn[n] for turn in turns], pixels, threads) for n, way in enumerate(ways)]


def first_turn(way: Way, scene: Path) -> float:
    """RMSE in dB of the least error that the codec's file gives."""
    way.forth()
    way.back()
    way.least_error()
    return rmse_db(scene, way.decoded)


def _turn(way: Way) -> tuple[Run, Run, float, float]:
    """Fresh processes there and back, then seconds there and back in this one."""
    fresh = measure(way.forth_command), measure(way.back_command)
    return (*fresh, _seconds(way.forth), _seconds(way.back))


def _seconds(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _as_speed(
    way: Way, error_db: float, turns: Sequence[tuple[Run, Run, float, float]], pixels: int, threads: int
) -> Speed:
    forth, back, warm_forth, warm_back = zip(*turns)
    mpx = pixels / 1e6
    return Speed(
        codec=way.codec,
        threads=threads,
        setting=way.setting,
        bits_per_pixel=8 * way.packed.stat().st_size / pixels,
        rmse_db=error_db,
        fresh_in=mpx / min(run.seconds for run in forth),
        fresh_out=mpx / min(run.seconds for run in back),
        warm_in=mpx / min(warm_forth),
        warm_out=mpx / min(warm_back),
        peak_in_mib=max(run.peak_mib for run in forth),
        peak_out_mib=max(run.peak_mib for run in back),
    )


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
    return {name: search_setting(QUICK_PEERS[name], level, target_rmse_db, *span) for name, span in SPANS.items()}


def search_setting(peer: Peer, level: np.ndarray, target_rmse_db: float, fine: float, coarse: float) -> float:
    """Bisection of the logarithm of the setting between a fine and a coarse one."""
    for _ in range(SEARCH_STEPS):
        middle = float(np.sqrt(fine * coarse))
        error = peer.decode(peer.encode(level, middle, 1), 1) - level
        fine, coarse = (middle, coarse) if np.sqrt(np.mean(error**2)) < target_rmse_db else (fine, middle)
    return float(np.sqrt(fine * coarse))


def as_markdown(speeds: Sequence[Speed], scene: str) -> str:
    """The figures of each codec, then sarcodec / peer."""
    head = ["cores", "bit/pixel", "RMSE dB", "in", "out", "in, warm", "out, warm", "peak in MiB", "peak out MiB"]
    lines = [
        f"{scene}; in and out in Mpx/s",
        "",
        "| codec | " + " | ".join(head) + " |",
        "|---" * (len(head) + 1) + "|",
    ]
    for s in speeds:
        rates = " | ".join(f"{value:.2f}" for value in (s.fresh_in, s.fresh_out, s.warm_in, s.warm_out))
        memory = f"{s.peak_in_mib:.0f} | {s.peak_out_mib:.0f}"
        lines.append(f"| {s.codec} | {s.threads} | {s.bits_per_pixel:.3f} | {s.rmse_db:.3f} | {rates} | {memory} |")
    head = [head[1], *head[3:]]
    lines += ["", "| ratio | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for codecs, values in ratios(speeds).items():
        lines.append(f"| {codecs} | " + " | ".join(f"{value:.2f}" for value in values.values()) + " |")
    return "\n".join(lines)


def ratios(speeds: Sequence[Speed]) -> dict[str, dict[str, float]]:
    """Figures of sarcodec at each effort divided by those of each peer on as many cores."""
    names = ("bits_per_pixel", "fresh_in", "fresh_out", "warm_in", "warm_out", "peak_in_mib", "peak_out_mib")
    ours = [s for s in speeds if s.codec.startswith("sarcodec")]
    return {
        f"{own.codec} / {peer.codec}, {own.threads} core{'s' * (own.threads > 1)}": {
            name: getattr(own, name) / getattr(peer, name) for name in names
        }
        for own in ours
        for peer in speeds
        if peer not in ours and peer.threads == own.threads
    }


def run(arguments: argparse.Namespace, folder: Path) -> list[Speed]:
    """Make the scene if none is given, find the peers' settings, then measure on each number of cores in a process of its own."""
    scene = arguments.scene
    if scene is None:
        scene = folder / "scene.tif"
        measure(simulate_command(scene, arguments.size))
    first = sarcodec_way(scene, folder, arguments, efforts_of(arguments)[0], 1)
    settings = peer_settings(scene, first_turn(first, scene))
    found = []
    for threads in map(int, arguments.threads.split(",")):
        child = {
            **vars(arguments),
            "scene": str(scene),
            "threads": threads,
            "settings": settings,
            "folder": str(folder),
        }
        found += [Speed(**values) for values in _in_child(child, threads)]
    return found


def _in_child(child: dict, threads: int) -> list[dict]:
    """Measured by a process that is bound, with all that it starts, to the last `threads` of the cores that this one may use."""
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(cores):
        sys.exit(f"found {len(cores)} cores, cannot run {threads} threads on them; give --threads")
    done = subprocess.run(
        [sys.executable, __file__, "--child", json.dumps(child, default=str)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
        preexec_fn=lambda: os.sched_setaffinity(0, cores[-threads:]),
    )
    found: list[dict] = json.loads(done.stdout.splitlines()[-1])
    return found


def answer(text: str) -> None:
    """In a child: measure every codec."""
    arguments = argparse.Namespace(**json.loads(text))
    scene, folder, threads = Path(arguments.scene), Path(arguments.folder), arguments.threads
    ways = [sarcodec_way(scene, folder, arguments, effort, threads) for effort in efforts_of(arguments)]
    ways += [peer_way(name, scene, folder, setting, threads) for name, setting in arguments.settings.items()]
    print(json.dumps([asdict(speed) for speed in measure_ways(ways, scene, threads, arguments.repeats)]))


def efforts_of(arguments: argparse.Namespace) -> list[int]:
    return [int(effort) for effort in arguments.efforts.split(",")]


def main() -> int:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4096, help="side of the simulated two-band scene in pixels")
    parser.add_argument("--scene", type=Path, help="a uint16 GeoTIFF instead of the simulated scene")
    parser.add_argument("--quality", type=float, default=45.0)
    parser.add_argument("--efforts", default="1,0", metavar="N,N", help="efforts of sarcodec")
    parser.add_argument("--model", help="passed through to compress")
    parser.add_argument(
        "--threads", default="1,2", metavar="N,N", help="numbers of cores and threads, one after the other"
    )
    parser.add_argument("--repeats", type=int, default=3, help="turns of which the least time counts")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    if arguments.child:
        answer(arguments.child)
        return 0
    with tempfile.TemporaryDirectory() as name:
        speeds = run(arguments, Path(name))
    label = str(arguments.scene or f"simulated {arguments.size} x {arguments.size}, two bands")
    print(as_markdown(speeds, label))
    if arguments.out:
        document = {"scene": label, "codecs": [asdict(s) for s in speeds], "ratios": ratios(speeds)}
        arguments.out.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

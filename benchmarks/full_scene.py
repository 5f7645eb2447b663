"""Measures a full scene: 26,102 x 16,705 pixels in two bands, as an IW GRDH product has, into a file and out again.

    python benchmarks/full_scene.py [--width 26102 --height 16705] [--threads 2] [--effort 1] [--quality 60] [--out FILE.json]

The scene is made here, of blocks that the project's simulator draws: land and sea in stripes along a coast, each block turned and mirrored in its own way and made
brighter or darker, and a border of nodata as uncropped products have it. Then, in fresh processes on the same cores: `sarcodec compress` and
`decompress`, and GDAL's COG with ZSTD (without overviews) in and back into a GeoTIFF. Peaks are those of the whole tree of processes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import rasterio
from large import say
from processes import compress_command, decompress_command, measure
from rasterio.windows import Window

from sarcodec.simulate.scene import SceneSimulator

BLOCK_PX = 1024
LAND, SEA = ("mixed", "fields", "city"), ("sea", "ships")
_COPY = """
import sys, rasterio
from rasterio.shutil import copy
source, target, driver, threads, compress = sys.argv[1:]
more = {"overviews": "NONE"} if driver == "COG" else {"tiled": True, "blockxsize": 512, "blockysize": 512, "zlevel": 1, "interleave": "band"}
with rasterio.Env(GDAL_CACHEMAX=256 << 20):
    copy(source, target, driver=driver, compress=compress, num_threads=threads, bigtiff="IF_SAFER", **more)
"""


@dataclass(frozen=True)
class Codec:
    """One codec on the scene, in fresh processes. Peaks in MiB."""

    codec: str
    bytes: int
    seconds_in: float
    seconds_out: float
    peak_in_mib: float
    peak_out_mib: float


def blocks(presets: tuple[str, ...]) -> list[np.ndarray]:
    """A block of (2, BLOCK_PX, BLOCK_PX) uint16 of each preset."""
    whole = Window(0, 0, BLOCK_PX, BLOCK_PX)
    place = _Place(0, 0, whole.height, whole.width)
    return [SceneSimulator(BLOCK_PX, BLOCK_PX, seed=n, preset=name).pixels(place) for n, name in enumerate(presets)]


@dataclass(frozen=True)
class _Place:
    row: int
    col: int
    rows: int
    cols: int


def make_scene(path: Path, width: int, height: int) -> None:
    """Write the scene: blocks beside each other, in tiles, without a compression that would cost time."""
    land, sea = blocks(LAND), blocks(SEA)
    edges = SceneSimulator(height, width, nodata_border=True)
    random = np.random.default_rng(1)
    options = {"tiled": True, "blockxsize": 512, "blockysize": 512, "interleave": "band", "bigtiff": "if_safer"}
    with rasterio.open(
        path, "w", driver="GTiff", width=width, height=height, count=2, dtype="uint16", nodata=0, **options
    ) as out:
        for row in range(0, height, BLOCK_PX):
            coast = width * (0.35 + 0.2 * np.sin(row / 3000))
            for col in range(0, width, BLOCK_PX):
                window = _Place(row, col, min(BLOCK_PX, height - row), min(BLOCK_PX, width - col))
                pixels = varied(sea if col < coast else land, random)[:, : window.rows, : window.cols]
                pixels = np.where(edges.valid(window), pixels, np.uint16(0))
                out.write(pixels, window=Window(col, row, window.cols, window.rows))


def varied(choice: list[np.ndarray], random: np.random.Generator) -> np.ndarray:
    """One of some blocks, turned, mirrored, and up to 2 dB brighter or darker."""
    block = np.rot90(choice[random.integers(len(choice))], random.integers(4), (1, 2))
    block = block[:, :, ::-1] if random.integers(2) else block
    brighter = np.rint(np.arange(1 << 16) * 10 ** random.uniform(-0.1, 0.1)).clip(1, 65535).astype(np.uint16)
    return brighter[block]


def sarcodec_codec(scene: Path, folder: Path, arguments: argparse.Namespace) -> Codec:
    """The codec through its command line."""
    packed, decoded = folder / "scene.sarc", folder / "sarcodec.tif"
    options = ["--memory", arguments.memory, "--threads", str(arguments.threads)]
    effort = ["--effort", str(arguments.effort)]
    forth = measure([*compress_command(scene, packed, arguments.quality), *options, *effort])
    say(f"sarcodec in: {forth}")
    back = measure(decompress_command(packed, decoded, *options))
    say(f"sarcodec out: {back}")
    size = packed.stat().st_size
    decoded.unlink()
    return Codec("sarcodec", size, forth.seconds, back.seconds, forth.peak_mib, back.peak_mib)


def cog_codec(scene: Path, folder: Path, threads: int) -> Codec:
    """GDAL's COG with ZSTD in, and back into the kind of GeoTIFF that sarcodec writes."""
    packed, decoded = folder / "cog.tif", folder / "cog-back.tif"

    def copy(source: Path, target: Path, driver: str, compress: str) -> list[str]:
        return [sys.executable, "-c", _COPY, str(source), str(target), driver, str(threads), compress]

    forth = measure(copy(scene, packed, "COG", "ZSTD"))
    back = measure(copy(packed, decoded, "GTiff", "DEFLATE"))
    size = packed.stat().st_size
    decoded.unlink()
    return Codec("COG, ZSTD", size, forth.seconds, back.seconds, forth.peak_mib, back.peak_mib)


def as_markdown(codecs: list[Codec]) -> str:
    """A row a codec, then the first by the second."""
    lines = ["| codec | MB | s in | s out | peak in, MiB | peak out, MiB |", "|---" * 6 + "|"]
    for one in codecs:
        figures = f"{one.seconds_in:.1f} | {one.seconds_out:.1f} | {one.peak_in_mib:.0f} | {one.peak_out_mib:.0f}"
        lines.append(f"| {one.codec} | {one.bytes / 1e6:.1f} | {figures} |")
    ours, other = ([*asdict(one).values()][1:] for one in codecs)
    shares = " | ".join(f"{mine / theirs:.2f}" for mine, theirs in zip(ours, other, strict=True))
    return "\n".join([*lines, f"| {codecs[0].codec} / {codecs[1].codec} | {shares} |"])


def hold_to_cores(threads: int) -> None:
    """Bind this process, and so all that it starts, to the last `threads` of the cores it may use."""
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(cores):
        sys.exit(f"found {len(cores)} cores, cannot run {threads} threads on them; give --threads")
    os.sched_setaffinity(0, cores[-threads:])


def main() -> int:
    """Make the scene, measure both, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=26_102)
    parser.add_argument("--height", type=int, default=16_705)
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--effort", type=int, default=1)
    parser.add_argument("--quality", type=float, default=60.0)
    parser.add_argument("--memory", default="1GiB", help="as for sarcodec")
    parser.add_argument("--folder", type=Path, help="where the scene is made (default: the system's temporary folder)")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    hold_to_cores(arguments.threads)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        make_scene(folder / "scene.tif", arguments.width, arguments.height)
        say("the scene is made")
        codecs = [sarcodec_codec(folder / "scene.tif", folder, arguments)]
        codecs.append(cog_codec(folder / "scene.tif", folder, arguments.threads))
    print(
        f"{arguments.width} x {arguments.height}, two bands, {arguments.threads} threads, effort {arguments.effort}, quality {arguments.quality:g}\n"
    )
    print(as_markdown(codecs))
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(one) for one in codecs], indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

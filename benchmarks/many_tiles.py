"""A file of a million tiles: bytes, time and memory to open it and to read one tile.

    python benchmarks/many_tiles.py [--tiles 1000000]

The file is made up, tiles of 512 x 512 px of one exact band with payloads of a few bytes, but its head and index are what a scene of that size has. Reading is measured in a
fresh process: processor time, bytes that were read, and growth of memory beyond an interpreter that has read a file of one tile.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def make(path: Path, tiles: int) -> None:
    """A band of exact pixels; each tile holds one value."""
    import numpy as np

    from sarcodec.format.bands import BandField
    from sarcodec.format.container import Header
    from sarcodec.format.pixels import pack_pixels
    from sarcodec.format.sections import PIXELS, Section, pack_tile
    from sarcodec.format.writer import FileWriter

    cols = math.isqrt(tiles)
    rows = -(-tiles // cols)
    payloads = [
        pack_tile([Section(PIXELS, pack_pixels(np.full((512, 512), value, np.uint16)))]) for value in range(251)
    ]
    with FileWriter(path) as writer:
        for number in range(rows * cols):
            writer.append(payloads[number % 251], 0)
        writer.finish(Header(512 * rows, 512 * cols, "uint16", 9, "", b"", 0, (BandField("exact", None),)))


class Counted:
    """A file object that counts the bytes read from it."""

    def __init__(self, path: Path):
        self.file, self.bytes = open(path, "rb"), 0  # noqa: SIM115  # open as long as this object

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.bytes += len(data)
        return data

    def seek(self, *place: int) -> int:
        return self.file.seek(*place)


def read(path: Path, small: Path) -> dict[str, float]:
    """Opens, and reads a tile in the middle and one beside it."""
    import sarcodec

    with sarcodec.open(small) as scene:
        scene.read(1, window=((0, 1), (0, 1)))
    before, counted = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, Counted(path)
    clocks, sizes = [time.process_time()], [0]
    scene = sarcodec.open(counted)
    clocks, sizes = [*clocks, time.process_time()], [*sizes, counted.bytes]
    for col in (0, 512):
        row, col = scene.height // 1024 * 512, scene.width // 1024 * 512 + col
        value = scene.read(1, window=((row, row + 1), (col, col + 1)))
        assert value == (row // 512 * (scene.width // 512) + col // 512) % 251
        clocks, sizes = [*clocks, time.process_time()], [*sizes, counted.bytes]
    took = [b - a for a, b in itertools.pairwise(clocks)]
    got = [b - a for a, b in itertools.pairwise(sizes)]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"open": took[0], "first": took[1], "second": took[2], "bytes": got, "grown_kib": grown}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, default=1_000_000)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(read(*map(Path, arguments.child))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        large, small = (Path(folder) / name for name in ("large.sarc", "small.sarc"))
        make(large, arguments.tiles)
        make(small, 1)
        runs = [
            json.loads(subprocess.check_output([sys.executable, __file__, "--child", str(large), str(small)]))
            for _ in range(5)
        ]
        size = large.stat().st_size
    best = {key: min(run[key] for run in runs) for key in ("open", "first", "second", "grown_kib")}
    print(f"{arguments.tiles:,} tiles in {size:,} bytes\n")
    print("| step | bytes read | processor time, ms |\n|---|---|---|")
    for step, name, got in zip(
        ("open", "first", "second"), ("open", "a tile", "one beside it"), runs[0]["bytes"], strict=True
    ):
        print(f"| {name} | {got:,} | {1000 * best[step]:.1f} |")
    print(f"\nMemory grew by {best['grown_kib'] / 1024:.1f} MiB.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

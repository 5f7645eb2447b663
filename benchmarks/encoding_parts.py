"""Where the time of encoding goes: processor time of parts of the encoder, in ms a megapixel of all bands, one thread, warm.

    python benchmarks/encoding_parts.py [--size 2048] [--effort 1] [--quality 45] [--repeats 3]

The scene is that of `speed.py`. A part stands for a function of the encoder that is replaced by itself and a clock while the scene is encoded; parts lie within each other where the table
indents them. The least of the repeats counts. What no part covers is under "all".
"""

from __future__ import annotations

import argparse
import functools
import importlib
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from processes import simulate_command

import sarcodec

PARTS = (  # what it is, and the function: module, class or none, name
    ("what the pixels mean", "meanings", "", "meanings_of"),
    ("reading and analysis", "scene", "SceneEncoder", "analyse"),
    ("  finding targets", "tile_analysis", "", "find_targets"),
    ("symbols of a tile", "tile", "TileEncoder", "encode"),
    ("  hyper symbols", "tile", "TileEncoder", "_hyper_symbols"),
    ("  search and entropy coding", "coded_tile", "TileCoder", "_by_library"),
    ("targets and power of a tile", "tile_fitting", "TileFit", "fit"),
    ("  bumps", "target_layer", "TileTargets", "layer"),
    ("  power and texture", "tile_fitting", "", "fitted"),
    ("targets beside borders, packing", "scene", "SceneEncoder", "encoded"),
)


def clocked(seconds: dict[str, float], part: str, function: Any) -> Any:
    """The function, whose processor time is added to its part's."""

    @functools.wraps(function)
    def timed(*words: Any, **options: Any) -> Any:
        began = time.thread_time()
        try:
            return function(*words, **options)
        finally:
            seconds[part] += time.thread_time() - began

    return timed


def watch(seconds: dict[str, float]) -> None:
    """Puts a clock on every part, for the rest of the process."""
    for part, module, owner, name in PARTS:
        home = importlib.import_module(f"sarcodec.encoding.{module}")
        holders = [getattr(home, owner)] if owner else [home, *_importers(getattr(home, name), name)]
        function = clocked(seconds, part, getattr(holders[0], name))
        for holder in holders:
            setattr(holder, name, function)


def _importers(function: Any, name: str) -> list[Any]:
    """Modules that have imported a function by its name."""
    modules = [module for key, module in list(sys.modules.items()) if key.startswith("sarcodec")]
    return [module for module in modules if vars(module).get(name) is function]


def measure(scene: Path, effort: int, quality: float, repeats: int) -> dict[str, float]:
    """Seconds by part, the least of the repeats, after one that does not count."""
    seconds: dict[str, float] = defaultdict(float)
    watch(seconds)
    least: dict[str, float] = {}
    for turn in range(repeats + 1):
        seconds.clear()
        began = time.process_time()
        sarcodec.compress(scene, scene.with_suffix(".sarc"), quality=quality, effort=effort, threads=1, overwrite=True)
        seconds["all"] = time.process_time() - began
        if turn:
            least = {part: min(least.get(part, value), value) for part, value in seconds.items()}
    return least


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--effort", type=int, default=1)
    parser.add_argument("--quality", type=float, default=45)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scene = Path(folder) / "scene.tif"
        subprocess.run(simulate_command(scene, options.size), check=True, stdout=subprocess.DEVNULL)
        found = measure(scene, options.effort, options.quality, options.repeats)
    print("| part | ms a megapixel |\n|---|---|")
    for part in ("all", *(name for name, *_ in PARTS)):
        indent = "&nbsp;" * 4 if part.startswith(" ") else ""
        print(f"| {indent}{part.strip()} | {found.get(part, 0) * 1e3 / (2 * options.size**2 / 1e6):.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

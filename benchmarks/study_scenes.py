"""Native-like simulated scenes in a folder that `sarcodec compare --data` reads: speckle as untouched GRDH products have it.

    python benchmarks/study_scenes.py FOLDER [--size 512]

Four scenes of two bands, one for each preset of the simulator, family 'simulated', always the same.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

PRESETS = ("mixed", "city", "mountain", "ships")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    (options.folder / "val").mkdir(parents=True, exist_ok=True)
    rows = []
    for seed, preset in enumerate(PRESETS, start=9001):
        path = options.folder / "val" / f"{preset}.tif"
        command = [sys.executable, "-m", "sarcodec", "simulate", str(path), "--size", str(options.size)]
        subprocess.run([*command, "--seed", str(seed), "--preset", preset, "--overwrite"], check=True)
        rows.append((f"val/{preset}.tif", "val", "simulated", f"simulated_{preset}_{seed}"))
    with open(options.folder / "index.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "split", "family", "group"), *rows])


if __name__ == "__main__":
    main()

"""Simulated scenes in a folder that a comparison reads like data: speckle as untouched GRDH products have it. Anybody may look at them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from sarcodec.simulate.product import simulate

FAMILY, SPLIT = "simulated", "val"
PRESETS = ("mixed", "city", "mountain", "ships")
FIRST_SEED = 9001


def write_scenes(folder: str | Path, size_px: int = 512, presets: Sequence[str] = PRESETS) -> Path:
    """FOLDER/val/PRESET.tif, two bands of size_px x size_px each, and FOLDER/index.csv; the folder. Always the same; what lies there is replaced."""
    folder, rows = Path(folder), []
    (folder / SPLIT).mkdir(parents=True, exist_ok=True)
    for seed, preset in enumerate(presets, start=FIRST_SEED):
        name = f"{SPLIT}/{preset}.tif"
        simulate(folder / name, size_px, size_px, seed=seed, preset=preset, overwrite=True)
        rows.append((name, SPLIT, FAMILY, f"simulated_{preset}_{seed}", f"2x{size_px}x{size_px}"))
    with open(folder / "index.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file", "split", "family", "group", "shape"), *rows])
    return folder

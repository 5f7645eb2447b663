"""What the quality classes take on the validation images: bits, quality, and the figures that `evaluate` finds in the
decoded file.

    python benchmarks/classes.py [--data FOLDER] [--only iw]

Every image whole (all bands) through `compress --class`, `decompress` and `evaluate --json`, each in a fresh process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import decompress_command
from rd_val import FAMILIES, ROOT

CLASSES = ("archive", "analysis")


def run(command: list[str]) -> str:
    """stdout of a fresh process; RuntimeError with its stderr where it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr.strip()[-3000:]}")
    return done.stdout


def line(scene: Path, name: str, folder: Path) -> str:
    """One row of the table: the worst band's figures."""
    packed, decoded = folder / "scene.sarc", folder / "scene.tif"
    sarcodec = [sys.executable, "-m", "sarcodec"]
    try:
        said = json.loads(
            run([*sarcodec, "compress", str(scene), str(packed), "--class", name, "--overwrite", "--json"])
        )
    except RuntimeError as error:
        return f"| {scene.stem} | {name} | {str(error).splitlines()[-1].removeprefix('sarcodec: ')} |" + " |" * 6
    run([*decompress_command(packed, decoded), "--overwrite"])
    found = json.loads(run([*sarcodec, "evaluate", str(scene), str(decoded), "--json"]))
    errors = [band["errors"] for band in found["bands"]]
    passed = all(v["passed"] for band in found["bands"] for v in band["classes"] if v["quality_class"] == name)
    bias = max((one["bias_power_db"] for one in errors), key=abs)
    looks, enl = (max(one[key] for one in errors) for key in ("multilook_rmse_db", "enl_ratio"))
    least = min(one["enl_ratio"] for one in errors)
    return (
        f"| {scene.stem} | {name} | {8 * packed.stat().st_size / (found['pixels'] + found['invalid']):.3f} | "
        f"{said['quality']:.1f} | {bias:+.4f} | {looks:.4f} | {least:.3f} to {enl:.3f} | {said['passes']} | "
        f"{'passed' if passed else 'failed'} |"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val/iw, val/slc, val/ew (SARCODEC_DATA)")
    parser.add_argument("--only", default="", help="images whose family and name contain this")
    arguments = parser.parse_args()
    head = (
        "image",
        "class",
        "bit/pixel",
        "quality",
        "bias dB",
        "8 x 8 error dB",
        "ENL ratio",
        "passes",
        "evaluate says",
    )
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for family in FAMILIES:
            for scene in sorted((arguments.data / "val" / family).glob("*.tif")):
                if arguments.only in f"{family}/{scene.stem}":
                    for name in CLASSES:
                        print(line(scene, name, Path(folder)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

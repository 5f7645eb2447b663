"""Speed of two checkouts on the same scene, alternately in one run: was anything lost between two commits?

    git worktree add /tmp/before COMMIT
    python benchmarks/two_trees.py /tmp/before . [--size 2048] [--rounds 3]

One thread, warm: each round starts a fresh Python that compresses and decompresses once before it is timed. Prints CPU seconds (the least of
all rounds) of each, and their ratio. What an older commit needs to run has to be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TIMED = """
import json, sys, time
import sarcodec
scene, packed, back = sys.argv[1:]

def timed(work):
    work()
    begun = time.process_time()
    work()
    return time.process_time() - begun

def decompressed(how):
    return lambda: sarcodec.decompress(packed, back, threads=1, overwrite=True, reconstruct=how)

found = {}
for name, options in (("compress, fast", {"effort": 0}), ("compress", {})):
    found[name] = timed(lambda: sarcodec.compress(scene, packed, quality=50, threads=1, overwrite=True, **options))
for how in ("log", "power"):
    found[f"decompress, {how}"] = timed(decompressed(how))
print(json.dumps(found))
"""


def run(tree: Path, folder: Path, scene: Path) -> dict[str, float]:
    """One round of one checkout."""
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "PYTHONPATH": str(tree.resolve() / "src")}
    names = [str(scene), str(folder / "x.sarc"), str(folder / "back.tif")]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TIMED, *names],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = folder / "scene.tif"
        words = [sys.executable, "-m", "sarcodec", "simulate", str(scene), "--size", str(options.size)]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        trees = {"before": options.before, "after": options.after}
        rounds = {tree: [] for tree in trees}
        for _ in range(options.rounds):
            for tree, path in trees.items():
                rounds[tree].append(run(path, folder, scene))
    print("| one thread, CPU seconds | before | after | after / before |\n|---|---|---|---|")
    for work in rounds["after"][0]:
        before, after = (min(found[work] for found in rounds[tree]) for tree in trees)
        print(f"| {work} | {before:.2f} | {after:.2f} | {after / before:.2f} |")


if __name__ == "__main__":
    main()

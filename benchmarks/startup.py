"""Measures how long short commands take, start of the process included, beside `import numpy` in the same run.

    python benchmarks/startup.py [--repeats 15] [--out FILE.json]

The commands take turns. Beside the medians stand those of the processor time that they used, which other work on the machine changes less, and the ratio of each to
that of `python -c "import numpy"`. The file is a simulated scene of 1,024 px, two bands; its window has 512 px.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from processes import compress_command, measure, simulate_command

NUMPY = "import numpy"
WINDOW = "import sarcodec; sarcodec.open({file!r}).read(1, window=((200, 712), (100, 612)))"


def commands(file: Path) -> dict[str, list[str]]:
    """What is timed, by name."""
    code = lambda text: [sys.executable, "-c", text]
    return {
        "python": code("pass"),
        NUMPY: code(NUMPY),
        "import sarcodec": code("import sarcodec"),
        "import numpy, sarcodec": code("import numpy, sarcodec"),
        "sarcodec --help": [sys.executable, "-m", "sarcodec", "--help"],
        "sarcodec info": [sys.executable, "-m", "sarcodec", "info", str(file)],
        "window of 512 px": code(WINDOW.format(file=str(file))),
    }


def timed(command: list[str]) -> tuple[float, float]:
    """Seconds of wall time, and of processor time, of one fresh process."""
    before, start = _used(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start, _used() - before


def _used() -> float:
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def run(repeats: int) -> dict[str, dict[str, float]]:
    """Median and least milliseconds of every command. The first turn, which fills the caches, does not count."""
    with tempfile.TemporaryDirectory() as folder:
        scene, packed = Path(folder, "scene.tif"), Path(folder, "scene.sarc")
        measure(simulate_command(scene, 1024))
        measure(compress_command(scene, packed, 60, None))
        turns = [{name: timed(command) for name, command in commands(packed).items()} for _ in range(repeats + 1)][1:]
    found = {}
    for name in turns[0]:
        wall, used = ([1000 * turn[name][i] for turn in turns] for i in (0, 1))
        found[name] = {
            "median_ms": median(wall),
            "least_ms": min(wall),
            "cpu_ms": median(used),
            "least_cpu_ms": min(used),
        }
    return found


def as_markdown(found: dict[str, dict[str, float]]) -> str:
    """One line a command."""
    lines = [
        "| command | median ms | least ms | processor ms | least | of `import numpy` |",
        "|---|---|---|---|---|---|",
    ]
    for name, times in found.items():
        share = times["least_cpu_ms"] / found[NUMPY]["least_cpu_ms"]
        lines.append(f"| {name} | " + " | ".join(f"{value:.0f}" for value in times.values()) + f" | {share:.2f} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    arguments = parser.parse_args()
    found = run(arguments.repeats)
    print(as_markdown(found))
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

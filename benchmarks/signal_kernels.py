"""How much faster libsarcodec's transform, pixels and fills are than their twins in NumPy, one thread, the same arrays in one process.

    OPENBLAS_NUM_THREADS=1 python benchmarks/signal_kernels.py [--rounds 20]

Processor time, the least of the rounds, which take turns. Markdown on stdout: milliseconds a million pixels, and NumPy's over the library's.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from sarcodec import native
from sarcodec.models import published
from sarcodec.signal.filling import fill_invalid, filled
from sarcodec.signal.lapped import Borders, Cells, alone, joined
from sarcodec.signal.radiometry import Measure, normalise, normalised, restore, restored

SIDE = 512
AMPLITUDE, UINT16 = Measure("amplitude", nodata=0.0), np.dtype("uint16")


def pairs() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """What is measured: by the library, by NumPy; each of one tile of 512 x 512 px."""
    rng, transform = np.random.default_rng(0), published.load().transform
    around = rng.normal(0, 8, (SIDE + 64, SIDE + 64)).astype(np.float32)
    levels = np.ascontiguousarray(around[:SIDE, :SIDE]) + np.float32(45)
    pixels = restore(levels, AMPLITUDE, UINT16)
    floats, borders = pixels.astype(np.float32), Borders(*np.ones((2, SIDE // 32 + 1), bool))
    valid = np.add.outer(np.arange(SIDE), np.arange(SIDE)) > 0.77 * SIDE  # 30 % are not
    cells = Cells(rng.integers(-300, 300, (16, 16, 1024)).astype(np.int16), np.full(1024, 1 / 64, np.float32))
    return {
        "analysis": (lambda: transform.analyse(around, borders), lambda: transform.analysed(around, borders)),
        "synthesis from int16 latents": (
            lambda: transform.synthesise(alone(cells), borders, 0),
            lambda: transform.synthesised(joined(alone(cells), 16, 16), borders),
        ),
        "uint16 amplitude to levels": (lambda: normalise(pixels, AMPLITUDE), lambda: normalised(pixels, AMPLITUDE)),
        "float32 amplitude to levels": (lambda: normalise(floats, AMPLITUDE), lambda: normalised(floats, AMPLITUDE)),
        "levels to uint16 amplitude": (
            lambda: restore(levels, AMPLITUDE, UINT16),
            lambda: restored(levels, AMPLITUDE, UINT16),
        ),
        "levels to float32 amplitude": (
            lambda: restore(levels, AMPLITUDE, "float32"),
            lambda: restored(levels, AMPLITUDE, np.dtype("float32")),
        ),
        "fill of 30 % invalid pixels": (lambda: fill_invalid(levels, valid), lambda: filled(levels, valid)),
    }


def seconds(work: Callable[[], object]) -> float:
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    if not native.available():
        raise SystemExit(
            "libsarcodec is not here: build it with `python native/build_library.py`, and leave SARCODEC_NATIVE alone"
        )
    print(
        f"Level {native.level()}, one thread, ms a million pixels.\n\n| | libsarcodec | NumPy | ratio |\n|---|---|---|---|"
    )
    for name, both in pairs().items():
        least = [min(times) for times in zip(*([seconds(work) for work in both] for _ in range(rounds)))]
        library, numpy = (1e3 * t / (SIDE * SIDE / 1e6) for t in least)
        print(f"| {name} | {library:.1f} | {numpy:.1f} | {numpy / library:.1f} |")


if __name__ == "__main__":
    main()

"""Strangers' bytes through the compiled decoder of tiles, under the address and undefined-behaviour sanitizers.

    python benchmarks/fuzz_native.py [--inputs 1000000] [--seed 0]

Builds the library with the sanitizers into a folder of its own and decodes random bytes and damaged streams, with right and wrong steps, sizes and
references, under the shipped model and under models and tables that are made up within the laws of docs/format.md (6.1, 10.2). A fault ends the run with the
sanitizer's words; otherwise it prints inputs, how many were refused, seconds of processor time and faults.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "native"), str(ROOT / "tests")]
_FOLDER = "SARCODEC_FUZZ_FOLDER"
_CHANNELS = 1024


@dataclass(frozen=True)
class Target:
    """Weights and tables, and the two streams of tiles (base and other, step, rows, cols) that they have written."""

    prior: object
    tables: object
    streams: list[tuple[tuple[bytes, bytes], int, int, int]]
    share: float


def made_up_tables(random: np.random.Generator):
    """752 tables of any radius, shift and frequencies, skipped alike under both quantisers."""
    from sarcodec.entropy.tables import from_weights

    skip = random.random(752) < random.choice([0.0, 0.1, 0.6])
    skip[256:512] = skip[:256]
    shift = np.where(skip, 0, random.integers(0, 13, 752) * (random.random(752) < 0.2))
    radius = random.choice([0, 1, 5, 127], 752)
    weights = [random.random(2 * r + 2) ** random.choice([1, 30]) + 1e-9 for r in radius]
    return from_weights(weights, shift, skip)


def made_up_stream(random: np.random.Generator, prior, tables) -> tuple[tuple[bytes, bytes], int, int, int]:
    """What an encoder with these tables would write of wild symbols: those that a reader of noise takes for valid ones."""
    from sarcodec.entropy import coding, trellis
    from sarcodec.entropy.following import follow
    from sarcodec.entropy.tiles import Place

    step, rows, cols = int(random.integers(640)), int(random.integers(1, 4)), int(random.integers(1, 4))
    place, size = Place(step, rows, cols), int(random.choice([2, 50, 1 << 23]))
    symbols = random.integers(-size, size + 1, place.hyper_count + place.count).astype(np.int32)
    hyper, latents = symbols[: place.hyper_count], symbols[place.hyper_count :]
    # Tables depend on latents, and these on the quantiser that each symbol meets: settled in a few rounds, pass by pass.
    which = np.zeros(place.count, np.int64)
    for _ in range(9):
        found = follow(prior, hyper.clip(-127, 127), trellis.places(latents, which).astype(np.int32), place)
        named = found.tables
        symbols[tables.skip[named]] = 0
        state, cut = 0, place.base_count
        for i, (symbol, table) in enumerate(zip(latents.tolist(), named[place.hyper_count :].tolist(), strict=True)):
            state = 0 if i == cut - place.hyper_count else state
            which[i] = state & 1
            state = state if tables.skip[table] else int(trellis.USUAL.next_state[state, symbol & 1])
    named = named + 256 * np.concatenate([np.zeros(hyper.size, int), which])
    parts = (slice(cut), slice(cut, None))
    return tuple(coding.encode(tables, named[part], symbols[part]) for part in parts), step, rows, cols


def shipped_streams() -> list[tuple[tuple[bytes, bytes], int, int, int]]:
    from sarcodec.encoding.tile import TileEncoder
    from sarcodec.models import published

    codec, found = TileEncoder(published.load(), 0), []
    for seed, (step, rows, cols) in enumerate([(330, 1, 2), (120, 1, 1), (600, 2, 2), (256, 2, 1)]):
        noise = np.random.default_rng(seed).standard_normal((rows, cols, _CHANNELS), np.float32)
        sections, _ = codec.encode(noise * codec._deviation, step)
        found.append((tuple(section.payload[2:] for section in sections), step, rows, cols))
    return found


def targets(random: np.random.Generator) -> list[Target]:
    from entropy.test_tiles import made_up
    from sarcodec.entropy.prior_arrays import prior_from_arrays
    from sarcodec.models import published

    model = published.load()
    found = [Target(model.prior, model.tables, shipped_streams(), 0.02)]
    for number in range(6):
        arrays = made_up(number, tuple(int(n) for n in random.integers(1, 12, 4)))
        arrays["steps.powers"] = random.integers(1 << 20, 1 << 21, 1024)
        prior, tables = prior_from_arrays(arrays), made_up_tables(random)
        found.append(Target(prior, tables, [made_up_stream(random, prior, tables) for _ in range(4)], 0.98 / 6))
    return found


def damaged(random: np.random.Generator, stream: bytes) -> bytes:
    """Nothing, bits turned, a cut, bytes put in or copied over, or noise in the stream's place."""
    data, kind = bytearray(stream), int(random.integers(7))
    at = int(random.integers(len(data))) if data else 0
    if kind == 0 or not data:
        return random.bytes(int(random.integers(0, 200)))
    if kind == 1:
        for place in random.integers(0, len(data), int(random.integers(1, 9))):
            data[place] ^= 1 << int(random.integers(8))
    elif kind == 2:
        data = data[:at]
    elif kind == 3:
        data[at:at] = random.bytes(int(random.integers(1, 9)))
    elif kind == 4:
        data[at : at + 8] = random.choice([b"\0" * 8, b"\xff" * 8])
    elif kind == 5:
        data = data[:4] + data[at:]
    return bytes(data)


def inputs(random: np.random.Generator, found: list[Target], count: int) -> Iterator[tuple]:
    """A target, its two streams, the other one left out at times, a place and whether expected errors are asked for."""
    from sarcodec.entropy.prior import TileLatents
    from sarcodec.entropy.tiles import Place

    shares = np.array([t.share for t in found])
    for number in random.choice(len(found), count, p=shares / shares.sum()):
        streams, step, rows, cols = found[number].streams[int(random.integers(len(found[number].streams)))]
        if random.random() < 0.3:
            step, rows, cols = int(random.integers(640)), int(random.integers(1, 4)), int(random.integers(1, 4))
        reference = None
        if random.random() < 0.2:
            values = random.integers(-(1 << 31), 1 << 31, (rows * cols, _CHANNELS)) >> int(random.integers(32))
            reference = TileLatents(values.astype(np.int32), int(random.integers(640)))
        base, rest = (damaged(random, s) if random.random() < 0.7 else s for s in streams)
        rest = None if random.random() < 0.1 else rest
        yield found[number], (base, rest), Place(step, rows, cols, reference), bool(random.random() < 0.5)


def fuzz(count: int, seed: int) -> None:
    from sarcodec.entropy.tiles import read_tile
    from sarcodec.errors import CorruptFile
    from sarcodec.native import library

    library._HOME = Path(os.environ[_FOLDER])
    print(f"level {library.level()}, under the sanitizers; seed {seed}", flush=True)
    random = np.random.default_rng(seed)
    found, began, refused = targets(random), time.process_time(), 0
    for number, (target, streams, place, lost) in enumerate(inputs(random, found, count), 1):
        try:
            read_tile(target.prior, target.tables, streams, place, lost)
        except CorruptFile:
            refused += 1
        if number % 100_000 == 0:
            print(f"{number} inputs, {refused} refused, {time.process_time() - began:.0f} s", flush=True)
    print(f"inputs {count}, refused {refused}, processor seconds {time.process_time() - began:.0f}, faults 0")


def runnable() -> tuple[str, ...]:
    """Levels that this processor has."""
    from sarcodec.native import library

    best = library.level()
    return () if best is None else library.LEVELS[: library.LEVELS.index(best) + 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if _FOLDER in os.environ:
        fuzz(asked.inputs, asked.seed)
        return
    import build_library

    here = build_library.LEVELS.get("x86_64", {})
    for level in set(here) - set(runnable()):  # the sanitizers make compiling slow
        del here[level]
    with tempfile.TemporaryDirectory(prefix="sarcodec-fuzz-") as folder:
        build_library.build(Path(folder), extra=[*build_library.SANITIZERS, "-O2"])
        runtime = subprocess.run(
            [os.environ.get("CC", "gcc"), "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
        )
        environment = os.environ | {
            _FOLDER: folder,
            "LD_PRELOAD": runtime.stdout.strip(),
            "ASAN_OPTIONS": "detect_leaks=0",
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }
        raise SystemExit(subprocess.run([sys.executable, *sys.argv], env=environment).returncode)


if __name__ == "__main__":
    main()

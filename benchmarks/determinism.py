"""Tries whether a file decodes to the same symbols whatever computes it, and how far apart pixels are.

    python benchmarks/determinism.py [--data FOLDER] [--model ID] [--out FILE.json]

Symbols: files of tests/golden, and images of FOLDER/val at quality 50 (a simulated scene where there are none), each
decoded in fresh processes with 1 and 2 workers, tiles forwards, backwards and shuffled, with a BLAS of two threads, and
with the matrix kernels of other processors where numpy's OpenBLAS has them; one checksum a file, status 1 if there are
two. Pixels: levels in dB of one scene with the matrix kernels of several processors, before they are rounded to the
scene's dtype.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import sarcodec
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.decoding.workers import workers
from sarcodec.errors import UnknownModel
from sarcodec.format.reader import FileReader
from sarcodec.simulate.product import simulate

ROOT = Path(__file__).resolve().parents[1]
QUALITIES = (30, 50, 70)
ORDERS = ("forwards", "backwards", "shuffled")
KERNELS = ("Prescott", "Nehalem", "Haswell", "SkylakeX")


@dataclass(frozen=True)
class Way:
    """How one process decodes: workers, order of tiles, threads a matrix product, kernels ('' for this processor's)."""

    workers: int
    order: str
    blas_threads: int = 1
    kernels: str = ""

    def __str__(self) -> str:
        text = f"{self.workers} worker{'s' * (self.workers > 1)}, {self.order}"
        text += f", BLAS of {self.blas_threads} threads" if self.blas_threads > 1 else ""
        return text + (f", kernels for {self.kernels}" if self.kernels else "")


@dataclass(frozen=True)
class Symbols:
    """One file: how many symbols, their checksum for every way, and whether they are all the same."""

    file: str
    symbols: int
    checksums: dict[str, str] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        return len(set(self.checksums.values())) == 1


@dataclass(frozen=True)
class Difference:
    """Levels by the kernels of two processors on one file: 99.9th percentile and maximum of the absolute difference in dB."""

    quality: float
    first: str
    second: str
    percentile_db: float
    largest_db: float


def ways() -> list[Way]:
    """Workers and orders, a BLAS with threads, then other kernels."""
    plain = [Way(count, order) for count in (1, 2) for order in ORDERS]
    return plain + [Way(1, "forwards", 2)] + [Way(1, "forwards", 1, kernels) for kernels in KERNELS]


def ordered(places: list, order: str) -> list:
    """Places forwards, backwards or shuffled."""
    if order == "shuffled":
        return [places[i] for i in np.random.default_rng(5).permutation(len(places))]
    return places[::-1] if order == "backwards" else places


def places_of(file: FileReader) -> list[tuple[int, int]]:
    return [divmod(n, len(file.header.bands)) for n in range(file.header.entry_count)]


def symbol_checksum(path: Path, count: int, order: str, blas_threads: int) -> dict:
    """In a child: every symbol of a file, decoded in some order, and their SHA-256 in the order of the file."""
    with workers(count) as pool, FileReader(path) as file, threadpool_limits(limits=blas_threads, user_api="blas"):
        decoder, places = SceneDecoder(file, count), places_of(file)
        chosen = ordered(places, order)
        found = dict(zip(chosen, pool.map(lambda p: decoder.symbols(*p), chosen)))
        kernels = kernels_here()
    total = hashlib.sha256()
    for place in places:
        total.update(found[place].astype("<i4").tobytes())
    return {"symbols": sum(s.size for s in found.values()), "checksum": total.hexdigest(), "kernels": kernels}


def levels(path: Path, target: Path) -> dict:
    """In a child: levels in dB of every tile of a file, one after the other, saved as npy."""
    with FileReader(path) as file:
        decoder = SceneDecoder(file)
        np.save(target, np.concatenate([decoder.learned.levels(*place).reshape(-1) for place in places_of(file)]))
    return {"kernels": kernels_here()}


def kernels_here() -> list[str]:
    """What this process's BLAS computes with."""
    return sorted({str(p.get("architecture")) for p in threadpool_info() if p["user_api"] == "blas"})


def child(words: Sequence[object], environment: dict[str, str]) -> dict:
    """Run this script anew with some environment. RuntimeError with its stderr if it fails."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    if done.returncode:
        raise RuntimeError(f"{words} ended with status {done.returncode}:\n{done.stderr.strip()[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def try_symbols(path: Path) -> Symbols:
    """Decode one file in every way, each in a fresh process."""
    checksums, count = {}, 0
    for way in ways():
        environment = {"OPENBLAS_CORETYPE": way.kernels} if way.kernels else {}
        found = child(["symbols", path, way.workers, way.order, way.blas_threads], environment)
        if way.kernels and found["kernels"] != [way.kernels]:
            continue  # this numpy has another BLAS, or no such kernels: nothing was tried
        count, checksums[str(way)] = found["symbols"], found["checksum"]
    return Symbols(path.name, count, checksums)


def try_pixels(packed: Path, quality: float, folder: Path) -> list[Difference]:
    """Differences of levels for every pair of kernels on one file."""
    found = {}
    for kernels in KERNELS:
        target = folder / f"{kernels}.npy"
        if child(["levels", packed, target], {"OPENBLAS_CORETYPE": kernels})["kernels"] == [kernels]:
            found[kernels] = np.load(target)
    differences = []
    for a, b in itertools.combinations(found, 2):
        size = np.abs(found[a].astype(np.float64) - found[b])
        differences.append(Difference(quality, a, b, float(np.percentile(size, 99.9)), float(size.max())))
    return differences


def find_golden() -> list[Path]:
    """Committed files whose model is installed here."""
    found = []
    for path in sorted((ROOT / "tests" / "golden").glob("v1-*.sarc")):
        try:
            with FileReader(path) as file:
                SceneDecoder(file)
            found.append(path)
        except UnknownModel as error:
            print(f"left out: {path.name}: {error}", file=sys.stderr)
    return found


def find_scenes(data: Path, folder: Path) -> list[Path]:
    """Validation images, the one for pixels first; a simulated scene where there are none."""
    found = sorted(data.glob("val/*/*.tif"), key=lambda p: (p.stem != "berlin", p))
    if not found:
        found = [folder / "simulated.tif"]
        simulate(found[0], 700, 1100, seed=1)
    return found


def compressed(scene: Path, quality: float, model: str | None, folder: Path) -> Path:
    target = folder / f"{scene.stem}-q{quality:g}.sarc"
    if not target.exists():
        sarcodec.compress(scene, target, quality=quality, model=model)
    return target


def as_markdown(symbols: Sequence[Symbols], pixels: Sequence[Difference], scene: str) -> str:
    """Checksums of every file, then differences of levels."""
    tried = list(symbols[0].checksums)
    lines = [
        f"Symbols, each file decoded in {len(tried)} fresh processes: {'; '.join(tried)}",
        "",
        "| file | symbols | SHA-256 | the same every time |",
        "|---|---|---|---|",
    ]
    for s in symbols:
        shown = ", ".join(sorted({c[:16] for c in s.checksums.values()}))
        lines.append(f"| {s.file} | {s.symbols} | {shown} | {'yes' if s.same else 'NO'} |")
    lines += [
        "",
        f"Levels of {scene} in dB, before rounding to the scene's dtype",
        "",
        "| quality | kernels for | 99.9th percentile of the difference | largest |",
        "|---|---|---|---|",
    ]
    lines += [f"| {d.quality:g} | {d.first}, {d.second} | {d.percentile_db:.6f} | {d.largest_db:.6f} |" for d in pixels]
    return "\n".join(lines)


def write_json(path: Path, symbols: Sequence[Symbols], pixels: Sequence[Difference]) -> None:
    """Everything that was measured."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    document = {"symbols": [asdict(s) | {"same": s.same} for s in symbols], "levels": [asdict(d) for d in pixels]}
    part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val (SARCODEC_DATA)")
    parser.add_argument("--model", help="as in compress")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args()


def answer(words: list[str]) -> dict:
    """What a child was asked."""
    if words[0] == "symbols":
        return symbol_checksum(Path(words[1]), int(words[2]), words[3], int(words[4]))
    return levels(Path(words[1]), Path(words[2]))


def main() -> int:
    """Measure and print. Status 1 if a file gave two checksums."""
    arguments = parse_arguments()
    if arguments.child:
        print(json.dumps(answer(arguments.child)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenes = find_scenes(arguments.data, folder)
        files = find_golden()
        files += [compressed(scene, 50, arguments.model, folder) for scene in scenes]
        symbols = [try_symbols(path) for path in files]
        pixels = []
        for quality in QUALITIES:
            pixels += try_pixels(compressed(scenes[0], quality, arguments.model, folder), quality, folder)
        print(as_markdown(symbols, pixels, scenes[0].stem))
        if arguments.out:
            write_json(arguments.out, symbols, pixels)
    return int(not all(s.same for s in symbols))


if __name__ == "__main__":
    sys.exit(main())

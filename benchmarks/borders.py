"""Measures what tile borders do: windows against the whole decode, and the error beside borders against elsewhere.

    python benchmarks/borders.py [--data FOLDER] [--qualities 30,50,70] [--model ID] [--size 2048] [--out FILE.json]

Scenes: images of FOLDER/val that are larger than a tile, FOLDER/products, and a simulated one of SIZE x SIZE pixels.
`windows`: random windows, each equal bit for bit to the same part of the whole decode (status 1 if one is not).
`beside / elsewhere`: RMSE within 16 px of inner tile borders over RMSE of all other pixels. This mixes the border's
own effect with what happens to lie there; `lattices` says how much: mean and deviation of that ratio where the lattice
is drawn along other cells, at which there is no border. `with / without` takes the scene out: the same pixels, once
with the border there and once with the scene cut so that the tiles fall elsewhere and the cells do not; its standard
error is a bootstrap over the 32 px pieces of the borders.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rasterio.errors import NotGeoreferencedWarning

import sarcodec
from sarcodec.decoding.tile import CELL_PX, TILE_CELLS, TILE_PX
from sarcodec.format.scene import excerpt
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import SceneWriter, open_scene
from sarcodec.signal.radiometry import Measure, normalise
from sarcodec.simulate.product import simulate

BESIDE_PX = 16
SHIFT_PX = TILE_PX // 2  # where the second cut of a scene begins: whole cells, and borders as far away as can be
LATTICES = 40
DRAWS = 400
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Beside:
    """Squared errors near one band's borders: sums and counts over 32 px pieces, with the border there and without."""

    with_border: np.ndarray
    without: np.ndarray
    count: np.ndarray


@dataclass(frozen=True)
class Result:
    """One scene at one quality. Ratios of RMSE, all bands together; None where the scene has no pixels to tell."""

    scene: str
    quality: float
    bits_per_pixel: float
    rmse_db: float
    windows: int
    windows_equal: int
    beside_to_elsewhere: float
    lattices_mean: float
    lattices_deviation: float
    with_to_without: float | None
    standard_error: float | None
    compared_pixels: int


def near_lines(size: int, first: int) -> np.ndarray:
    """True for pixels 0..size-1 within BESIDE_PX of the lines first, first + 512, ..., the scene's edges left out."""
    place = np.arange(size)
    near = np.zeros(size, bool)
    for line in range(first, size, TILE_PX):
        if line > 0:
            near |= (place >= line - BESIDE_PX) & (place < line + BESIDE_PX)
    return near


def beside(shape: tuple[int, int], row: int = TILE_PX, col: int = TILE_PX) -> np.ndarray:
    """Pixels within BESIDE_PX of a lattice of lines whose first inner ones are at `row` and `col`."""
    return near_lines(shape[0], row)[:, None] | near_lines(shape[1], col)[None]


def rmse_ratio(squares: np.ndarray, near: np.ndarray) -> float:
    """RMSE where `near` over RMSE elsewhere; squares (bands, rows, cols), NaN where invalid."""
    return float(np.sqrt(np.nanmean(squares[:, near]) / np.nanmean(squares[:, ~near])))


def other_lattices(squares: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The ratio on lattices along other cells, none of whose lines is a tile border; lines in the same directions."""
    shape = squares.shape[1:]
    places = (random.integers(1, TILE_CELLS, (LATTICES, 2)) * CELL_PX).tolist()
    firsts = [[place if n > TILE_PX else n for place, n in zip(pair, shape)] for pair in places]
    return np.array([rmse_ratio(squares, beside(shape, *first)) for first in firsts])


def squared_errors(scene: Path, packed: Path) -> np.ndarray:
    """(level of what came back - level)^2 in dB^2, float32 (bands, rows, cols), NaN where invalid."""
    with sarcodec.open(packed, reconstruct="log") as compressed, open_scene(scene) as reader:
        decoded, domain = compressed.read(), sarcodec.info(packed).domain
        squares = np.full(decoded.shape, np.nan, np.float32)
        for band, pixels in enumerate(decoded):
            measure = Measure(domain, nodata=reader.info.nodata[band])
            level, valid = normalise(reader.read(band, Window(0, 0, *pixels.shape)), measure)
            squares[band][valid] = np.square(normalise(pixels, measure)[0] - level)[valid]
    return squares


def windows_equal(packed: Path, count: int, random: np.random.Generator) -> int:
    """How many of `count` random windows equal the whole; every fourth is read by a decoder that has read nothing."""
    with sarcodec.open(packed, reconstruct="log") as compressed:
        whole = compressed.read()
        return sum(_window_equals(packed, None if n % 4 == 0 else compressed, whole, random) for n in range(count))


def _window_equals(packed: Path, opened, whole: np.ndarray, random: np.random.Generator) -> bool:
    ends = [sorted(random.integers(0, n + 1, 2).tolist()) for n in whole.shape[1:]]
    row, col = (min(a, n - 1) for (a, _), n in zip(ends, whole.shape[1:]))
    row_end, col_end = max(ends[0][1], row + 1), max(ends[1][1], col + 1)
    bands = sorted(random.choice(len(whole), random.integers(1, len(whole) + 1), replace=False).tolist())
    window = Window(row, col, row_end - row, col_end - col)
    if opened is not None:
        part = opened.read([band + 1 for band in bands], window=window.slices)
    else:
        with sarcodec.open(packed, reconstruct="log") as fresh:
            part = fresh.read([band + 1 for band in bands], window=window.slices)
    return part.tobytes() == whole[bands][:, row:row_end, col:col_end].tobytes()


def cut(scene: Path, target: Path, first_row: int, first_col: int) -> None:
    """The scene without its first rows and columns."""
    with open_scene(scene) as reader:
        window = Window(first_row, first_col, reader.info.rows - first_row, reader.info.cols - first_col)
        bands = list(range(reader.info.count))
        with SceneWriter(target, excerpt(reader.info, window, bands), True) as writer:
            for band in bands:
                writer.write(band, Window(0, 0, *window.shape), reader.read(band, window))


def shifts(shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns to cut off, so that tiles fall elsewhere: none along an axis that has no inner border."""
    return tuple(SHIFT_PX if n > TILE_PX else 0 for n in shape)


def compare(here: np.ndarray, there: np.ndarray, first: tuple[int, int]) -> Beside:
    """Pieces of the borders of `here` (whole scene) and of `there` (cut by `first`), each against the other.

    Both were cut along the same cells. Pixels near a border of both, or near the cut, tell nothing and are left out.
    """
    here = here[:, first[0] :, first[1] :]
    shape = here.shape[1:]
    ours, theirs = beside(shape, *(TILE_PX - f for f in first)), beside(shape)
    for axis, size in enumerate(first):
        if size:  # beside the cut the second scene has lost its neighbours
            edge = [slice(None)] * 2
            edge[axis] = slice(0, 3 * CELL_PX)
            ours[tuple(edge)] = theirs[tuple(edge)] = False
    both = ours & theirs
    parts = []
    for bordered, plain, near in ((here, there, ours & ~both), (there, here, theirs & ~both)):
        valid = near & np.isfinite(bordered) & np.isfinite(plain)
        parts.append([pieces(np.where(valid, s, 0)) for s in (bordered, plain, valid.astype(np.float32))])
    return Beside(*(np.concatenate(p) for p in zip(*parts)))


def pieces(values: np.ndarray) -> np.ndarray:
    """Sums over squares of 32 px, (n,) float64."""
    grown = np.pad(values, [(0, 0), *((0, -n % CELL_PX) for n in values.shape[1:])])
    bands, rows, cols = grown.shape
    blocks = grown.reshape(bands, rows // CELL_PX, CELL_PX, cols // CELL_PX, CELL_PX)
    return blocks.sum((2, 4), dtype=np.float64).reshape(-1)


def with_to_without(parts: Beside, random: np.random.Generator) -> tuple[float | None, float | None]:
    """Ratio of RMSE with and without a border at the same pixels, and its standard error."""
    used = np.flatnonzero(parts.count)
    if not len(used):
        return None, None
    a, b = parts.with_border[used], parts.without[used]
    drawn = random.integers(0, len(used), (DRAWS, len(used)))
    return float(np.sqrt(a.sum() / b.sum())), float(np.sqrt(a[drawn].sum(1) / b[drawn].sum(1)).std())


def measure(scene: Path, quality: float, model: str | None, windows: int, folder: Path) -> Result:
    """Compress the scene twice, whole and cut, and compare."""
    random = np.random.default_rng(7)
    packed, part, part_packed = folder / "scene.sarc", folder / "cut.tif", folder / "cut.sarc"
    report = sarcodec.compress(scene, packed, quality=quality, model=model, overwrite=True)
    squares = squared_errors(scene, packed)
    first = shifts(squares.shape[1:])
    cut(scene, part, *first)
    sarcodec.compress(part, part_packed, quality=quality, model=model, domain=report.domain, overwrite=True)
    beside_parts = compare(squares, squared_errors(part, part_packed), first)
    ratio, error = with_to_without(beside_parts, random)
    others = other_lattices(squares, random)
    return Result(
        scene.stem,
        quality,
        report.bits_per_pixel,
        float(np.sqrt(np.nanmean(squares))),
        windows,
        windows_equal(packed, windows, random),
        rmse_ratio(squares, beside(squares.shape[1:])),
        float(others.mean()),
        float(others.std()),
        ratio,
        error,
        int(beside_parts.count.sum()),
    )


def find_scenes(data: Path) -> list[Path]:
    """Images with an inner tile border: validation images and products."""
    found = []
    for path in sorted([*data.glob("val/*/*.tif"), *data.glob("products/*.tif*")]):
        with open_scene(path) as reader:
            if max(reader.info.rows, reader.info.cols) > TILE_PX:
                found.append(path)
    return found


def as_markdown(results: Sequence[Result]) -> str:
    """One line a scene and quality."""
    names = (
        "scene",
        "quality",
        "bit/pixel",
        "RMSE dB",
        "windows equal",
        "beside / elsewhere",
        "lattices",
        "with / without",
        "pixels",
    )
    rows = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for r in results:
        paired = "-" if r.with_to_without is None else f"{r.with_to_without:.4f} ± {r.standard_error:.4f}"
        equal, lattices = f"{r.windows_equal} of {r.windows}", f"{r.lattices_mean:.4f} ± {r.lattices_deviation:.4f}"
        cells = (
            r.scene,
            f"{r.quality:g}",
            f"{r.bits_per_pixel:.3f}",
            f"{r.rmse_db:.3f}",
            equal,
            f"{r.beside_to_elsewhere:.4f}",
            lattices,
            paired,
            str(r.compared_pixels),
        )
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def write_json(path: Path, results: Sequence[Result]) -> None:
    """Everything that was measured."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps([asdict(r) for r in results], indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val and products (SARCODEC_DATA)")
    parser.add_argument("--qualities", type=_qualities, default=_qualities("30,50,70"), metavar="Q,Q,...")
    parser.add_argument("--model", help="as in compress")
    parser.add_argument("--size", type=int, default=2048, help="side of the simulated scene; 0: none")
    parser.add_argument("--windows", type=int, default=24, help="random windows a scene and quality")
    parser.add_argument("--out", type=Path, help="write everything as JSON")
    return parser.parse_args()


def _qualities(text: str) -> list[float]:
    return [float(word) for word in text.split(",")]


def main() -> int:
    """Measure and print. Status 1 if a window differs from the whole."""
    arguments = parse_arguments()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    with tempfile.TemporaryDirectory() as name:
        folder, scenes = Path(name), find_scenes(arguments.data)
        if arguments.size:
            scenes.append(folder / f"simulated-{arguments.size}.tif")
            simulate(scenes[-1], arguments.size, arguments.size, seed=1)
        results = []
        for scene in scenes:
            for quality in arguments.qualities:
                results.append(measure(scene, quality, arguments.model, arguments.windows, folder))
                print(as_markdown(results[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(as_markdown(results))
    if arguments.out:
        write_json(arguments.out, results)
    return int(any(r.windows_equal < r.windows for r in results))


if __name__ == "__main__":
    sys.exit(main())

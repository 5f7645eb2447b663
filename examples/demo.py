"""The whole walk on one scene: simulate it (or take --input), compress, decompress, evaluate, draw what was lost.

Every verb runs as a user runs it, in a fresh process; what is measured is the file on disk. Needs the extra `plot`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sarcodec.errors import SarcodecError, UnsupportedScene
from sarcodec.format.tiling import TileGrid, Window
from sarcodec.quality.picture import draw_triptych
from sarcodec.raster.geotiff import SceneReader, open_scene
from sarcodec.signal.radiometry import Measure, normalise

SIZE_PX = 1024
PICTURE_PX = 1024


def main() -> int:
    """Run the walk; the exit code of the first verb that fails, or 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--input", type=Path, help="a GeoTIFF of your own instead of a simulated scene")
    parser.add_argument("--out", type=Path, default=Path("demo"), help="folder for what is made (default: demo)")
    parser.add_argument("--quality", default="60", help="0 to 100 (default: 60)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        _walk(options.input, options.out, options.quality)
    except subprocess.CalledProcessError as error:  # the verb itself has said why on stderr
        print(f"demo: {' '.join(error.cmd[3:])} ended with status {error.returncode}", file=sys.stderr)
        return error.returncode
    except SarcodecError as error:
        print(f"demo: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _walk(source: Path | None, out: Path, quality: str) -> None:
    scene, packed, decoded = source or out / "scene.tif", out / "scene.sarc", out / "decoded.tif"
    if source is None:
        options = ["--size", SIZE_PX, SIZE_PX, "--preset", "mixed", "--seed", 1, "--overwrite"]
        _, seconds = _run("simulate", scene, *options)
        print(f"simulated    {scene} in {seconds:.1f} s: no satellite saw it")
    report, seconds = _run("compress", scene, packed, "--quality", quality, "--overwrite", "--json")
    _say_size(scene, packed, json.loads(report)["quality"], seconds)
    _, seconds = _run("decompress", packed, decoded, "--overwrite")
    print(f"decompressed {decoded} in {seconds:.1f} s")
    found = json.loads(_run("evaluate", scene, decoded, "--json")[0])
    lines = list(_say_errors(found))
    picture = out / "original-decoded-error.png"
    _draw(picture, scene, decoded, _measure_of(found), [f"{packed.stat().st_size:,} bytes", *lines])
    print(f"picture      {picture}")


def _run(*words: object) -> tuple[str, float]:
    """stdout and seconds of one command, with the start of Python in them."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "sarcodec", *map(str, words)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout, time.perf_counter() - began


def _say_size(scene: Path, packed: Path, quality: float, seconds: float) -> None:
    with open_scene(scene) as reader:
        info = reader.info
    samples, size = info.rows * info.cols * info.count, packed.stat().st_size
    raw = samples * np.dtype(info.dtype).itemsize
    print(f"scene        {info.count} bands of {info.rows} x {info.cols} {info.dtype} pixels: {raw:,} bytes of pixels")
    print(
        f"compressed   {packed} in {seconds:.1f} s at quality {quality:g}: {size:,} bytes, "
        f"{raw / size:.1f} times smaller than the pixels "
        f"({scene.stat().st_size / size:.1f} times smaller than {scene.name}), "
        f"{8 * size / samples:.3f} bits per pixel and band"
    )


def _say_errors(found: dict) -> Iterator[str]:
    for band in found["bands"]:
        errors = band["errors"]
        line = (
            f"band {band['band']}: no valid pixel"
            if errors is None
            else (
                f"band {band['band']}: RMSE {errors['rmse_db']:.3f} dB, bias {errors['bias_power_db']:+.4f} dB, "
                f"99.9 % of pixels within {errors['p999_abs_error_db']:.2f} dB"
            )
        )
        print(f"error        {line}")
        yield line
    print(f"invalid      {found['invalid']:,} pixels, all back bit by bit")


def _measure_of(found: dict) -> Measure:
    """What the first band measures, out of the report."""
    said = found["bands"][0]["measure"]
    if said is None:
        raise UnsupportedScene("band 1 is no radar; take a scene whose first band is")
    nodata = None if said["nodata"] is None else float(said["nodata"])
    return Measure(said["domain"], said["scale"], said["offset"], nodata, tuple(said["fills"]))


def _draw(picture: Path, scene: Path, decoded: Path, measure: Measure, footer: list[str]) -> None:
    with open_scene(scene) as before, open_scene(decoded) as after:
        window = _window_to_draw(before, measure)
        level, valid = normalise(before.read(0, window), measure)
        level_decoded, _ = normalise(after.read(0, window), measure)
    place = f"band 1, {window.rows} x {window.cols} pixels at row {window.row}, column {window.col}"
    draw_triptych(picture, level, level_decoded, valid, f"{scene.name}: {place}", footer)


def _window_to_draw(scene: SceneReader, measure: Measure) -> Window:
    """The centre of the scene, or the first square with more than half of its pixels valid, or the best there is."""
    info = scene.info
    rows, cols = min(info.rows, PICTURE_PX), min(info.cols, PICTURE_PX)
    grid = TileGrid(info.rows, info.cols, PICTURE_PX)
    centre = Window((info.rows - rows) // 2, (info.cols - cols) // 2, rows, cols)
    best, most = centre, -1.0
    for window in [centre, *map(grid.window, range(grid.count))]:
        share = float(normalise(scene.read(0, window), measure)[1].mean())
        if share > 0.5:
            return window
        if share > most:
            best, most = window, share
    return best


if __name__ == "__main__":
    sys.exit(main())

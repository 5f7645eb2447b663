"""Every kind of input through the codec in fresh processes: error by kind, invalid pixels, description.

    python benchmarks/inputs.py [--quality 60] [--data DIR] [--out FILE.json]

One simulated scene is written as each pixel type and domain, with every kind of invalid pixel that it can have; the products of
DATA are tried as they are. Markdown on stdout.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from sarcodec.format.scene import SceneInfo
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import write_array
from sarcodec.simulate.scene import SceneSimulator

SIZE = 700
NAN_WITH_PAYLOAD = np.array([0x7FC01234], np.uint32).view(np.float32)[0]


def kinds(amplitude: np.ndarray) -> dict[str, tuple[np.ndarray, str, float | None]]:
    """Name -> (pixels, domain, nodata) of one scene; amplitude (bands, rows, cols) float64 DN above 0."""
    power, floats = (amplitude / 500) ** 2, np.float32
    made = {
        "uint8 amplitude": (np.clip(amplitude / 4, 1, 255).astype(np.uint8), "amplitude", 0.0),
        "uint16 amplitude": (np.clip(amplitude, 1, 65535).astype(np.uint16), "amplitude", 0.0),
        "int16 amplitude": (np.clip(amplitude, 1, 32767).astype(np.int16), "amplitude", -32768.0),
        "float32 amplitude": (amplitude.astype(floats), "amplitude", None),
        "float32 power": (power.astype(floats), "power", None),
        "float32 dB": ((10 * np.log10(power)).astype(floats), "db", -9999.0),
    }
    for pixels, domain, nodata in made.values():
        spoil(pixels, domain, nodata)
    return made


def spoil(pixels: np.ndarray, domain: str, nodata: float | None) -> None:
    """Put in every kind of invalid pixel that the type and domain have: a border, a block, single pixels."""
    marks = [] if nodata is None else [nodata]
    if pixels.dtype.kind == "f":
        marks += [np.nan, NAN_WITH_PAYLOAD, np.inf, -np.inf]
    if domain != "db":
        marks += [0] + ([-0.0, -1e-4, -3.5] if pixels.dtype.kind == "f" else [-5] if pixels.dtype == np.int16 else [])
    for i, mark in enumerate(marks):
        pixels[:, 40 * i : 40 * i + 17, : 50 + 31 * i] = mark
        pixels[:, 300 + i :: 97, 5 + i :: 89] = mark


def tried(source: Path, domain: str, quality: float, folder: Path) -> dict:
    """Compress, then verify against the original, each in a process of its own."""
    target = folder / "tried.sarc"
    run = lambda *words: subprocess.run(
        [sys.executable, "-m", "sarcodec", *map(str, words)], check=True, capture_output=True, text=True
    )
    written = json.loads(
        run("compress", source, target, "--quality", quality, "--domain", domain, "--overwrite", "--json").stdout
    )
    found = json.loads(run("verify", target, "--against", source, "--json").stdout)
    return {"bits_per_pixel": written["bits_per_pixel"], **found["comparison"]}


def simulated(folder: Path) -> list[tuple[str, Path, str]]:
    pixels = SceneSimulator(SIZE, SIZE, ("VV",), seed=11).pixels(Window(0, 0, SIZE, SIZE)).astype(np.float64)
    sources = []
    for name, (array, domain, nodata) in kinds(np.maximum(pixels, 1)).items():
        path = folder / (name.replace(" ", "-") + ".tif")
        write_array(path, array, SceneInfo(SIZE, SIZE, 1, str(array.dtype), nodata=(nodata,)))
        sources.append((name, path, domain))
    return sources


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quality", type=float, default=60)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("SARCODEC_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        products = [(p.name, p, "auto") for p in sorted((options.data / "products").glob("*.tif*"))]
        for label, path, domain in simulated(folder) + products:
            rows.append({"input": label, **tried(path, domain, options.quality, folder)})
    print(
        "| input | bit/pixel | RMSE dB | bias dB | largest error dB | invalid pixels identical | valid stay valid | description identical |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(
            f"| {r['input']} | {r['bits_per_pixel']:.3f} | {r['rmse_db']:.4f} | {r['bias_power_db']:+.4f} | {r['max_abs_error_db']:.2f} | "
            f"{r['invalid_identical']} | {r['valid_stay_valid']} | {r['description_identical']} |"
        )
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()

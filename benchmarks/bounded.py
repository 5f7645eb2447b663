"""A bound on every pixel, and lossless: bytes and largest errors, beside SZ3, LERC, JPEG XL and JPEG-LS in the same run.

    python benchmarks/bounded.py [--data FOLDER] [--bounds 0.5,1] [--fuzz 300] [--out FILE.json]

Every band of FOLDER/val/{iw,slc,ew} is written as a plain uint16 GeoTIFF and compressed; the files of a bound are read back by one fresh
process, which has seen nothing of the originals. SZ3 and LERC
code L = 20 log10(max(DN, 1)) in float32 with the same absolute bound, JPEG XL codes round(L / 2E) without loss (its pixels, rounded to
DN, do not hold the bound); all peers in this process, their stream alone counted. Violations are counted in whole numbers or, for the
fuzzed scenes, as the tests do. Needs the extra `bench`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
from rasterio.errors import NotGeoreferencedWarning
from rd_val import ROOT, Band, find_bands, level_db, read_band, write_plain

import sarcodec
from sarcodec.format.partition import within
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec.signal.radiometry import AMPLITUDE, valid_mask

READ_BACK = """
import sys, numpy, sarcodec
for number in range(int(sys.argv[2])):
    with sarcodec.open(f"{sys.argv[1]}/{number}.sarc") as scene:
        numpy.save(f"{sys.argv[1]}/{number}.npy", scene.read()[0])
"""

sys.path.insert(0, str(ROOT / "tests"))
from api.fuzzed import fuzzed_scene  # noqa: E402


def written(bands: list[Band], folder: Path, options: dict) -> list[int]:
    """Compress every band to `folder`/NUMBER.sarc; gives bytes on disk."""
    sizes = []
    for number, band in enumerate(bands):
        scene, packed = folder / "scene.tif", folder / f"{number}.sarc"
        write_plain(scene, read_band(band.path, band.number))
        sarcodec.compress(scene, packed, overwrite=True, **options)
        sizes.append(packed.stat().st_size)
        print(f"{band.name}: {sizes[-1]} bytes", file=sys.stderr, flush=True)
    return sizes


def read_back(bands: list[Band], folder: Path) -> list[np.ndarray]:
    """Pixels of the files in `folder`, decompressed by a fresh process."""
    subprocess.run([sys.executable, "-c", READ_BACK, str(folder), str(len(bands))], check=True)
    return [np.load(folder / f"{number}.npy") for number in range(len(bands))]


def jpeg_xl(image: np.ndarray, effort: int) -> int:
    """Bytes of a lossless stream."""
    return len(imagecodecs.jpegxl_encode(image, lossless=True, effort=effort, numthreads=1, usecontainer=False))


def bounded_row(band: Band, bound_db: float, size: int, back: np.ndarray) -> dict:
    """Bit/pixel of sarcodec and the peers at a bound, and what came back of sarcodec's file."""
    dn = read_band(band.path, band.number)
    valid, bound = dn > 0, round(1000 * bound_db)
    off = int((~within(dn[valid], back[valid], AMPLITUDE, bound)).sum()) + int((back[~valid] != dn[~valid]).sum())
    level = level_db(dn).astype(np.float32)
    steps = np.rint(level_db(dn) / (2 * bound_db)).astype(np.uint8)
    sizes = {
        "sarcodec": size,
        "jxl effort 7": jpeg_xl(steps, 7),
        "jxl effort 9": jpeg_xl(steps, 9),
        "sz3": len(imagecodecs.sz3_encode(level, mode="abs", abs=bound_db)),
        "lerc": len(imagecodecs.lerc_encode(level, level=bound_db, compression="zstd")),
    }
    largest = float(np.abs(level_db(back) - level_db(dn))[valid].max(initial=0))
    bits = {name: 8 * n / dn.size for name, n in sizes.items()}
    return {"band": band.name.removesuffix(".npy"), "bits": bits, "largest_error_db": largest, "violations": off}


def lossless_row(band: Band, size: int, back: np.ndarray) -> dict:
    """Bit/pixel of a lossless file and of the peers."""
    dn = read_band(band.path, band.number)
    sizes = {
        "sarcodec": size,
        "jxl effort 7": jpeg_xl(dn, 7),
        "jxl effort 9": jpeg_xl(dn, 9),
        "jpeg-ls": len(imagecodecs.jpegls_encode(dn)),
    }
    bits = {name: 8 * n / dn.size for name, n in sizes.items()}
    return {"band": band.name.removesuffix(".npy"), "bits": bits, "violations": int((back != dn).sum())}


def fuzz(count: int, folder: Path) -> dict:
    """Violations over random scenes of every dtype and domain: extremes, constants, masks, single pixels."""
    pixels = violations = 0
    for seed in range(count):
        scene = fuzzed_scene(seed)
        source, packed = folder / "fuzz.tif", folder / "fuzz.sarc"
        bands, rows, cols = scene.pixels.shape
        info = SceneInfo(rows, cols, bands, scene.pixels.dtype.name, nodata=(scene.nodata,) * bands)
        write_array(source, scene.pixels, info, overwrite=True)
        options = {"lossless": True} if scene.bound == 0 else {"max_error_db": scene.bound / 1000}
        sarcodec.compress(source, packed, domain=scene.domain, overwrite=True, threads=1, **options)
        sarcodec.decompress(packed, folder / "back.tif", overwrite=True, threads=1)
        violations += scene.violations(read_array(folder / "back.tif")[0], valid_mask, within)
        pixels += scene.pixels.size
    return {"scenes": count, "pixels": pixels, "violations": violations}


def table(title: str, rows: list[dict]) -> str:
    """Bit/pixel of every codec, a line a band, and their mean."""
    names = list(rows[0]["bits"])
    extra = [name for name in ("largest_error_db", "violations") if name in rows[0]]
    lines = [title, "", "| band | " + " | ".join(names + [name.replace("_", " ") for name in extra]) + " |"]
    lines.append("|---" * (1 + len(names) + len(extra)) + "|")
    for row in rows:
        cells = [f"{row['bits'][name]:.3f}" for name in names] + [f"{row[name]:.6g}" for name in extra]
        lines.append(f"| {row['band']} | " + " | ".join(cells) + " |")
    means = [f"{np.mean([row['bits'][name] for row in rows]):.4f}" for name in names]
    worst = [f"{(max if name != 'violations' else sum)([row[name] for row in rows]):.6g}" for name in extra]
    return "\n".join([*lines, "| **mean** (largest, sum) | " + " | ".join(means + worst) + " |", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("SARCODEC_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data, help="holds val (SARCODEC_DATA)")
    parser.add_argument("--bounds", default="0.5,1", help="largest errors in dB")
    parser.add_argument("--fuzz", type=int, default=300, help="how many random scenes")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    found: dict = {}
    with tempfile.TemporaryDirectory() as name:
        folder, bands = Path(name), find_bands(options.data)
        for bound in map(float, filter(None, options.bounds.split(","))):
            sizes = written(bands, folder, {"max_error_db": bound})
            back = read_back(bands, folder)
            rows = [bounded_row(band, bound, *pair) for band, *pair in zip(bands, sizes, back)]
            found[f"bound {bound:g} dB"] = rows
            print(table(f"At most {bound:g} dB", rows), flush=True)
        sizes = written(bands, folder, {"lossless": True})
        back = read_back(bands, folder)
        found["lossless"] = [lossless_row(band, *pair) for band, *pair in zip(bands, sizes, back)]
        print(table("Lossless", found["lossless"]), flush=True)
        found["fuzzed"] = fuzz(options.fuzz, folder)
        print("Fuzzed: {scenes} scenes, {pixels} pixels, {violations} violations".format(**found["fuzzed"]))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

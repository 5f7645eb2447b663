"""A large scene through networks of the study: tiles, seconds, memory, bytes, and the error where tiles meet.

    python benchmarks/study_large.py MODEL [MODEL ...] [--size 8192] [--rows ROWS] [--overlap 32] [--work FOLDER]

One band is simulated (`sarcodec simulate --preset mixed --bands VV`). Each model writes and reads it in processes of their own, on
one thread; --rows takes the upper rows of the scene alone, for the large networks. Tiles are of 512 pixels, or of 256 where a network is bound to
them. "seams": mean squared error in dB^2 within 8 pixels of the middle of two tiles' overlap, over that of all other pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array

NEAR_PX = 8
COLUMNS = (
    "model",
    "rows x cols",
    "tiles",
    "overlap px",
    "bytes",
    "bit/pixel",
    "in s",
    "out s",
    "in Mpx/s",
    "out Mpx/s",
)
MORE = ("peak in MiB", "peak out MiB", "RMSE dB", "seams")


def child(words: list[str]) -> dict:
    """What a fresh process on one thread says of its work."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    line = [sys.executable, __file__, "--child", *words]
    return json.loads(subprocess.run(line, stdout=subprocess.PIPE, check=True, env=os.environ | threads).stdout)


def work(verb: str, model: Path, source: Path, out: Path, overlap_px: int) -> dict:
    """In the child: write or read one file."""
    from sarcodec_lab.networks.autoencoders.published import load
    from sarcodec_lab.study.files.coder import decode_scene, encode_scene

    network, said = load(model), {}
    begun = time.process_time()
    if verb == "in":
        said["tiles"] = encode_scene(source, network, 1.0, out, overlap_px, overwrite=True).tiles
    else:
        decode_scene(source, network, out, overwrite=True)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return said | {"seconds": time.process_time() - begun, "peak_mib": peak_mib}


def scene_of(folder: Path, size: int, rows: int) -> Path:
    """The simulated band, or its upper rows, as a GeoTIFF; made once."""
    whole, part = folder / f"large-{size}.tif", folder / f"large-{size}-{rows}.tif"
    if not whole.exists():
        line = ["simulate", str(whole), "--size", str(size), "--preset", "mixed", "--bands", "VV"]
        subprocess.run([sys.executable, "-m", "sarcodec", *line], check=True)
    if rows < size and not part.exists():
        pixels = read_array(whole)[0][:, :rows]
        write_array(part, pixels, SceneInfo(rows, size, 1, "uint16"))
    return whole if rows >= size else part


def errors(source: Path, back: Path, tile_px: int, overlap_px: int) -> tuple[float, float]:
    """RMSE in dB, and mean squared error near the seams over that elsewhere."""
    before, after = (read_array(path)[0][0].astype(np.float32) for path in (source, back))
    squared = (20 * np.log10(np.maximum(after, 1) / np.maximum(before, 1))) ** 2
    near = np.zeros(before.shape, bool)
    for axis in (0, 1):
        for middle in range(tile_px - overlap_px // 2, before.shape[axis], tile_px - overlap_px):
            near[(slice(None),) * axis + (slice(middle - NEAR_PX, middle + NEAR_PX),)] = True
    valid = before > 0
    seams = squared[near & valid].mean() / squared[~near & valid].mean()
    return float(np.sqrt(squared[valid].mean())), float(seams)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--rows", type=int, default=0, help="upper rows alone; 0: all")
    parser.add_argument("--overlap", type=int, default=32)
    parser.add_argument("--work", type=Path, default=Path("runs/large"))
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        verb, model, source, out, overlap_px = options.child
        print(json.dumps(work(verb, Path(model), Path(source), Path(out), int(overlap_px))))
        return 0
    options.work.mkdir(parents=True, exist_ok=True)
    rows = options.rows or options.size
    source = scene_of(options.work, options.size, rows)
    pixels = rows * options.size
    print("| " + " | ".join(COLUMNS + MORE) + " |\n" + "|---" * len(COLUMNS + MORE) + "|", flush=True)
    for model in options.models:
        file, back = (options.work / f"{model.name}-{rows}.{suffix}" for suffix in ("sara", "tif"))
        forth = child(["in", str(model), str(source), str(file), str(options.overlap)])
        came = child(["out", str(model), str(file), str(back), str(options.overlap)])
        tile_px = 256 if json.loads((model / "card.json").read_text())["variant"] == "attention" else 512
        rmse_db, seams = errors(source, back, tile_px, options.overlap)
        size, seconds = file.stat().st_size, [forth["seconds"], came["seconds"]]
        cells = [model.name, f"{rows} x {options.size}", str(forth["tiles"]), str(options.overlap), f"{size:,}"]
        cells += [
            f"{8 * size / pixels:.4f}",
            *(f"{s:.1f}" for s in seconds),
            *(f"{pixels / 1e6 / s:.2f}" for s in seconds),
        ]
        cells += [f"{forth['peak_mib']:,.0f}", f"{came['peak_mib']:,.0f}", f"{rmse_db:.3f}", f"{seams:.3f}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

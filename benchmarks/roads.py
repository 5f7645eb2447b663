"""Measures each road from a large scene to a first picture and to a window: seconds, and bytes of the file that are read, beside a COG of the same scene.

    python benchmarks/roads.py [--rows 8192] [--cols 8192] [--quality 60] [--repeats 3] [--folder FOLDER] [--only ROAD,...] [--out FILE.json]

The scene: `sarcodec simulate` of that size, VV alone, with control points; the COG: `sarcodec decompress --cog` of its file. First picture: the whole scene at 1/32 of
its resolution; window: 1,024 x 1,024 px at full resolution from the middle of it. Each is measured in a process of its own that has loaded its modules and nothing of the file: from opening to
pixels, the least of REPEATS, roads in turn. Bytes: what that process reads of the file (of a mount another process reads it, and they are left out). The window's pixels have to be those of the COG (but for the reader that warps), and status
is 1 where they are not. Roads whose package is missing are left out and named.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

PREAMBLE = """
import json, os, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, rasterio, sarcodec, sarcodec.rasterio
from rasterio.windows import Window
from sarcodec.format.source import PathSource
scene, cog, first, aside, side = sys.argv[1], sys.argv[2], sys.argv[3] == "first", sys.argv[4], 32
read_bytes, plain = 0, PathSource.read
def counted(self, offset, length):
    global read_bytes
    read_bytes += length
    return plain(self, offset, length)
PathSource.read = counted
def by_rasterio(dataset):
    rows, cols = dataset.height // 2 - 512, dataset.width // 2 - 512
    if first:
        return dataset.read(1, out_shape=(-(-dataset.height // side), -(-dataset.width // side)))
    return dataset.read(1, window=Window(cols, rows, 1024, 1024))
def middle(height, width):
    return slice(height // 2 - 512, height // 2 + 512), slice(width // 2 - 512, width // 2 + 512)
class Counted:
    def __init__(self, path):
        self.file = open(path, "rb")
    def read(self, size=-1):
        global read_bytes
        data = self.file.read(size)
        read_bytes += len(data)
        return data
    def __getattr__(self, name):
        return getattr(self.file, name)
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.file.close()
"""
EPILOGUE = """
seconds = time.perf_counter() - began
np.save(os.path.join(aside, "pixels.npy"), np.asarray(pixels))
print(json.dumps({"seconds": seconds, "bytes": read_bytes}))
globals().get("after", lambda: None)()
"""
ROADS = {  # what is loaded before, and what is measured
    "COG": ("", "pixels = by_rasterio(rasterio.open(cog, opener=lambda path, mode='rb', **options: Counted(path)))"),
    "sarcodec.open": (
        "",
        "s = sarcodec.open(scene)\npixels = s.read(1, reduce=side) if first else s.read(1, window=middle(*s.shape))",
    ),
    "rasterio": ("", "pixels = by_rasterio(sarcodec.rasterio.open(scene))"),
    "xarray": (
        "import xarray, sarcodec.xarray",
        "s = xarray.open_datatree(scene, engine='sarcodec', mask_and_scale=False)\nds = s['reduced_32' if first else 'full'].ds\nband = ds[next(iter(ds.data_vars))]\n"
        "pixels = band.values if first else band[middle(*band.shape)].values",
    ),
    "VRT": (
        "import sarcodec.vrt\nsarcodec.vrt.write(scene, os.path.join(aside, 'a.vrt'), overwrite=True)\n"
        "env = rasterio.Env(GDAL_VRT_ENABLE_PYTHON='TRUSTED_MODULES', GDAL_VRT_PYTHON_TRUSTED_MODULES='sarcodec.vrt')\nenv.__enter__()",
        "pixels = by_rasterio(rasterio.open(os.path.join(aside, 'a.vrt')))",
    ),
    "serve": (
        "import threading\nfrom sarcodec.doors.server import Server\nserver = Server(os.path.dirname(scene), port=0)\n"
        "threading.Thread(target=server.serve_forever, daemon=True).start()\n"
        "env = rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN='EMPTY_DIR', CPL_VSIL_CURL_ALLOWED_EXTENSIONS='.tif')\nenv.__enter__()",
        "pixels = by_rasterio(rasterio.open(f'/vsicurl/{server.url}scene.tif'))",
    ),
    "Zarr": (
        "import zarr, sarcodec.zarr\nfrom zarr.storage import LocalStore\nfolder = os.path.join(aside, 'z', 'c', '0', '0')\nos.makedirs(folder)\n"
        "os.symlink(scene, os.path.join(folder, '0'))\n"
        "open(os.path.join(aside, 'z', 'zarr.json'), 'w').write(json.dumps(sarcodec.zarr.metadata(scene)))\nread_bytes = 0\n"
        "class Store(LocalStore):\n    async def get(self, key, prototype=None, byte_range=None):\n        global read_bytes\n"
        "        found = await super().get(key, prototype, byte_range)\n        read_bytes += len(found) if found and key.startswith('c') else 0\n"
        "        return found\n",
        "z = zarr.open_array(Store(os.path.join(aside, 'z'), read_only=True), mode='r')\npixels = z[(0, *middle(*z.shape[1:]))]",
    ),
    "TiTiler's reader": (
        "from sarcodec.titiler import Reader",
        "with Reader(scene) as s:\n    pixels = s.preview(max_size=s.dataset.width // side).data if first else by_rasterio(s.dataset)",
    ),
    "mount": (
        "import subprocess\nwhere = os.path.join(aside, 'mounted')\nos.mkdir(where)\n"
        "job = subprocess.Popen([sys.executable, '-m', 'sarcodec', 'mount', os.path.dirname(scene), where])\n"
        "while not os.path.ismount(where):\n    assert job.poll() is None\n    time.sleep(0.1)\n"
        "after = lambda: (job.send_signal(2), job.wait())",
        "pixels = by_rasterio(rasterio.open(os.path.join(where, 'scene.tif')))\nread_bytes = None",
    ),
}
NO_PICTURE, WARPED = ("Zarr",), ("TiTiler's reader",)


@dataclass(frozen=True)
class Measured:
    """One road. what: 'first' picture or 'window'."""

    road: str
    what: str
    seconds: float
    bytes: int | None


def main() -> int:
    """Measure, print a table; 1 where pixels differ."""
    options = parsed()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        scene, cog = made(folder, options)
        roads = options.only.split(",") if options.only else list(ROADS)
        found: dict[tuple[str, str], Measured] = {}
        bad, missing = [], []
        for _ in range(options.repeats):
            for road in roads:
                for what in ("first", "window"):
                    if road in missing or (what == "first" and road in NO_PICTURE):
                        continue
                    one, pixels = measured(road, what, scene, cog)
                    if one is None:
                        missing.append(road)
                        print(f"left out: {road}: {pixels}", file=sys.stderr)
                        continue
                    if what == "window" and road not in WARPED and not same(pixels, cog):
                        bad.append(road)
                    best = found.get((road, what))
                    if best is None or one.seconds < best.seconds:
                        found[road, what] = one
        report(list(found.values()), scene, cog)
        if options.out:
            Path(options.out).write_text(json.dumps([asdict(one) for one in found.values()], indent=1))
    if bad:
        print(f"pixels differ from those of the COG: {', '.join(sorted(set(bad)))}", file=sys.stderr)
    return bool(bad)


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--cols", type=int, default=8192)
    parser.add_argument("--quality", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", help="keep scene.sarc and scene.cog.tif here, and take those that are there")
    parser.add_argument("--only", help="some roads, with commas between")
    parser.add_argument("--out")
    return parser.parse_args()


def made(folder: Path, options: argparse.Namespace) -> tuple[Path, Path]:
    """The file alone in a folder that can be served, and the COG."""
    import sarcodec
    from sarcodec.simulate.product import simulate

    (folder / "scenes").mkdir(parents=True, exist_ok=True)
    scene, cog, original = folder / "scenes" / "scene.sarc", folder / "scene.cog.tif", folder / "scene.tif"
    if not scene.exists():
        simulate(original, options.rows, options.cols, bands=("VV",), seed=1)
        sarcodec.compress(original, scene, quality=options.quality, effort=0)
        original.unlink()
    if not cog.exists():
        sarcodec.decompress(scene, cog, cog=True)
    return scene.resolve(), cog.resolve()


def measured(road: str, what: str, scene: Path, cog: Path) -> tuple[Measured | None, object]:
    """A road in a process of its own, and its pixels; or None and why not."""
    import numpy as np

    before, body = ROADS[road]
    code = f"{PREAMBLE}\n{before}\nread_bytes = 0\nbegan = time.perf_counter()\n{body}\n{EPILOGUE}"
    with tempfile.TemporaryDirectory() as aside:
        done = subprocess.run(
            [sys.executable, "-c", code, str(scene), str(cog), what, aside],
            capture_output=True,
            text=True,
            env=os.environ,
        )
        if done.returncode:
            return None, (done.stderr.strip().splitlines() or ["it failed"])[-1]
        said = json.loads(done.stdout.strip().splitlines()[-1])
        return Measured(road, what, said["seconds"], said["bytes"]), np.load(Path(aside) / "pixels.npy")


def same(pixels: object, cog: Path) -> bool:
    """Whether they are the middle of the COG."""
    import numpy as np
    import rasterio

    with rasterio.open(cog) as dataset:
        rows, cols = dataset.height // 2 - 512, dataset.width // 2 - 512
        wanted = dataset.read(1, window=((rows, rows + 1024), (cols, cols + 1024)))
    return bool(np.array_equal(np.asarray(pixels), wanted))


def report(found: list[Measured], scene: Path, cog: Path) -> None:
    """A table of Markdown."""
    sizes = scene.stat().st_size, cog.stat().st_size
    print(f"file {sizes[0] / 1e6:.1f} MB, COG {sizes[1] / 1e6:.1f} MB, {len(os.sched_getaffinity(0))} cores\n")
    print("| Road | First picture, s | MB read | Window, s | MB read |\n|---|--:|--:|--:|--:|")
    by_place = {(one.road, one.what): one for one in found}
    for road in dict.fromkeys(one.road for one in found):
        cells = []
        for what in ("first", "window"):
            one = by_place.get((road, what))
            cells += [
                f"{one.seconds:.2f}" if one else "",
                f"{one.bytes / 1e6:.2f}" if one and one.bytes is not None else "",
            ]
        print(f"| {road} | {' | '.join(cells)} |")


if __name__ == "__main__":
    sys.exit(main())

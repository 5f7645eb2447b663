"""Measures a real-sized Sentinel-1 product: into a file, and out again as a folder and as an archive; and whether other tools open it.

    python benchmarks/product.py BLANK.SAFE [--effort 0] [--quality 60]

BLANK.SAFE: a GRDH product whose measurements are blank or missing, with the annotations of VV (such as sarsen's test data). Both measurements are filled
with the blocks of full_scene.py, laid out as ESA does it, the annotations of VH are those of VV, and the manifest is brought up to date. xarray-sentinel
is asked where it is installed (`pip install xarray-sentinel`): its pixels and its calibration beside ours.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import rasterio
from full_scene import BLOCK_PX, LAND, SEA, blocks, varied
from large import say
from processes import compress_command, decompress_command, measure
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.windows import Window

import sarcodec
from sarcodec.products.manifest import read_manifest
from sarcodec.products.updating import Processing, updated

BORDER_PX = 300
PART = ((5000, 5200), (9000, 9300))
TAGS = {"TIFFTAG_SOFTWARE": "Sentinel-1 IPF 003.40", "TIFFTAG_DATETIME": "2021:12:23 06:10:00"}
TAGS["TIFFTAG_IMAGEDESCRIPTION"] = "Sentinel-1B IW GRD HR L1"
LUTS = {"sigma0": "sigmaNought", "beta0": "betaNought", "gamma0": "gamma"}


def make_product(blank: Path, folder: Path) -> Path:
    """A whole product with simulated pixels, in `folder`."""
    product = folder / "S1B_SIMULATED.SAFE"
    if product.exists():
        return product
    shutil.copytree(blank, product, copy_function=shutil.copyfile)
    for path in product.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    text = (product / "manifest.safe").read_bytes()
    objects = read_manifest(text, product.name).objects
    for one in objects:
        if "measurement/" not in one.path:
            _fill(product / one.path)
    annotation = next(path for path in (product / "annotation").glob("*-vv-*.xml"))
    fill_measurements(sorted(product / one.path for one in objects if "measurement/" in one.path), annotation)
    changed = {one.path: ((product / one.path).stat().st_size, _md5(product / one.path)) for one in objects}
    step = Processing("Simulated pixels", "sarcodec", sarcodec.__version__, blank.name, ())
    (product / "manifest.safe").write_bytes(updated(text, changed, step))
    return product


def _fill(path: Path) -> None:
    """What is missing: of VH what VV has, of the preview some bytes."""
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    found = list(path.parent.glob(path.name.split("-vh-")[0] + "-vv-*")) if "-vh-" in path.name else []
    path.write_bytes(found[0].read_bytes().replace(b">VV<", b">VH<") if found else b"made for a measurement")


def fill_measurements(paths: list[Path], annotation: Path) -> None:
    """VH and VV, strips of a row, with the control points of the annotation."""
    tree = ElementTree.parse(annotation)
    cols, rows = (int(tree.findtext(f".//imageInformation/{name}")) for name in ("numberOfSamples", "numberOfLines"))
    points = [
        GroundControlPoint(*(float(p.findtext(name)) for name in ("line", "pixel", "longitude", "latitude", "height")))
        for p in tree.iter("geolocationGridPoint")
    ]
    layout = {"driver": "GTiff", "width": cols, "height": rows, "count": 1, "dtype": "uint16", "blockysize": 1}
    choice, random = blocks((*LAND, *SEA)), np.random.default_rng(1)
    with ExitStack() as stack:
        outs = []
        for path in paths:
            path.unlink(missing_ok=True)
            outs.append(stack.enter_context(rasterio.open(path, "w", **layout)))
            outs[-1].gcps = points, CRS.from_epsg(4326)
            outs[-1].update_tags(**TAGS)
        for row in range(0, rows, BLOCK_PX):
            strip = np.concatenate([varied(choice, random) for _ in range(0, cols, BLOCK_PX)], axis=2)
            strip[:, :, :BORDER_PX] = 0
            window = Window(0, row, cols, min(BLOCK_PX, rows - row))
            for out, path in zip(outs, paths, strict=True):
                out.write(strip[int("-vh-" in path.name), : window.height, :cols], 1, window=window)


def cut_to(product: Path, lines: int, folder: Path) -> Path:
    """The product, or a copy in `folder` of its first lines."""
    found = sorted((product / "measurement").iterdir())
    with rasterio.open(found[0]) as whole:
        if lines >= whole.height:
            return product
    part = folder / "S1B_PART.SAFE"
    shutil.copytree(product, part, ignore=shutil.ignore_patterns("*.tiff"), copy_function=shutil.copyfile)
    for path in (part / "annotation").glob("*.xml"):
        path.write_bytes(re.sub(rb"(<numberOfLines>)\d+", rb"\g<1>%d" % lines, path.read_bytes()))
    for path in found:
        _first_lines(path, part / "measurement" / path.name, lines)
    text = (product / "manifest.safe").read_bytes()
    objects = read_manifest(text, product.name).objects
    changed = {one.path: ((part / one.path).stat().st_size, _md5(part / one.path)) for one in objects}
    step = Processing("First lines", "sarcodec", sarcodec.__version__, product.name, ())
    (part / "manifest.safe").write_bytes(updated(text, changed, step))
    return part


def _first_lines(source: Path, target: Path, lines: int) -> None:
    with rasterio.open(source) as whole:
        layout = {"driver": "GTiff", "width": whole.width, "height": lines, "count": 1, "dtype": "uint16"}
        with rasterio.open(target, "w", blockysize=1, **layout) as out:
            points, crs = whole.gcps
            out.gcps = [point for point in points if point.row <= lines], crs
            out.update_tags(**{key: value for key, value in whole.tags().items() if key in TAGS})
            for row in range(0, lines, BLOCK_PX):
                window = Window(0, row, whole.width, min(BLOCK_PX, lines - row))
                out.write(whole.read(1, window=window), 1, window=window)


def _md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def opened_by_gdal(product: Path, packed: Path) -> bool:
    """Whether GDAL's driver finds both bands, with the pixels of `sarcodec.open`."""
    with sarcodec.open(packed) as scene, rasterio.open(product / "manifest.safe") as found:
        bands = {found.tags(band)["POLARIZATION"]: found.read(band, window=PART) for band in found.indexes}
        same = [np.array_equal(bands[name], scene.read(i, window=PART)) for i, name in enumerate(scene.descriptions, 1)]
    return found.driver == "SAFE" and len(bands) == 2 and all(same)


def beside_xarray_sentinel(product: Path, packed: Path) -> float:
    """The largest relative difference of backscatter; pixels have to be equal."""
    import xarray
    import xarray_sentinel

    worst = 0.0
    rows, cols = (slice(*side) for side in PART)
    with sarcodec.open(packed) as scene:
        for band, name in enumerate(scene.descriptions, 1):
            image = xarray.open_dataset(product, engine="sentinel-1", group=f"IW/{name}").measurement[rows, cols]
            tables = xarray.open_dataset(product, engine="sentinel-1", group=f"IW/{name}/calibration")
            assert np.array_equal(image.values, scene.read(band, window=PART))
            for kind, table in LUTS.items():
                theirs = xarray_sentinel.calibrate_intensity(image, tables[table]).values
                ours = scene.read(band, window=PART, calibrate=kind)
                worst = max(worst, float(np.abs(ours / theirs - 1).max()))
    return worst


def main() -> int:
    """Make, measure, look."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("blank", type=Path)
    parser.add_argument("--effort", type=int, default=0)
    parser.add_argument("--quality", type=float, default=60)
    parser.add_argument(
        "--folder", type=Path, help="where to work, and where the product stays for the next run; takes 6 GB"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        product, packed = make_product(arguments.blank, arguments.folder or folder), folder / "p.sarc"
        say("product made")
        into = measure(compress_command(product, packed, arguments.quality, effort=arguments.effort))
        out = measure(decompress_command(packed, folder / "back.SAFE"))
        archive = measure(decompress_command(packed, folder / "back.zip"))
        size = sum(path.stat().st_size for path in product.rglob("*") if path.is_file())
        print("| step | MB | s | peak, MiB |\n|---|---|---|---|")
        for step, path_bytes, run in (
            ("compress", packed.stat().st_size, into),
            ("decompress to NAME.SAFE", size, out),
            ("decompress to NAME.zip", (folder / "back.zip").stat().st_size, archive),
        ):
            print(f"| {step} | {path_bytes / 1e6:.1f} | {run.seconds:.1f} | {run.peak_mib:.0f} |")
        print("GDAL's SAFE driver opens it:", opened_by_gdal(folder / "back.SAFE", packed))
        if importlib.util.find_spec("xarray_sentinel"):
            print(
                f"backscatter beside xarray-sentinel's: {beside_xarray_sentinel(folder / 'back.SAFE', packed):.1e} at most"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A product's measurements into files of another codec, and back into GeoTIFFs: what `product_codecs.py` runs in fresh processes.

    python benchmarks/product_file.py encode CODEC PRODUCT.SAFE FOLDER [--bytes N]
    python benchmarks/product_file.py decode CODEC FOLDER FOLDER

A file for each polarisation. All by GDAL, with the options that those who publish such files use:

cog       COG, ZSTD, blocks of 1024, six overviews by RMS, nodata 0: as Copernicus makes its COG_SAFE products (eu-cdse/utilities, GRD2COG.sh).
lerc      COG, LERC_ZSTD, blocks of 512, MAX_Z_ERROR 1e-4, of sigma nought as linear power in float32: the bound of ESA's normalised radar backscatter
          (SAR-ARD/s1ard, ITEM_MAP in its module ard: z_error 1e-4 of 'vv-s-lin' and all other backscatter), five overviews as it makes them. In the geometry of the product, not of a map.
jp2       JPEG 2000 (OpenJPEG), irreversible, of DN, at N bytes for all polarisations together.
jp2-db    the same of the level in 1/256 dB, which is what has errors that are even in dB.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.shutil import copy
from rasterio.windows import Window

from sarcodec.products.calibration import LookUpTable, calibrated, read_table

CODECS = ("cog", "lerc", "jp2", "jp2-db")
MAX_Z_ERROR = 1e-4
LEVEL_STEPS = 256  # a dB
ROWS_AT_ONCE = 512
TILED = {"driver": "GTiff", "tiled": True, "blockxsize": 512, "blockysize": 512, "bigtiff": "IF_SAFER"}
CACHE_BYTES = 256 << 20
_COG = {"compress": "ZSTD", "blocksize": 1024, "overview_count": 6, "overview_resampling": "RMS", "bigtiff": "IF_SAFER"}
_LERC = {"compress": "LERC_ZSTD", "max_z_error": MAX_Z_ERROR, "max_z_error_overview": MAX_Z_ERROR, "blocksize": 512}
_LERC |= {"overview_count": 5, "overview_resampling": "AVERAGE", "bigtiff": "IF_SAFER"}


def measurements(product: Path) -> list[Path]:
    """VV first."""
    return sorted((product / "measurement").glob("*.tiff"), key=lambda path: path.stem[-3:])


def table_of(product: Path, measurement: Path) -> LookUpTable:
    """For sigma nought. Of a measurement without one, that of the other."""
    found = product / "annotation" / "calibration" / f"calibration-{measurement.stem}.xml"
    return read_table(found.read_bytes(), "sigma0", found.name)


def strips(rows: int, cols: int) -> Iterator[Window]:
    """Windows of whole rows."""
    return (Window(0, row, cols, min(ROWS_AT_ONCE, rows - row)) for row in range(0, rows, ROWS_AT_ONCE))


def mapped(source: Path, target: Path, dtype: str, change: Callable[[np.ndarray, Window], np.ndarray]) -> None:
    """A tiled GeoTIFF of changed pixels with what the source says, not compressed."""
    with rasterio.open(source) as scene:
        profile = {**TILED, "width": scene.width, "height": scene.height, "count": 1, "dtype": dtype, "nodata": 0}
        with rasterio.open(target, "w", **profile) as out:
            gcps, crs = scene.gcps
            out.gcps = gcps, crs
            out.update_tags(**scene.tags())
            for window in strips(scene.height, scene.width):
                out.write(change(scene.read(1, window=window), window), 1, window=window)


def sigma0(table: LookUpTable) -> Callable[[np.ndarray, Window], np.ndarray]:
    """What makes linear power of DN."""
    return lambda dn, window: calibrated(dn, table, *axes(window))


def axes(window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of a window, float64."""
    return (np.arange(o, o + n, dtype=np.float64) for o, n in ((window.row_off, window.height), (window.col_off, window.width)))  # fmt: skip


def as_level(dn: np.ndarray, _: Window) -> np.ndarray:
    """DN as 1 + 1/256 dB, 0 where DN is 0."""
    level = np.rint(20 * LEVEL_STEPS * np.log10(np.maximum(dn, 1).astype(np.float32))) + 1
    return np.where(dn > 0, level, 0).astype(np.uint16)


def from_level(level: np.ndarray, _: Window) -> np.ndarray:
    """The way back."""
    dn = np.power(np.float32(10), (level.astype(np.float32) - 1) / (20 * LEVEL_STEPS))
    return np.where(level > 0, np.rint(dn).clip(1, 65535), 0).astype(np.uint16)


def encode(codec: str, product: Path, folder: Path, most_bytes: int) -> None:
    """All measurements of a product."""
    for source in measurements(product):
        if codec == "cog":
            copy(str(source), str(folder / f"{source.stem}-cog.tif"), driver="COG", nodata=0, num_threads=2, **_COG)
            continue
        made = folder / "made.tif"
        if codec == "lerc":
            mapped(source, made, "float32", sigma0(table_of(product, source)))
            copy(str(made), str(folder / f"{source.stem}.tif"), driver="COG", num_threads=2, **_LERC)
        else:
            mapped(source, made, "uint16", as_level if codec == "jp2-db" else lambda dn, _: dn)
            share = 100 * most_bytes / sum(path.stat().st_size for path in measurements(product))
            options = {"quality": f"{share:.6g}", "reversible": "NO", "blockxsize": 1024, "blockysize": 1024}
            copy(str(made), str(folder / f"{source.stem}.jp2"), driver="JP2OpenJPEG", **options)
        made.unlink()


def decode(codec: str, folder: Path, target: Path) -> None:
    """Each file into a GeoTIFF that is not compressed."""
    for source in coded(folder):
        out = target / f"{source.stem.removesuffix('-cog')}.tif"
        if codec == "jp2-db":
            mapped(source, out, "uint16", from_level)
        else:
            copy(str(source), str(out), **TILED)


def coded(folder: Path) -> list[Path]:
    """The files of one codec, without what GDAL puts beside them."""
    return sorted((p for p in folder.iterdir() if p.suffix in (".tif", ".jp2")), key=lambda path: path.stem[-7:])


def main() -> int:
    """Run one verb."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("encode", "decode"))
    parser.add_argument("codec", choices=CODECS)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--bytes", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    arguments.target.mkdir(exist_ok=True)
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES, GDAL_NUM_THREADS=2):
        if arguments.verb == "encode":
            encode(arguments.codec, arguments.source, arguments.target, arguments.bytes)
        else:
            decode(arguments.codec, arguments.source, arguments.target)
    return 0


if __name__ == "__main__":
    sys.exit(main())

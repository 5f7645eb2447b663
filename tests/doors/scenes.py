"""Small scenes for the doors: a file, and the pixels that `decompress` makes of it, which every door has to give."""

from pathlib import Path

import numpy as np

import sarcodec
from api.scenes import amplitude, store
from sarcodec.format.scene import GroundControlPoint
from sarcodec.raster.geotiff import read_array

ROWS, COLS = 700, 1100
CRS = 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]'
UTM = 'PROJCS["WGS 84 / UTM zone 33N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",15],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1],AUTHORITY["EPSG","32633"]]'


def points(rows: int = ROWS, cols: int = COLS) -> tuple[GroundControlPoint, ...]:
    """A grid of 4 x 5 control points, slightly bent, as those of a GRD product."""
    places = [(row, col) for row in np.linspace(0, rows, 4) for col in np.linspace(0, cols, 5)]
    return tuple(
        GroundControlPoint(r, c, 10 + c * 1e-4 + r * 2e-5 + (r * c) * 1e-10, 45 - r * 1e-4 + c * 1e-5, 12.5, str(i), "")
        for i, (r, c) in enumerate(places, 1)
    )


def grd(folder: Path, rows: int = ROWS, cols: int = COLS) -> Path:
    """Two polarisations in uint16 with control points, nodata in a corner, tags of the scene and of a band."""
    pixels = amplitude(3, rows, cols, 2)
    pixels[:, :90, :70] = 0
    return _packed(
        folder / "grd.sarc",
        pixels,
        descriptions=("VV", "VH"),
        nodata=(0.0, 0.0),
        gcps=points(rows, cols),
        gcp_crs_wkt=CRS,
        tags=(("", (("AREA_OR_POINT", "Point"), ("SENSOR", "Sentinel-1"), ("with:colon", "x"))),),
        band_tags=((("", (("LOOKS", "4"),)),), ()),
    )


def geocoded(folder: Path, rows: int = 60, cols: int = 130) -> Path:
    """A band of float32 power with a transform, NaN as nodata, a unit, and no name."""
    pixels = (amplitude(4, rows, cols).astype("float32") / 300) ** 2
    pixels[:, 5:9, 3:40] = np.nan
    return _packed(
        folder / "geocoded.sarc",
        pixels,
        nodata=(float("nan"),),
        crs_wkt=UTM,
        transform=(10.0, 0, 4e5, 0, -10.0, 5e6),
        units=("1",),
    )


def _packed(path: Path, pixels: np.ndarray, **about) -> Path:
    source = store(path.with_suffix(".in.tif"), pixels, **about)
    sarcodec.compress(source, path, threads=1)
    return path


def decompressed(path: Path, **options) -> np.ndarray:
    """(bands, rows, cols)"""
    target = path.with_suffix(".back.tif")
    sarcodec.decompress(path, target, threads=1, overwrite=True, **options)
    return read_array(target)[0]

"""A simulated scene on disk: a GeoTIFF as Sentinel-1 delivers it (control points with heights, no transform), written
tile by tile.

In: size, seed, preset and a path. Out: the file, and the true reflectivity beside it if asked for. Memory does not grow
with the scene.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from sarcodec.format.scene import GroundControlPoint, SceneInfo
from sarcodec.format.tiling import Window
from sarcodec.raster.geotiff import SceneWriter
from sarcodec.simulate.scene import BANDS, DN_PER_UNIT, SceneSimulator
from sarcodec.storage import require_different

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

TILE_PX = 1024
_GRID_ROWS, _GRID_COLS = 10, 21
_PIXEL_M, _DEGREE_M = 10.0, 111_320.0
_CORNER_LAT, _CORNER_LON = 47.0, 8.0
# Descending pass, as an annotation's platformHeading of about -167 degrees: rows run south by south-west, columns west
# by north (the radar looks right).
_HEADING = math.radians(-167.0)
_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)


def simulate(
    path: str | os.PathLike[str],
    rows: int,
    cols: int,
    bands: tuple[str, ...] = BANDS,
    seed: int = 0,
    preset: str = "mixed",
    overwrite: bool = False,
    truth_path: str | os.PathLike[str] | None = None,
    nodata_border: bool = False,
) -> SceneInfo:
    """Write a simulated IW GRDH scene (uint16 DN, nodata 0) to `path`, and its true linear sigma nought (float32) to
    `truth_path`.

    Returns what was written about the scene. Raises InvalidArgument, OutputExists, or SarcodecError when the disk
    refuses. Each file appears under its name only when it is whole.
    """
    scene = SceneSimulator(rows, cols, tuple(bands), seed, preset, nodata_border)
    require_different(scene=path, truth=truth_path)
    info = describe(scene)
    with ExitStack() as stack:
        truth = None
        if truth_path is not None:
            truth = stack.enter_context(SceneWriter(truth_path, describe(scene, truth=True), overwrite))
        writer = stack.enter_context(SceneWriter(path, info, overwrite))
        for window in tiles(rows, cols):
            _write_bands(writer, window, scene.pixels(window))
            if truth is not None:
                _write_bands(truth, window, np.where(scene.valid(window), scene.reflectivity(window), np.float32(0)))
    return info


def describe(scene: SceneSimulator, truth: bool = False) -> SceneInfo:
    """Georeferencing and words of the simulated file, or of its truth."""
    said = {
        "SIMULATED": "yes: no satellite saw this",
        "SIMULATOR_SEED": str(scene.seed),
        "SIMULATOR_PRESET": scene.preset,
        "SIMULATOR_SENSOR": scene.sensor.name,
    }
    if not truth:
        said["DN_PER_UNIT"] = f"{DN_PER_UNIT:g}"
    count = len(scene.bands)
    return SceneInfo(
        rows=scene.rows,
        cols=scene.cols,
        count=count,
        dtype="float32" if truth else "uint16",
        gcps=control_points(scene.rows, scene.cols),
        gcp_crs_wkt=_WGS84,
        nodata=(0.0,) * count,
        tags=(("", tuple(sorted(said.items()))),),
        descriptions=scene.bands,
        units=("linear power (sigma0)",) * count if truth else (None,) * count,
    )


def control_points(rows: int, cols: int) -> tuple[GroundControlPoint, ...]:
    """A grid of up to 10 x 21 points over the scene, as an annotation's geolocation grid: 10 m pixels, slightly bent,
    with heights."""
    lines = _spread(rows, _GRID_ROWS)
    points: list[GroundControlPoint] = []
    for line in lines:
        for pixel in _spread(cols, _GRID_COLS):
            down, across = line * _PIXEL_M, pixel * _PIXEL_M
            # Ground range is not quite straight on the map: 100 m over 250 km.
            north = down * math.cos(_HEADING) - across * math.sin(_HEADING) + 1.6e-9 * across * across
            east = down * math.sin(_HEADING) + across * math.cos(_HEADING)
            lat = _CORNER_LAT + north / _DEGREE_M
            lon = _CORNER_LON + east / (_DEGREE_M * math.cos(math.radians(lat)))
            height = 350 + 300 * math.sin(down / 31_000) * math.cos(across / 47_000)
            points.append(GroundControlPoint(line, pixel, lon, lat, height, str(len(points) + 1)))
    return tuple(points)


def tiles(rows: int, cols: int) -> Iterator[Window]:
    """Windows of up to TILE_PX squared pixels over the scene in raster order."""
    for row in range(0, rows, TILE_PX):
        for col in range(0, cols, TILE_PX):
            yield Window(row, col, min(TILE_PX, rows - row), min(TILE_PX, cols - col))


def _spread(size: int, count: int) -> list[float]:
    """Whole pixels from the first edge to the last, at most `count` of them, each once."""
    return sorted({float(round(size * step / (count - 1))) for step in range(count)})


def _write_bands(writer: SceneWriter, window: Window, pixels: Pixels) -> None:
    for band, image in enumerate(pixels):
        writer.write(band, window, np.ascontiguousarray(image))

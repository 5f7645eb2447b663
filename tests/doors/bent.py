"""A scene with control points that no affine transform fits, each of them a bright pixel: where it lands can be seen."""

import numpy as np
import rasterio

import sarcodec
from api.scenes import amplitude, store
from doors.scenes import CRS, decompressed
from sarcodec.format.scene import GroundControlPoint

ROWS, COLS = 1400, 2100


def ground(row, col):
    """A place for a pixel, bent as a swath is, and more: an affine transform of all points is off by many pixels."""
    u, v = col / COLS, row / ROWS
    return 10 + 0.3 * u + 0.04 * v + 0.1 * u * u + 0.01 * u * v, 45 - 0.14 * v + 0.05 * u + 0.02 * u**3 - 0.01 * v * v


def bent_scene(folder):
    """A scene whose control points are bright pixels on calm ground."""
    pixels = np.minimum(amplitude(3, ROWS, COLS), 900)
    places = [
        (row, col)
        for row in np.linspace(40, ROWS - 40, 10).astype(int)
        for col in np.linspace(40, COLS - 40, 21).astype(int)
    ]
    gcps = tuple(
        GroundControlPoint(r + 0.5, c + 0.5, *ground(r + 0.5, c + 0.5), 0.0, str(i), "")
        for i, (r, c) in enumerate(places)
    )
    for row, col in places:
        pixels[0, row - 1 : row + 2, col - 1 : col + 2] = 20000
    pixels[:, :25, :25] = 0
    source = store(folder / "bent.in.tif", pixels, descriptions=("VV",), nodata=(0.0,), gcps=gcps, gcp_crs_wkt=CRS)
    sarcodec.compress(source, folder / "bent.sarc", threads=2, quality=80)
    decompressed(folder / "bent.sarc")
    return folder / "bent.sarc", gcps


def off_px(dataset, gcps):
    """How far from a control point's place its bright pixel comes to lie, in pixels of the warped picture."""
    found = []
    for point in gcps:
        col, row = ~dataset.transform * (point.x, point.y)
        window = rasterio.windows.Window(int(col) - 8, int(row) - 8, 17, 17)
        pixels = dataset.read(1, window=window).astype(float)
        weight = np.where(pixels > 8000, pixels, 0)
        rows, cols = np.mgrid[:17, :17]
        found.append(
            np.hypot(
                (weight * (rows + 0.5)).sum() / weight.sum() + int(row) - 8 - row,
                (weight * (cols + 0.5)).sum() / weight.sum() + int(col) - 8 - col,
            )
            if weight.any()
            else np.inf
        )
    return np.array(found)

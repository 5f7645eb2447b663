"""Scenes as large as one likes, made of one small block: VRTs that repeat a GeoTIFF, and GeoTIFFs in strips or tiles.

Knows rasterio and the project's simulator; compresses nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import rasterio
from processes import measure, simulate_command
from rasterio.windows import Window

BLOCK_PX = 2048
"""Side of the simulated block. A VRT of 100,000 x 100,000 pixels names it 49 x 49 times."""
_DTYPES = {"uint8": "Byte", "uint16": "UInt16", "int16": "Int16", "float32": "Float32"}
_SOURCE = (
    '<SimpleSource><SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>{band}</SourceBand>'
    '<SrcRect xOff="0" yOff="0" xSize="{cols}" ySize="{rows}"/>'
    '<DstRect xOff="{col}" yOff="{row}" xSize="{cols}" ySize="{rows}"/></SimpleSource>'
)


def block_file(folder: Path, size_px: int = BLOCK_PX) -> Path:
    """A simulated scene of two bands, uint16, in tiles."""
    path = folder / "block.tif"
    measure(simulate_command(path, size_px))
    return path


def repeated(block: Path, target: Path, width: int, height: int, bands: int = 1) -> Path:
    """A VRT of width x height pixels that shows the first bands of `block` again and again."""
    with rasterio.open(block) as source:
        side, kind = source.width, _DTYPES[source.dtypes[0]]
    lines = [f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}">']
    for band in range(1, bands + 1):
        lines.append(f'<VRTRasterBand dataType="{kind}" band="{band}">')
        for row in range(0, height, side):
            for col in range(0, width, side):
                rows, cols = min(side, height - row), min(side, width - col)
                lines.append(_SOURCE.format(name=block.name, band=band, row=row, col=col, rows=rows, cols=cols))
        lines.append("</VRTRasterBand>")
    target.write_text("\n".join([*lines, "</VRTDataset>"]), encoding="utf-8")
    return target


def in_strips(block: Path, target: Path, width: int, height: int, bands: int = 2, **layout: object) -> Path:
    """A GeoTIFF of the same pixels in strips of a row or so, as wide as the scene, bands in turn; layout: other options of GDAL's."""
    with rasterio.open(block) as source:
        tile, side = source.read(list(range(1, bands + 1))), source.width
        dtype = source.dtypes[0]
    options = {"compress": "deflate", "zlevel": 1, "interleave": "pixel", "bigtiff": "if_safer"} | layout
    with rasterio.open(
        target, "w", driver="GTiff", width=width, height=height, count=bands, dtype=dtype, **options
    ) as out:
        for row in range(0, height, 64):
            first, rows = row % side, min(64, height - row)
            part = np.roll(tile, -first, 1)[:, :rows]
            out.write(np.tile(part, -(-width // side))[:, :, :width], window=Window(0, row, width, rows))
    return target


def say(line: str) -> None:
    """How far it is, on stderr."""
    print(line, file=sys.stderr, flush=True)

"""Masks of a scene: which there are, and how they are written beside pixels.

In: an open dataset, or windows of mask values. Out: a MaskKind, or a mask within the TIFF or in its side file .msk.
Masks that GDAL makes up itself, of nodata or of an alpha band, are none of these.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.enums import MaskFlags
from rasterio.windows import Window as RasterioWindow

from sarcodec.format.scene import SceneInfo
from sarcodec.raster.quiet import open_reader, open_writer

if TYPE_CHECKING:
    from sarcodec.arrays import Pixels

_BLOCK_PX = 512
_STRIP_ROWS = 64
_WIDEST_STRIP_PX = 1 << 15


@dataclass(frozen=True)
class MaskKind:
    """The fields of SceneInfo about masks."""

    mask: str | None = None
    form: str = "internal"
    bands: tuple[bool, ...] = ()


def mask_kind(dataset: rasterio.DatasetReader) -> MaskKind:
    """A mask of all bands, masks of some bands, or none; and whether they lie in a side file."""
    flags = [frozenset(of_band) for of_band in dataset.mask_flag_enums]
    own = tuple(of_band in (frozenset(), frozenset({MaskFlags.per_dataset})) for of_band in flags)
    if not any(own):
        return MaskKind()
    shared = all(of_band == frozenset({MaskFlags.per_dataset}) for of_band in flags)
    form = "sidecar" if not shared or any(name.endswith(".msk") for name in dataset.files) else "internal"
    return MaskKind("dataset", form) if shared else MaskKind("bands", form, own)


# GDAL's threads are one pool for the whole process, which a fork does not copy: in a forked process it would be waited for for ever.
_FORKED: list[bool] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _FORKED.append(True))


def layout_options(info: SceneInfo, threads: int) -> dict[str, object]:
    """Of a new GeoTIFF: its size, DEFLATE, tiles of 512 (strips for a scene that is smaller; tiles as low as one that is wide)."""
    options: dict[str, object] = {
        "driver": "GTiff", "height": info.rows, "width": info.cols, "compress": "deflate", "zlevel": 1,
        "interleave": "band", "bigtiff": "IF_SAFER", "num_threads": 1 if _FORKED else threads,
    }  # fmt: skip
    if min(info.rows, info.cols) >= _BLOCK_PX:
        return options | {"tiled": True, "blockxsize": _BLOCK_PX, "blockysize": _BLOCK_PX}
    if info.cols > _WIDEST_STRIP_PX:
        return options | {"tiled": True, "blockxsize": _BLOCK_PX, "blockysize": -(-info.rows // 16) * 16}
    return options | {"tiled": False, "blockysize": min(info.rows, _STRIP_ROWS)}


class MaskWriter:
    """Masks are collected in a file beside the TIFF: only at the end it is known whether they fit into the TIFF itself.

    A mask within a TIFF is one for all bands and holds 0 and 255 alone.
    """

    def __init__(self, part: Path, info: SceneInfo, threads: int) -> None:
        self.path = part.with_name(part.name + ".masks")  # Not yet .msk: GDAL would take it for the mask to write to.
        self.written = False
        self._info, self._plain = info, True
        self._file = open_writer(self.path, count=info.mask_planes, dtype="uint8", **layout_options(info, threads))
        if info.mask == "dataset":
            flags = {"INTERNAL_MASK_FLAGS_" + str(band): "2" for band in range(1, info.count + 1)}
        else:
            flags = {f"INTERNAL_MASK_FLAGS_{band}": "0" for band, own in enumerate(info.masked_bands, 1) if own}
        self._file.update_tags(**flags)

    def write(self, plane: int, window: RasterioWindow, values: Pixels) -> None:
        """Values of `window` of mask `plane` (from 0)."""
        self.written = True
        self._plain = self._plain and bool(np.isin(values, (0, 255)).all())
        self._file.write(values, plane + 1, window=window)

    @property
    def fits_inside(self) -> bool:
        """Whether the TIFF itself can hold what was written."""
        return self._info.mask == "dataset" and self._plain

    def close(self) -> None:
        """May be called again."""
        self._file.close()

    def keep_beside(self, part: Path) -> Path:
        """Make it the side file of `part`, and return its name."""
        self.close()
        return self.path.replace(part.with_name(part.name + ".msk"))

    def move_into(self, dataset: rasterio.io.DatasetWriter) -> None:
        """Copy the mask into the TIFF that is being written, and remove the side file."""
        self.close()
        with open_reader(self.path) as file:
            starts = (range(0, side, _BLOCK_PX) for side in (self._info.rows, self._info.cols))
            for row, col in itertools.product(*starts):
                rows, cols = min(_BLOCK_PX, self._info.rows - row), min(_BLOCK_PX, self._info.cols - col)
                window = RasterioWindow(col, row, cols, rows)
                dataset.write_mask(file.read(1, window=window), window=window)
        self.path.unlink()

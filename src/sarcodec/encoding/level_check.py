"""Levels that are no measurement: a fill value that nobody declared, where few pixels have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.errors import UnsupportedScene
from sarcodec.format.tiling import Window

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

LEVEL_MAX_DB = 1000  # beyond every float32 amplitude (-897 to 771 dB): only dB pixels, and float64, can be refused


def check_levels(level_db: Floats, window: Window) -> None:
    """UnsupportedScene where dB pixels are beyond all physics: a fill value that nobody declared."""
    worst = float(np.abs(level_db).max())
    if worst > LEVEL_MAX_DB:
        raise UnsupportedScene(
            f"pixels at rows {window.row}..{window.row_end - 1}, columns {window.col}..{window.col_end - 1} reach "
            f"{worst:.6g} dB, expected at most {LEVEL_MAX_DB} dB; declare them as nodata (gdal_edit.py -a_nodata)"
        )

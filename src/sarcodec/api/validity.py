"""Which pixels are valid, as GDAL and rasterio tell it: by a mask of the scene, by nodata, or by an alpha band.

In: what a scene says of itself, and pixels or mask values. Out: where a band's validity comes from, and 255 (valid) or 0.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sarcodec.format.scene import SceneInfo

ValidityKind: TypeAlias = Literal["per_dataset", "own", "nodata", "alpha", "all_valid"]
VALID = 255


def validity_kind(info: SceneInfo, band: int) -> ValidityKind:
    """Where the validity of a band (from 0) comes from, in GDAL's order: masks go before nodata, nodata before alpha."""
    if info.mask == "dataset":
        return "per_dataset"
    if info.mask == "bands" and info.masked_bands[band]:
        return "own"
    if info.nodata[band] is not None:
        return "nodata"
    return "alpha" if _alpha_belongs(info, band) else "all_valid"


def _alpha_belongs(info: SceneInfo, band: int) -> bool:
    """GDAL takes the last band for the others' alpha where one or three stand before it."""
    last = info.count - 1
    usual = info.count in (2, 4) and info.dtype in ("uint8", "uint16")
    return usual and band < last and info.colorinterp[last] == "alpha"


def mask_plane(info: SceneInfo, band: int) -> int:
    """Number, from 0, of the mask of a band that has one."""
    return 0 if info.mask == "dataset" else band


def of_nodata(pixels: NDArray[Any], nodata: float | None) -> NDArray[np.uint8]:
    """0 where pixels have the value that means nothing."""
    if nodata is None or not holds(pixels.dtype, nodata):
        return np.full(pixels.shape, VALID, np.uint8)
    hit = np.isnan(pixels) if np.isnan(nodata) else pixels == np.asarray(nodata).astype(pixels.dtype)
    return np.where(hit, 0, VALID).astype(np.uint8)


def holds(dtype: np.dtype[Any], value: float) -> bool:
    """Whether pixels of a type can have a value."""
    if dtype.kind == "f":
        return not np.isfinite(value) or abs(value) <= float(np.finfo(dtype).max)
    limits = np.iinfo(dtype)
    return bool(np.isfinite(value)) and float(value).is_integer() and limits.min <= value <= limits.max


def of_alpha(alpha: NDArray[Any]) -> NDArray[np.uint8]:
    """An alpha band as a mask of 8 bits; what is not quite transparent stays so."""
    if alpha.dtype == np.uint8:
        return alpha.astype(np.uint8)
    scaled = alpha.astype(np.uint32) * 255 // 65535
    return np.maximum(scaled, alpha > 0).astype(np.uint8)

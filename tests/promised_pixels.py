"""Pixels and masks of a raster held to what was promised of them. Knows nothing of sarcodec."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.errors import NodataShadowWarning
from rasterio.windows import Window

from facets import Facets, quiet_open

_ROWS = 256  # read at a time


@dataclass(frozen=True)
class Promise:
    """Of the pixels of a band. domain None: every bit. bound_db None with a domain: only that the error is plausible.

    level = 20 log10(v) of amplitude, 10 log10(v) of power, or v in dB itself, where v = pixel * scale + offset.
    """

    domain: str | None = None
    bound_db: float | None = None
    scale: float = 1.0
    offset: float = 0.0


def promises(kinds: list[tuple[str, str | None]], bound_db: float | None, before: Facets) -> list[Promise]:
    """What is promised of each band, by its kind ('learned', 'bounded', 'lossless', 'exact') and domain as the file says them."""
    return [_promise(*kind, bound_db, before, band) for band, kind in enumerate(kinds, start=1)]


def _promise(kind: str, domain: str | None, bound_db: float | None, before: Facets, band: int) -> Promise:
    if kind in ("exact", "lossless") or (kind == "bounded" and not bound_db):
        return Promise()
    scale, offset = (float(before[f"band {band} {name}"]) for name in ("scale", "offset"))
    return Promise(
        domain, bound_db if kind == "bounded" else None, *((scale, offset) if domain == "db" else (1.0, 0.0))
    )


PLAUSIBLE_RMSE_DB = 1.5
"""Three times what quality 60 does to speckle: more says that the pixels were taken for something else."""


def strips(rows: int, cols: int) -> Iterator[Window]:
    """Windows over a raster, a few rows each."""
    for row in range(0, rows, _ROWS):
        yield Window(0, row, cols, min(_ROWS, rows - row))


def pixel_faults(before: str | Path, after: str | Path, promises: list[Promise]) -> list[str]:
    """Bands whose masks or pixels are not as promised, a line each. Raises rasterio's errors where pixels cannot be read."""
    with quiet_open(before) as old, quiet_open(after) as new, warnings.catch_warnings():
        warnings.simplefilter("ignore", NodataShadowWarning)
        if (old.shape, old.count, old.dtypes) != (new.shape, new.count, new.dtypes):
            return ["shape or type differ"]
        return [
            line
            for band, promise in zip(old.indexes, promises, strict=True)
            for line in _band_faults(old, new, band, promise)
        ]


def _band_faults(old, new, band: int, promise: Promise) -> list[str]:
    masks = bits = broken = valid_count = 0
    squares = 0.0
    for window in strips(*old.shape):
        hidden = old.read_masks(band, window=window)
        masks += int((hidden != new.read_masks(band, window=window)).sum())
        a, b = old.read(band, window=window), new.read(band, window=window)
        differ = _bits(a) != _bits(b)
        if promise.domain is None:
            bits += int(differ.sum())
            continue
        nodata = old.nodatavals[band - 1]
        valid = _valid(a, promise.domain, nodata)
        bits += int((differ & ~valid).sum()) + int((valid & ~_valid(b, promise.domain, nodata)).sum())
        valid &= _valid(b, promise.domain, nodata) & (hidden > 0)
        error = np.abs(_level_db(b[valid], promise) - _level_db(a[valid], promise))
        broken += int((error > (promise.bound_db or np.inf) * (1 + 1e-9) + 1e-9).sum())
        squares += float((error**2).sum())
        valid_count += error.size
    lines = [f"band {band}: the mask differs in {masks} pixels"] if masks else []
    lines += [f"band {band}: {bits} pixels that had to come back exactly did not"] if bits else []
    lines += [f"band {band}: {broken} pixels break the bound of {promise.bound_db:g} dB"] if broken else []
    rmse = (squares / valid_count) ** 0.5 if valid_count else 0.0
    if promise.bound_db is None and rmse > PLAUSIBLE_RMSE_DB:
        lines.append(f"band {band}: the error is {rmse:.2f} dB")
    return lines


def _bits(pixels: np.ndarray) -> np.ndarray:
    return pixels.view(f"u{pixels.itemsize}") if pixels.dtype.kind == "f" else pixels


def _valid(pixels: np.ndarray, domain: str, nodata: float | None) -> np.ndarray:
    valid = np.isfinite(pixels) if pixels.dtype.kind == "f" else np.ones(pixels.shape, bool)
    if domain != "db":
        valid &= pixels > 0
    if nodata is not None and np.isfinite(nodata):
        valid &= pixels != pixels.dtype.type(nodata)
    return valid


def _level_db(pixels: np.ndarray, promise: Promise) -> np.ndarray:
    physical = pixels.astype(np.float64) * promise.scale + promise.offset
    if promise.domain == "db":
        return physical
    with np.errstate(divide="ignore", invalid="ignore"):
        return (20 if promise.domain == "amplitude" else 10) * np.log10(np.abs(physical))

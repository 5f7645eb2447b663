"""What of a product's measurements came back: errors in dB, pixels of the border, control points, tags, targets. Reads GeoTIFFs by strips; compresses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from product_file import axes, strips
from targets import errors, judged

from sarcodec.products.calibration import LookUpTable

BLOCK_PX, MARGIN_PX = 128, 16  # one target is looked for in each block, and none so near to its side
OWN_TAGS = ("AREA_OR_POINT",)  # that GDAL makes up


@dataclass(frozen=True)
class Survived:
    """rmse, bias: in dB over valid pixels; border: pixels that are 0 on one side alone; points: whether all control points are there, equal; tags: how many of how many;
    targets: how many were judged, the mean size of the error of their energy and the share within 0.5 dB."""

    rmse_db: float
    bias_db: float
    border: int
    points: bool
    tags: str
    targets: int
    energy_db: float
    within: float


def survived(originals: list[Path], found: list[Path], tables: list[LookUpTable] | None = None) -> Survived:
    """tables: where what was found is sigma nought as linear power, of each file; None: it is DN."""
    sums, energies, facts = np.zeros(4), [], []
    lost = 0
    for number, (first, second) in enumerate(zip(originals, found, strict=True)):
        with rasterio.open(first) as before, rasterio.open(second) as after:
            facts.append(_said(before, after))
            for window in strips(before.height, before.width):
                dn, back = before.read(1, window=window), after.read(1, window=window)
                if tables is not None:
                    back = _as_dn(back, tables[number].at(*axes(window)))
                valid = dn > 0
                lost += int(((back > 0) != valid).sum())
                sums += _sums(dn[valid], back[valid])
                energies.append(_targets(dn, back))
    energy = np.concatenate(energies)
    size = np.abs(energy)
    return Survived(
        rmse_db=float(np.sqrt(sums[1] / sums[0])),
        bias_db=float(10 * np.log10(sums[3] / sums[2])),
        border=lost,
        points=all(points for points, _, _ in facts),
        tags=f"{sum(kept for _, kept, _ in facts)} of {sum(all_ for _, _, all_ in facts)}",
        targets=len(energy),
        energy_db=float(size.mean()) if len(energy) else float("nan"),
        within=float((size <= 0.5).mean()) if len(energy) else float("nan"),
    )


def _as_dn(power: np.ndarray, table: np.ndarray) -> np.ndarray:
    return np.rint(table * np.sqrt(np.maximum(power, 0))).clip(0, 65535).astype(np.uint16)


def _sums(dn: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Pixels, squared errors of the level, and both powers."""
    first, second = dn.astype(np.float32), np.maximum(back, 1).astype(np.float32)
    error = 20 * np.log10(second / first)
    powers = [np.square(side, dtype=np.float64).sum() for side in (first, back.astype(np.float32))]
    return np.array([dn.size, np.square(error, dtype=np.float64).sum(), *powers])


def _targets(dn: np.ndarray, back: np.ndarray) -> np.ndarray:
    """Errors of energy in dB of what stands out, at most one a block."""
    places = []
    for row in range(0, dn.shape[0] - BLOCK_PX + 1, BLOCK_PX):
        for col in range(0, dn.shape[1] - BLOCK_PX + 1, BLOCK_PX):
            block = dn[row : row + BLOCK_PX, col : col + BLOCK_PX]
            inner = block[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
            if block.min() == 0 or inner.max() < 4 * np.median(
                block
            ):  # 12 dB above the ground, or no target by any means
                continue
            down, right = np.unravel_index(int(inner.argmax()), inner.shape)
            places.append((row + MARGIN_PX + int(down), col + MARGIN_PX + int(right)))
    before, after = (np.square(side.astype(np.float64)) for side in (dn, back))
    return errors(before, after, judged(before, places))[0]


def _said(before: rasterio.DatasetReader, after: rasterio.DatasetReader) -> tuple[bool, int, int]:
    points = [[(p.row, p.col, p.x, p.y, p.z) for p in dataset.gcps[0]] for dataset in (before, after)]
    same = len(points[0]) == len(points[1]) > 0 and bool(np.allclose(points[0], points[1], rtol=0, atol=1e-9))
    wanted = {key: value for key, value in before.tags().items() if key not in OWN_TAGS}
    kept = sum(after.tags().get(key) == value for key, value in wanted.items())
    return same, kept, len(wanted)

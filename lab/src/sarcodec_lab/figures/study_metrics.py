"""The figures of the project's founding study, by its own definitions, to stand beside its table.

In: amplitudes (DN) of original and decoded; out: numbers, each the mean of what tiles of 256 x 256 pixels give. The
study sees x = 10 log10(DN), clipped and scaled to [0, 1]: whatever is brighter than DN 284.5 or darker than DN 30 is
lost to all of these figures, which is why `clipped` stands beside them. `epi_cosine` gives independent noise 0.79, and
`enl_ratio_log` looks at logarithms; the honest figures are those of `fidelity.metrics`, `edges` and `similarity`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec.quality.edges import epi_cosine
from sarcodec.quality.similarity import SimilarityAccumulator

LOW, HIGH = 14.768799, 24.540730
"""10 log10(DN) that the study maps to 0 and to 1."""

TILE_PX = 256
MOST_VARIATION = 0.3
WINDOW_PX = 15

_NO_ERROR = (
    1e-12  # a tile that came back as it was is given this MSE, 120 dB, and not an infinity that no mean survives
)

_NO_VARIANCE = 1e-12  # of x: a flat image has rounding noise only


@dataclass(frozen=True)
class StudyFigures:
    """Means over tiles; `clipped`: share of the original's pixels outside the study's range. None: no tile has it."""

    psnr_study: float
    clipped: float
    ssim_study: float | None
    ms_ssim_study: float | None
    enl_ratio_log: float | None
    epi_cosine: float | None


def to_study_unit(dn: np.ndarray) -> np.ndarray:
    """x of amplitudes, float64 in [0, 1]; a DN of 0 becomes 0."""
    level = 10 * np.log10(np.maximum(dn, 1e-3).astype(np.float64))
    return np.clip((level - LOW) / (HIGH - LOW), 0, 1)


def study_figures(original_dn: np.ndarray, decoded_dn: np.ndarray) -> StudyFigures:
    """All of them of one image (rows, cols) of DN. InvalidArgument where the shapes differ."""
    _check_alike(original_dn, decoded_dn)
    pairs = [(original_dn[part], decoded_dn[part]) for part in tiles(original_dn.shape)]
    peaks = [psnr_study(*pair) for pair in pairs]
    units = [tuple(map(to_study_unit, pair)) for pair in pairs]
    likeness = [similarity_study(*pair) for pair in pairs]
    return StudyFigures(
        psnr_study=float(np.mean([psnr for psnr, _ in peaks])),
        clipped=float(np.mean([clipped for _, clipped in peaks])),
        ssim_study=_mean([ssim for ssim, _ in likeness]),
        ms_ssim_study=_mean([ms_ssim for _, ms_ssim in likeness]),
        enl_ratio_log=_mean([enl_ratio_log(*pair) for pair in units]),
        epi_cosine=_mean([_epi(*pair) for pair in units]),
    )


def tiles(shape: tuple[int, int], side_px: int = TILE_PX) -> list[tuple[slice, slice]]:
    """Whole tiles only, from the upper left; a side that is shorter than a tile is taken as it is."""
    along = [
        [slice(start, start + side_px) for start in range(0, size - side_px + 1, side_px)] or [slice(0, size)]
        for size in shape
    ]
    return [(rows, cols) for rows in along[0] for cols in along[1]]


def psnr_study(original_dn: np.ndarray, decoded_dn: np.ndarray) -> tuple[float, float]:
    """(10 log10(1 / MSE of x), share of the original's pixels that x clips)."""
    before, after = to_study_unit(original_dn), to_study_unit(decoded_dn)
    low_dn, high_dn = 10 ** (LOW / 10), 10 ** (HIGH / 10)
    clipped = float(np.mean((original_dn < low_dn) | (original_dn > high_dn)))
    return float(-10 * np.log10(max(float(np.mean((after - before) ** 2)), _NO_ERROR))), clipped


def ssim_study(original_dn: np.ndarray, decoded_dn: np.ndarray) -> float | None:
    """SSIM of x, 11 x 11 Gaussian window, data range 1."""
    return similarity_study(original_dn, decoded_dn)[0]


def similarity_study(original_dn: np.ndarray, decoded_dn: np.ndarray) -> tuple[float | None, float | None]:
    """(SSIM, MS-SSIM) of x."""
    likeness = SimilarityAccumulator(data_range_db=1.0)
    likeness.add(to_study_unit(original_dn), to_study_unit(decoded_dn), np.ones(original_dn.shape, bool))
    found = likeness.summary()
    return found.ssim, found.ms_ssim


def enl_ratio_log(original: np.ndarray, decoded: np.ndarray) -> float | None:
    """ENL of the decoded over ENL of the original, both mean^2 / variance of x over the pixels that `homogeneous` finds
    in the original. In: x of both. None where it finds no two pixels, or one of the images has no variance in them."""
    kept = homogeneous(original)
    if np.count_nonzero(kept) < 2:
        return None
    before, after = original[kept], decoded[kept]
    if min(before.var(), after.var()) < _NO_VARIANCE or before.mean() <= 0:
        return None
    return float((after.mean() ** 2 / after.var()) / (before.mean() ** 2 / before.var()))


def homogeneous(image: np.ndarray) -> np.ndarray:
    """True where standard deviation / mean of the 15 x 15 pixels about a pixel is below 0.3; the image is mirrored at
    its border."""
    mean = _box_mean(image)
    variance = np.maximum(_box_mean(image**2) - mean**2, 0)
    return np.sqrt(variance) < MOST_VARIATION * mean


def _box_mean(image: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        margin = [(WINDOW_PX // 2 * (which == axis),) * 2 for which in (0, 1)]
        padded = np.pad(image, margin, mode="symmetric")
        image = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_PX, axis).mean(axis=-1)
    return image


def _epi(original: np.ndarray, decoded: np.ndarray) -> float | None:
    """None where one of them has no gradient at all."""
    if min(np.ptp(original), np.ptp(decoded)) == 0:
        return None
    return epi_cosine(original, decoded)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _check_alike(original: np.ndarray, decoded: np.ndarray) -> None:
    if original.ndim != 2 or original.shape != decoded.shape:
        raise InvalidArgument(
            f"found shapes {original.shape} and {decoded.shape}, expected one and the same (rows, cols); "
            "give one band of the original and the same band decoded"
        )

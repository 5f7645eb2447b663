"""One decoded band beside its original: the study's figures and the honest ones in one flat record.

In: amplitudes (DN) of original and decoded, and of the other band where there is one; out: frozen Measures. Knows no
file and no codec.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarcodec.quality.edges import EdgePreservation
from sarcodec.quality.metrics import compare_levels
from sarcodec.quality.similarity import SimilarityAccumulator
from sarcodec.signal.radiometry import AMPLITUDE, normalise
from sarcodec_lab.figures.study_metrics import study_figures


@dataclass(frozen=True)
class Measures:
    """Names ending in _study, _log and `epi_cosine` as the study defines them; `clipped`: share of pixels that its
    scale clips. The others over all valid pixels and full range: errors in dB, `enl_ratio` on intensity, `edges`:
    correlation of signed ratios of averages, `ssim` and `ms_ssim` on a range of 96 dB. None where the band is too
    small."""

    psnr_study: float
    clipped: float
    ssim_study: float | None
    ms_ssim_study: float | None
    enl_ratio_log: float | None
    epi_cosine: float | None
    mse_db2: float
    rmse_db: float
    bias_db: float
    enl_ratio: float | None
    edges: float | None
    ssim: float | None
    ms_ssim: float | None


def measure(original_dn: np.ndarray, decoded_dn: np.ndarray, guide_dn: np.ndarray | None = None) -> Measures:
    """Measures of one band; `guide_dn`, the other band, chooses homogeneous windows and edges.

    Invalid pixels (DN 0) of the original are left out of the errors. InvalidArgument where shapes differ.
    """
    study = study_figures(original_dn, decoded_dn)
    (before, valid), (after, still_valid) = (normalise(dn, AMPLITUDE) for dn in (original_dn, decoded_dn))
    valid = valid & still_valid
    guide = None if guide_dn is None else _guide(guide_dn)
    errors = compare_levels(before, after, valid, guide)
    edges, likeness = EdgePreservation(), SimilarityAccumulator()
    edges.add(before, after, valid, guide)
    likeness.add(before, after, valid)
    found = likeness.summary()
    return Measures(
        psnr_study=study.psnr_study,
        clipped=study.clipped,
        ssim_study=study.ssim_study,
        ms_ssim_study=study.ms_ssim_study,
        enl_ratio_log=study.enl_ratio_log,
        epi_cosine=study.epi_cosine,
        mse_db2=errors.mse_db2,
        rmse_db=errors.rmse_db,
        bias_db=errors.bias_power_db,
        enl_ratio=errors.enl_ratio,
        edges=edges.index(),
        ssim=found.ssim,
        ms_ssim=found.ms_ssim,
    )


def _guide(dn: np.ndarray) -> np.ndarray:
    level, valid = normalise(dn, AMPLITUDE)
    return np.where(valid, level, np.float32(np.nan))

"""The study's table in the study's own way: latents as float numbers, no file, the study's metrics on tiles of 256 x 256.

In: cases, and a transform of amplitudes (rows, cols) -> (rows, cols), a network or a linear one; out: a frozen Line of means over places. A place
counts once, intervals are 95 %, bootstrapped over places. Knows no network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sarcodec_lab.figures.study_metrics import HIGH, LOW, study_figures, tiles, to_study_unit
from sarcodec_lab.study.comparing.cases import Case
from sarcodec_lab.study.comparing.places import Spread, spread

FIGURES = {  # of StudyFigures: title, digits
    "psnr_study": ("PSNR dB", 2),
    "ssim_study": ("SSIM", 3),
    "enl_ratio_log": ("ENL ratio", 2),
    "epi_cosine": ("EPI", 3),
}
LOSS = "loss"
"""Besides FIGURES: the study's 0.7 MSE + 0.3 (1 - SSIM), with the SSIM of the table."""

COLUMNS = ("what", *(title for title, _ in FIGURES.values()), LOSS)
AIMS = {"psnr_study": (21.7, None), "ssim_study": (0.75, None), "enl_ratio_log": (0.7, 1.3), "epi_cosine": (0.8, None)}
"""What the study aimed at for `attention`: at least, at most."""

REPORTED = (
    ("the study's `baseline`, on its own images", "20.47", "0.646", "1.08", "0.860", ""),
    ("the study's ResNet-Lite, on its own images", "21.20", "0.726", "0.85", "0.876", ""),
    ("the study's aim for `attention`", "21.7", "0.75", "0.7 to 1.3", "0.8", ""),
)
"""Rows under COLUMNS that the study itself has. It measured on patches of the scenes that it trained on, which are not ours."""

Transform = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Line:
    """A row of the table: a Spread for each of FIGURES and for LOSS, None where no tile has the figure."""

    name: str
    spreads: Mapping[str, Spread | None]

    @property
    def cells(self) -> tuple[str, ...]:
        """Under COLUMNS: mean and interval."""
        digits = {figure: digits for figure, (_, digits) in FIGURES.items()} | {LOSS: 4}
        return (self.name, *(_shown(self.spreads[figure], digits[figure]) for figure in digits))

    def met(self) -> dict[str, bool]:
        """Which of AIMS the means meet, by figure; a figure that is not known meets none."""
        found = {figure: self.spreads[figure] for figure in AIMS}
        return {
            figure: one is not None and one.mean >= AIMS[figure][0] and one.mean <= (AIMS[figure][1] or np.inf)
            for figure, one in found.items()
        }


def measured(name: str, cases: Sequence[Case], transform: Transform) -> Line:
    """The row of a transform of amplitudes, over all tiles of the cases."""
    found: dict[str, list[tuple[str, float | None]]] = {figure: [] for figure in (*FIGURES, LOSS)}
    for case in cases:
        for part in tiles(case.dn.shape):
            figures = study_figures(case.dn[part], transform(case.dn[part]))
            for figure in FIGURES:
                found[figure].append((case.place, getattr(figures, figure)))
            found[LOSS].append((case.place, _loss(figures.psnr_study, figures.ssim_study)))
    return Line(name, {figure: spread(pairs) for figure, pairs in found.items()})


def in_unit(transform: Transform) -> Transform:
    """A transform of the study's x as one of amplitudes."""
    return lambda dn: 10 ** ((transform(to_study_unit(dn)) * (HIGH - LOW) + LOW) / 10)


def _loss(psnr_db: float, ssim: float | None) -> float | None:
    return None if ssim is None else 0.7 * 10 ** (-psnr_db / 10) + 0.3 * (1 - ssim)


def _shown(found: Spread | None, digits: int) -> str:
    if found is None:
        return ""
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"

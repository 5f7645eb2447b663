"""Quality classes of a decoded band: bounds on bias, multilooked error, looks and mask, and the verdict on an
`ErrorSummary`.

Where the bounds come from: docs/decisions/0008-fidelity-figures.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sarcodec.errors import InvalidArgument
from sarcodec.quality.metrics import ErrorSummary


@dataclass(frozen=True)
class QualityClass:
    """What a band of this class keeps to; every valid pixel stays valid and every invalid one comes back bit by bit
    besides.

    - `bias_db`: largest magnitude of 10 log10(decoded power / original power).
    - `multilook_db`: the RMSE of 8 x 8 blocks of mean power lies under it.
    - `enl_low`, `enl_high`: ENL of the decoded / ENL of the original lies between them.
    """

    name: str
    bias_db: float
    multilook_db: float
    enl_low: float
    enl_high: float


CLASSES = {
    "archive": QualityClass("archive", 0.02, 0.05, 0.98, 1.02),
    "analysis": QualityClass("analysis", 0.05, 0.1, 0.9, 1.1),
}


@dataclass(frozen=True)
class Check:
    """One bound: the figure (None where the band is too small to have it, which passes), the bound in words, the
    verdict.

    `excess`: how far the figure is from its ideal, as a share of what is allowed; above 1 where it fails.
    """

    name: str
    value: float | None
    bound: str
    excess: float
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """A band beside a class. `excess` is the largest of the checks'."""

    quality_class: str
    passed: bool
    excess: float
    checks: tuple[Check, ...]


def class_of(name: str) -> QualityClass:
    """The class of that name, or InvalidArgument."""
    if name not in CLASSES:
        raise InvalidArgument(f"quality class is {name!r}, expected one of {', '.join(CLASSES)}")
    return CLASSES[name]


def judge(wanted: QualityClass, errors: ErrorSummary | None, mask_exact: bool) -> Verdict:
    """The verdict on one band; `errors` None where it has no valid pixel, so that the mask alone is judged.

    A figure that a band has not (no whole 8 x 8 block or 15 x 15 window is valid) is not held against it.
    """
    bias, looks, enl = (
        (None, None, None) if errors is None else (errors.bias_power_db, errors.multilook_rmse_db, errors.enl_ratio)
    )
    checks = (
        _check("bias dB", bias, f"within {wanted.bias_db:g}", _share(bias, wanted.bias_db)),
        _check(
            "8 x 8 error dB", looks, f"under {wanted.multilook_db:g}", _share(looks, wanted.multilook_db), open_end=True
        ),
        _check("ENL ratio", enl, f"{wanted.enl_low:g} to {wanted.enl_high:g}", _enl_share(enl, wanted)),
        Check("mask", None, "exact", 0.0 if mask_exact else math.inf, mask_exact),
    )
    return Verdict(wanted.name, all(check.passed for check in checks), max(check.excess for check in checks), checks)


def _check(name: str, value: float | None, bound: str, excess: float, open_end: bool = False) -> Check:
    return Check(name, value, bound, excess, excess < 1 or (excess == 1 and not open_end))


def _share(value: float | None, allowed: float) -> float:
    return 0.0 if value is None else abs(value) / allowed


def _enl_share(ratio: float | None, wanted: QualityClass) -> float:
    if ratio is None:
        return 0.0
    return (ratio - 1) / (wanted.enl_high - 1) if ratio > 1 else (1 - ratio) / (1 - wanted.enl_low)

"""What one change to a network is worth: differences over seeds and places, with a 95 % interval, and in a sentence.

In: arrays of figures (seeds, places), paired: the same seed draws both runs the same crops; out: frozen Differences and
text. Knows no network and no file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHARE = 0.95
_ANGLES = 200_001  # to integrate Student's density over: good to six digits for one degree of freedom and more


@dataclass(frozen=True)
class Difference:
    """First less second: mean and 95 % interval (None: a single seed and a single place tell nothing of it)."""

    mean: float
    low: float | None
    high: float | None
    seeds: int
    places: int


def difference(first: np.ndarray, second: np.ndarray) -> Difference:
    """Of paired figures (seeds, places).

    Seeds and places are both drawn at random from many, so the variance of the mean is that of the means of the seeds
    over their number plus that of the means of the places over theirs. What is left in a single pair is counted in both:
    the interval is rather too wide than too narrow. Degrees of freedom after Satterthwaite (Biometrics Bulletin 2, 1946).
    """
    pairs = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    counts, mean = pairs.shape, float(pairs.mean())
    # A single seed, or a single place, has no variance to speak of; the interval is then that of the other alone.
    sides = [(pairs.mean(1 - axis).var(ddof=1) / n, n - 1) for axis, n in enumerate(counts) if n > 1]
    if not sides:
        return Difference(mean, None, None, *counts)
    variance = sum(part for part, _ in sides)
    if variance <= 0:
        return Difference(mean, mean, mean, *counts)
    degrees = variance**2 / sum(part**2 / free for part, free in sides)
    reach = student_quantile(degrees) * float(np.sqrt(variance))
    return Difference(mean, mean - reach, mean + reach, *counts)


def student_quantile(degrees: float, share: float = SHARE) -> float:
    """t with `share` of Student's distribution between -t and t; degrees: 1 or more, not always whole."""
    # With t = sqrt(degrees) tan(angle) the density becomes cos(angle)^(degrees - 1), over a quarter of a circle.
    angles = np.linspace(0, np.pi / 2, _ANGLES)
    density = np.cos(angles).clip(0) ** (max(degrees, 1.0) - 1)
    below = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return float(np.sqrt(degrees) * np.tan(np.interp(share, below / below[-1], angles)))


def at_bits(bits: np.ndarray, figures: np.ndarray, wanted_bits: np.ndarray) -> np.ndarray:
    """Figures at other bits: along the last axis lie points of a curve; linear between two, and beyond the ends.

    bits, figures (..., points), rising or falling in bits; wanted_bits (...). Returns (...).
    """
    order = np.argsort(bits, -1)
    bits, figures = (np.take_along_axis(np.asarray(a, np.float64), order, -1) for a in (bits, figures))
    after = np.clip((bits < wanted_bits[..., None]).sum(-1, keepdims=True), 1, bits.shape[-1] - 1)
    (b0, f0), (b1, f1) = (
        tuple(np.take_along_axis(a, after + shift, -1)[..., 0] for a in (bits, figures)) for shift in (-1, 0)
    )
    return f0 + (f1 - f0) * (wanted_bits - b0) / np.where(b1 > b0, b1 - b0, 1)


def worth(found: Difference, what: str, wanted_db: float = 0.5) -> str:
    """One sentence: is `what` worth so many dB?"""
    over = f"over {_counted(found.seeds, 'seed')} and {_counted(found.places, 'place')}"
    if found.low is None or found.high is None:
        return (
            f"{what}: {found.mean:+.2f} dB {over}, which gives no interval: whether it is worth {wanted_db:+.1f} dB "
            "is open."
        )
    if found.low >= wanted_db:
        verdict = f"it is worth {wanted_db:+.1f} dB"
    elif found.high < wanted_db:
        verdict = f"it is not worth {wanted_db:+.1f} dB" + (
            ", and may be worth nothing" if found.low <= 0 <= found.high else ""
        )
    else:
        verdict = f"whether it is worth {wanted_db:+.1f} dB is open: the interval holds that figure"
    return f"{what}: {found.mean:+.2f} dB (95 % interval {found.low:+.2f} to {found.high:+.2f}) {over}: {verdict}."


def shown(found: Difference, digits: int = 2) -> str:
    """`+0.12 [-0.03, +0.27]`, for a table."""
    if found.low is None or found.high is None:
        return f"{found.mean:+.{digits}f}"
    return f"{found.mean:+.{digits}f} [{found.low:+.{digits}f}, {found.high:+.{digits}f}]"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"

"""Edge preservation: does the decoded image rise and fall where the original does? In: levels in dB; out: one number.

Two images of independent noise score 0, since a rise in one says nothing of the other. The index that the project's
study used takes magnitudes of gradients, which are all positive: it gives independent noise 0.79. It is kept under
the name `epi_cosine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.quality.speckle import power_of

if TYPE_CHECKING:
    from sarcodec.arrays import Bools, Floats

SIDE_PX = 3
"""Rows (columns) on either side of a place whose mean powers are compared; both strips are 2 SIDE_PX + 1 long."""

STRONGEST = 0.1
"""Share of the places that a guide chooses: those with the strongest edges in it."""

MARGIN_PX = SIDE_PX


class EdgePreservation:
    """Correlation of signed edge strengths of original and decoded, added up window by window.

    Edge strength is the ratio of averages (Touzi, Lopes and Bousquet, IEEE TGRS 26(6), 1988) with its sign: 10 log10
    of the mean power of the 3 x 7 pixels on one side of a border over that on the other, along rows and along
    columns. The index is the correlation sum(g h) / sqrt(sum g^2 sum h^2), as in Sattar et al. (IEEE TIP 6(6), 1997)
    for their high-passed images. 1: every rise is there; 0: none of them, as for independent noise; smoothing and
    moving edges lies between.

    `guide_db` (the other polarisation, the simulator's truth) chooses the places: the tenth of each window where its
    edges are strongest. Without it every place counts, and on speckled ground most of what is compared is speckle.
    """

    def __init__(self) -> None:
        self._places, self._products, self._original, self._decoded = 0, 0.0, 0.0, 0.0

    def add(self, original_db: Floats, decoded_db: Floats, valid: Bools, guide_db: Floats | None = None) -> None:
        """One window: levels in dB (rows, cols) and mask; places near an invalid pixel or the window's border are
        left out."""
        if min(valid.shape) <= 2 * MARGIN_PX:
            return
        kept = valid if guide_db is None else valid & np.isfinite(guide_db)
        side = 2 * MARGIN_PX + 1
        whole = _box(_box(kept.astype(np.float64), 0, side), 1, side) > 1 - 0.5 / side**2
        before, after = (_edges(np.where(kept, level, 0.0)) for level in (original_db, decoded_db))
        if guide_db is not None and whole.any():
            strength = np.sum(np.square(_edges(np.where(kept, guide_db, 0.0))), axis=0)
            whole &= strength >= np.quantile(strength[whole], 1 - STRONGEST)
        a, b = before[:, whole].ravel(), after[:, whole].ravel()
        self._places += a.size
        self._products += float(np.dot(a, b))
        self._original += float(np.dot(a, a))
        self._decoded += float(np.dot(b, b))

    def index(self) -> float | None:
        """The index; None if no place was whole; 0 where one image has no edges at all and the other has."""
        if not self._places:
            return None
        if min(self._original, self._decoded) < 1e-12 * self._places:
            return 1.0 if max(self._original, self._decoded) < 1e-12 * self._places else 0.0
        return self._products / float(np.sqrt(self._original * self._decoded))


def epi_cosine(original_db: Floats, decoded_db: Floats) -> float:
    """The study's index: cosine between the Sobel magnitudes of two images (rows, cols). 0.79 for independent noise:
    not a judge."""
    before, after = _sobel(np.asarray(original_db, np.float64)), _sobel(np.asarray(decoded_db, np.float64))
    return float(np.sum(before * after) / np.sqrt(np.sum(before**2) * np.sum(after**2)))


def _edges(level_db: Floats) -> Floats:
    """(2, rows - 2 margin, cols - 2 margin): strength along rows and along columns, in dB, signed."""
    power = power_of(level_db)
    out = []
    for axis in (0, 1):
        sums = _box(_box(power, 1 - axis, 2 * SIDE_PX + 1), axis, SIDE_PX)  # entry i: pixels i .. i + SIDE_PX - 1
        steps = sums.shape[axis] - SIDE_PX - 1
        first = _part(sums, axis, 0, steps)
        second = _part(sums, axis, SIDE_PX + 1, steps)  # the place itself lies between
        out.append(10 * np.log10(second / first))
    return np.stack(out)


def _box(image: Floats, axis: int, size: int) -> Floats:
    """Means of `size` neighbours along an axis, only where all are inside: that axis loses size - 1."""
    places = image.shape[axis] - size + 1
    sums = _part(image, axis, 0, places).copy()
    for shift in range(1, size):
        sums += _part(image, axis, shift, places)
    sums *= 1 / size
    return sums


def _part(image: Floats, axis: int, start: int, length: int) -> Floats:
    return image[start : start + length] if axis == 0 else image[:, start : start + length]


def _sobel(level: Floats) -> Floats:
    """Magnitude of the Sobel gradient, (rows - 2, cols - 2)."""
    smooth = [level[:-2] + 2 * level[1:-1] + level[2:], (level[:, :-2] + 2 * level[:, 1:-1] + level[:, 2:])]
    across, down = smooth[0][:, 2:] - smooth[0][:, :-2], smooth[1][2:] - smooth[1][:-2]
    return np.hypot(across, down)

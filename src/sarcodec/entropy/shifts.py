"""Where on the plane of frequencies a channel lies, and what a tile adds to the scales of the channels there (docs/format.md, 9.11).

In: shifts of bins in steps; out: what is added to each channel's scale. Whole numbers. Knows no section.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sarcodec.arrays import Integers

BINS: Final = 64  # 8 by 8, of 4 by 4 frequencies each
UNIT: Final = 4  # of a shift, in 1/64 octave: a quarter of a level
_FREQUENCIES, _SIDE = 32, 8


def _by_radius(side: int) -> Integers:
    """Pairs (down, across) by rising sum of squares, equals by rising down: (side^2, 2)."""
    down, across = np.divmod(np.arange(side * side), side)
    order = np.lexsort((down, down * down + across * across))
    return np.stack([down, across], 1)[order]


@cache
def channel_bins() -> Integers:
    """The bin of each channel, (1024,); bins are numbered as channels are, from low frequencies to high ones."""
    number = np.empty((_SIDE, _SIDE), np.int64)
    number[tuple(_by_radius(_SIDE).T)] = np.arange(BINS)
    places = _by_radius(_FREQUENCIES) // (_FREQUENCIES // _SIDE)
    found: Integers = number[places[:, 0], places[:, 1]]
    return found


def by_channel(shifts: Sequence[int]) -> Integers | None:
    """Of the first bins, the others being 0 -> what is added to each channel's scale, int32 (1024,) in 1/64 octave; None: nothing to any."""
    if not any(shifts):
        return None
    whole = np.zeros(BINS, np.int32)
    whole[: len(shifts)] = shifts
    found: Integers = UNIT * whole[channel_bins()]
    return found.astype(np.int32)

"""Restored texture beside targets: all of a tile has its speckle again but what stands out of it, which is not speckle.

In: the ground of a tile, the bumps that come on it, the noise of the texture; out: levels in dB, the bumps not on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.signal.correction import Correction, Ground, with_power, with_texture
from sarcodec.signal.planes import blocks_to_pixels

if TYPE_CHECKING:
    from sarcodec.arrays import Floats

SPECKLE_DB = 8.0  # above its surroundings a pixel is speckle, and in a tile whose levels scatter much
SPECKLE_TIMES = 3.5  # up to so many root mean squares of what they do
BETWEEN_DB = 3.0  # farther up it is a target
BUMP_DB = 1.0  # and where a bump moves it by so much


def restored(
    ground: Ground,
    bumps: Floats | None,
    noise: Floats,
    correction: Correction,
    power: bool,
    shares: Floats | None = None,
) -> tuple[Floats, Floats | float]:
    """As `with_texture`, but targets as they are without it; and how much of each pixel has texture, 0 to 1, both (rows, cols).

    bumps: (rows, cols) in dB, not on the levels; None in a tile without, which is taken to have no targets. shares: what `target_shares` gives, where it is at hand.
    """
    levels = with_texture(ground, noise, correction, power)
    if bumps is None:
        return levels, 1.0
    targets = target_shares(ground, bumps) if shares is None else shares
    levels += targets * ((with_power(ground, correction) if power else ground.levels) - levels)
    return levels, 1 - targets


def target_shares(ground: Ground, bumps: Floats) -> Floats:
    """How far each pixel (rows, cols) is a target rather than speckle, 0 to 1, float32: as it stands out, or as a bump moves it."""
    above = ground.levels + bumps - blocks_to_pixels(ground.blocks, bumps.shape)
    speckle_db = max(SPECKLE_DB, SPECKLE_TIMES / ground.detail_scale)
    standing = (above - np.float32(speckle_db)) * np.float32(1 / BETWEEN_DB)
    found: Floats = np.clip(np.maximum(standing, np.abs(bumps) * np.float32(1 / BUMP_DB)), 0, 1)
    return found

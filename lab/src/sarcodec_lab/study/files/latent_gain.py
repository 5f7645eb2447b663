"""How loudly a decoder answers to a step of each latent channel: what a rounding error there costs in the picture.

In: anything with `synthesise`, latents as a file holds them, steps; out: a number a channel. numpy only; knows no file.
"""

from __future__ import annotations

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec_lab.study.files.tiles import CELL_PX

_SIDE = 16  # cells along a patch, where the model is not bound to a tile
_APART = 4  # cells between two that are moved at once: further than a decoder's answer to one of them reaches
_SIGNS = (-1, 1)  # each channel is moved down once and up once, at two places
_FAINTEST = 1e-9  # of the loudest: a channel that the decoder does not hear has a gain all the same


def measured(model, latents: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Squared error in unit scale, a pixel of one cell, for each squared step (channels,), above 0.

    latents: whole numbers (tiles, channels, rows, cols), of which one patch is decoded as it is and twice with single
    latents moved by half a step, as many channels at once as have room; steps: (channels, 1, 1). The square of an error
    is what the model's gain makes of it as long as a decoder is nearly linear over half a step. Raises InvalidArgument
    where the model gives numbers that are not finite.
    """
    patch, sites = _patch(latents, model.tile_px) * steps, _sites(model.tile_px)
    calm = model.synthesise(patch[None])[0, 0]
    gains, channels = np.zeros(len(patch)), np.arange(len(patch))
    for turn, sign in enumerate(_SIGNS):
        for together in np.split(channels, channels[len(sites) :: len(sites)]):
            shift = turn * len(sites) // len(_SIGNS)
            here = {channel: sites[(channel + shift) % len(sites)] for channel in together}
            moved = patch.copy()
            for channel, (row, col) in here.items():
                moved[channel, row, col] += sign * steps[channel, 0, 0] / 2
            error = (model.synthesise(moved[None])[0, 0].astype(np.float64) - calm) ** 2
            for channel, (row, col) in here.items():
                gains[channel] += error[_around(row), _around(col)].sum() * 4 / (CELL_PX**2 * len(_SIGNS))
    if not np.isfinite(gains).all():
        raise InvalidArgument("the model decodes latents to numbers that are not finite; publish it again")
    return np.maximum(gains, gains.max() * _FAINTEST) if gains.any() else np.ones_like(gains)


def _patch(latents: np.ndarray, tile_px: int | None) -> np.ndarray:
    """Of the tile in the middle, (channels, side, side) float32; what is smaller is repeated."""
    side, tile = _side(tile_px), latents[len(latents) // 2]
    rows, cols = (np.arange(side) % size for size in tile.shape[1:])
    return tile[:, rows[:, None], cols].astype(np.float32)


def _sites(tile_px: int | None) -> list[tuple[int, int]]:
    """Rows and columns of the cells that are moved."""
    along = range(min(1, _side(tile_px) - 1), _side(tile_px), _APART)
    return [(row, col) for row in along for col in along]


def _side(tile_px: int | None) -> int:
    return tile_px // CELL_PX if tile_px else _SIDE


def _around(cell: int) -> slice:
    """Pixels from one cell before to two after it: together the windows of all sites are the patch."""
    begin = max(0, cell - 1)
    return slice(begin * CELL_PX, (begin + _APART) * CELL_PX)

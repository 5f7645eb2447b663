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
_CHECKED = 3  # tiles that are decoded to see whether gains hold
_FACTOR, _SHARE = 3.0, 0.01  # an error may grow by so many times what was promised, and by so much of itself
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


def holds(
    model, tiles: np.ndarray, in_steps: np.ndarray, chosen: np.ndarray, steps: np.ndarray, gains: np.ndarray
) -> bool:
    """Whether the picture is as good as gains promised of latents that are not the nearest whole numbers.

    tiles: what was analysed, (tiles, 1, height, width); in_steps: its latents as floats. Some tiles are decoded both ways. A
    decoder may answer to many changes at once otherwise than to one: signs that it counts by, say.
    """
    some = np.unique(np.linspace(0, len(tiles) - 1, _CHECKED).round().astype(int))
    nearest, wanted = np.rint(in_steps[some]), tiles[some].astype(np.float64)
    errors = [
        np.sum((model.synthesise((latents * steps).astype(np.float32)) - wanted) ** 2) / CELL_PX**2
        for latents in (nearest, chosen[some])
    ]
    further = (in_steps[some] - chosen[some]) ** 2 - (in_steps[some] - nearest) ** 2
    promised = float(gains @ further.sum((0, 2, 3)))
    return bool(errors[1] - errors[0] <= _FACTOR * promised + _SHARE * errors[0])


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

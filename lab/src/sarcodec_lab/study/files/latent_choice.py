"""Which whole number stands for each latent: not always the nearest, but one that is worth its bits.

In: latents in steps, as floats; out: whole numbers for `latent_file.pack`. An encoder's choice alone: a decoder reads
them as it reads any. Knows no network and no file.
"""

from __future__ import annotations

import numpy as np

from sarcodec_lab.study.files import latent_fit, latent_stream
from sarcodec_lab.study.files.latent_stream import LARGEST, Channel, Field, Predictor
from sarcodec_lab.study.files.latent_tables import CENTRES, CLASSES, EXACT, SHAPES, costs

RATE_WEIGHT = 0.075
"""Squared steps that a bit is worth. A fine uniform quantiser gives ln 2 / 6 = 0.116 for one (its error is step^2 / 12,
and a step half as large costs a bit); less is best at steps as coarse as these are (docs/log.md)."""

_WHOLE = 1e-3  # of a step: as near as float32 comes to a whole number
_QUIET = 0.02  # share of latents that are not as predicted, up to which a channel is left alone
_PASSES = 2  # what is fitted fits what was chosen before: a third pass changes next to nothing


def choose(latents: np.ndarray, kept: np.ndarray | None = None, weight: float = RATE_WEIGHT) -> np.ndarray:
    """Floats (tiles, channels, rows, cols) in steps, none beyond LARGEST -> int32 of that shape.

    Least of all that is tried: squared error + weight * bits. A step is taken to be worth the same in every channel, as
    steps of published models are fitted. Plain rounding is among what is tried, and is what a channel keeps whose latents
    are nearly all as predicted: there is nothing to save, and the decoder may need it whole. So does a channel that is
    whole numbers as it comes: it is no measurement but a sign (of a placed start, say). kept: bool (tiles, rows, cols),
    the places that are coded, as in `latent_stream`; all others are rounded.
    """
    plain = np.rint(latents).astype(np.int32)
    if weight <= 0:
        return plain
    channels = latent_fit.fit(plain, kept)
    signs = np.abs(latents - plain).max((0, 2, 3)) < _WHOLE
    weights = np.where(signs | (_surprising(plain, channels, kept) <= _QUIET), 0.0, weight)
    best, least = plain, _objective(latents, plain, channels, kept, weight)
    for _ in range(_PASSES if weights.any() else 0):
        found = _walk(latents, channels, weights, kept)
        channels = latent_fit.fit(found, kept)
        objective = _objective(latents, found, channels, kept, weight)
        if objective < least:
            best, least = found, objective
    return best


def _walk(latents: np.ndarray, channels: list[Channel], weights: np.ndarray, kept: np.ndarray | None) -> np.ndarray:
    """Every latent in the order of a decoder, which knows those before it as they were chosen; weights: of bits."""
    tiles, count, rows, cols = latents.shape
    field, out = Field(latents.shape, kept), np.rint(latents).astype(np.int32).reshape(tiles, -1)
    predictor, flat = Predictor(field, channels), latents.reshape(tiles, -1)
    bits, tile_places = _bits(), np.arange(tiles)[:, None] * count * field.plane
    for group in latent_stream.order(count, rows, cols):
        channel, place = np.divmod(group, rows * cols)
        inside = channel * field.plane + (place // cols + 1) * field.line + place % cols + 1
        here = field.kept[:, place]
        places, channel = (tile_places + inside)[here], np.broadcast_to(channel, here.shape)[here]
        value = flat[:, group][here]
        nearest, centre = predictor.predict(places, channel)
        tables, mean = predictor.rows(places, channel, centre), predictor.mean[channel]
        tried = _candidates(value, nearest + mean)
        residuals = tried - mean - nearest
        spent = bits[tables, np.clip(residuals, -EXACT, EXACT) + EXACT]
        least = np.argmin((tried - value) ** 2 + weights[channel] * spent, 0)[None]
        taken, residual = (np.take_along_axis(values, least, 0)[0] for values in (tried, residuals))
        field.learn(places, taken - mean, residual, predictor.base[channel], channel == count - 1)
        chosen = out[:, group]
        chosen[here] = taken
        out[:, group] = chosen
    return out.reshape(latents.shape)


def _candidates(value: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """(4, places): the nearest whole number first, the other beside the value, one further towards what is expected, and
    that itself."""
    near = np.rint(value).astype(np.int64)
    other = near + np.where(value > near, 1, -1)
    further = np.where(expected < value, np.minimum(near, other) - 1, np.maximum(near, other) + 1)
    return np.clip(np.stack([near, other, further, expected]), -LARGEST, LARGEST)


def _bits() -> np.ndarray:
    return costs().reshape(SHAPES * CLASSES * CENTRES, -1)


def _surprising(plain: np.ndarray, channels: list[Channel], kept: np.ndarray | None) -> np.ndarray:
    """Of each channel, the share of latents that are not as predicted."""
    field = Field(plain.shape, kept)
    residuals = latent_stream.modelled(plain, channels, field)[1]
    return np.array([np.mean(residuals[:, number][field.kept] != 0) for number in range(len(channels))])


def _objective(latents: np.ndarray, chosen: np.ndarray, channels: list[Channel], kept, weight: float) -> float:
    where = True if kept is None else kept[:, None]
    error = np.sum((latents - chosen) ** 2, where=where, dtype=np.float64)
    return float(error) + weight * 8 * len(latent_stream.encode(chosen, channels, kept))

"""What an encoder fits to the latents of a band: means, predictors and the classes of contexts, channel after channel.

In: whole numbers (tiles, channels, rows, cols); out: a `Channel` each. Floats are free here: a decoder reads what was
found.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sarcodec_lab.study.files.latent_stream import (
    BINS,
    COEFFICIENT_BITS,
    LARGEST,
    LARGEST_BIAS,
    LARGEST_COEFFICIENT,
    MAX_OTHERS,
    MIXES,
    SPATIAL,
    Channel,
    Field,
    Predictor,
    check_latents,
    expected_classes,
)
from sarcodec_lab.study.files.latent_tables import CLASSES, EXACT, costs

_SAMPLE = 1 << 16  # places that a predictor is fitted to, spread over the band
_TAP_BITS = 9.0  # what a tap must save to be tried
PLANE = (32, 32, -32)  # of W, N, NW: exact where a channel is a sum of one number a row and one a column
_SIZES = (0, 1, 2, 3, 4, 6, 8, 12)
_CLASS_BITS = np.array([0.9, *(3.0 + 2.0 * np.arange(CLASSES - 1))])  # roughly, by distance from what is expected


def fit(latents: np.ndarray, kept: np.ndarray | None = None) -> list[Channel]:
    """Integers (tiles, channels, rows, cols) -> what `latent_stream.encode` needs; kept: as there."""
    check_latents(latents)
    field, channels = Field(latents.shape, kept), []
    for number in range(latents.shape[1]):
        before = channels[-1] if channels else Channel()
        values = latents[:, number].reshape(len(latents), -1)[field.kept].astype(np.int64)
        channels.append(_fit_channel(field, values, number, before))
    return channels


def _fit_channel(field: Field, values: np.ndarray, number: int, before: Channel) -> Channel:
    mean = int(np.clip(np.rint(values.mean()), -LARGEST, LARGEST))
    places, deviation = field.places(number), values - mean
    field.deviation[places] = deviation
    trials = [_trial(field, number, deviation, taps) for taps in _tap_sets(field, places, number)]
    _, bare, residual, centre = min(trials, key=lambda trial: trial[0])
    bare = replace(bare, mean=mean)
    field.learn(places, deviation, residual, np.int64(bare.base), number == field.shape[1] - 1)
    fits = [
        _fit_contexts(field.context(places, number, mix), residual, centre, bare, before, mix)
        for mix in range(MIXES + 1)
    ]
    return min(fits, key=lambda pair: pair[0])[1]


def _tap_sets(field: Field, places: np.ndarray, number: int) -> list[dict[int, int]]:
    """Sets of taps worth trying, none first: tap -> coefficient; taps 0 to 3 are neighbours, then channels before."""
    sample = places[:: -(-places.size // _SAMPLE)]
    offsets = [*field.offsets(), *(-before * field.plane for before in range(1, number + 1))]
    known = np.stack([field.deviation[sample + offset] for offset in offsets]).astype(np.float64)
    target = field.deviation[sample].astype(np.float64)
    products, wanted = known @ known.T, known @ target
    chosen = _forward(products.copy(), wanted.copy(), float(target @ target), places.size)
    sets = {}
    for size in (*_SIZES, len(chosen)):
        taps = chosen[:size]
        exact = np.linalg.lstsq(products[np.ix_(taps, taps)], wanted[taps], rcond=None)[0] if taps else []
        rounded = np.clip(
            np.rint(np.asarray(exact) * (1 << COEFFICIENT_BITS)), -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT
        )
        sets[len(taps)] = {tap: int(weight) for tap, weight in zip(taps, rounded) if weight}
    return [*sets.values(), dict(enumerate(PLANE))]


def _forward(products: np.ndarray, wanted: np.ndarray, left: float, places: int) -> list[int]:
    """Taps by what each saves after those before it: forward selection, the chosen one projected out of all others."""
    chosen: list[int] = []
    scale = np.diag(products).copy() + 1e-9
    while left > 0 and len(chosen) < SPATIAL + MAX_OTHERS:
        power = np.diag(products)
        gains = np.where(power > 1e-6 * scale, wanted**2 / np.maximum(power, 1e-9), 0)
        gains[chosen] = 0
        if sum(tap >= SPATIAL for tap in chosen) == MAX_OTHERS:
            gains[SPATIAL:] = 0
        tap = int(np.argmax(gains))
        share = min(gains[tap] / left, 1 - 1e-12)
        if -0.5 * places * np.log2(1 - share) < _TAP_BITS:
            break
        chosen.append(tap)
        along = products[tap] / products[tap, tap]
        wanted = wanted - along * wanted[tap]
        products = products - np.outer(along, products[tap])
        left *= 1 - share
    return chosen


def _trial(field: Field, number: int, deviation: np.ndarray, taps: dict[int, int]):
    """Bits under one class for all, the channel that gives them, residuals, centres."""
    others = tuple(sorted((tap - SPATIAL + 1, weight) for tap, weight in taps.items() if tap >= SPATIAL))
    channel = Channel(spatial=tuple(taps.get(tap, 0) for tap in range(SPATIAL)), others=others)
    places = field.places(number)
    total = sum(weight * field.deviation[places + offset].astype(np.int64) for offset, weight in _offsets(field, taps))
    bias = np.rint(4 * (deviation - total / (1 << COEFFICIENT_BITS)).mean())
    channel = replace(channel, bias=int(np.clip(bias, -LARGEST_BIAS, LARGEST_BIAS)))
    nearest, centre = Predictor(field, [Channel()] * number + [channel]).predict(places, number)
    residual = deviation - nearest
    bits = np.einsum("scer,er->sc", costs(), _histogram(np.zeros_like(centre), residual, centre, 1)[0])
    shape, base = np.unravel_index(int(np.argmin(bits)), bits.shape)
    spent = float(bits.min()) + 10.0 * len(others) + 3.0 * sum(map(bool, channel.spatial))
    return spent, replace(channel, shape=int(shape), base=int(base)), residual, centre


def _offsets(field: Field, taps: dict[int, int]) -> list[tuple[int, int]]:
    near = field.offsets()
    return [(int(near[t]) if t < SPATIAL else -(t - SPATIAL + 1) * field.plane, weight) for t, weight in taps.items()]


def _histogram(context: np.ndarray, residual: np.ndarray, centre: np.ndarray, bins: int) -> np.ndarray:
    """How often a residual (clipped to what is tabled) comes in each context and centre: (bins, 4, residuals)."""
    width = 2 * EXACT + 1
    flat = (context * 4 + centre) * width + np.clip(residual, -EXACT, EXACT) + EXACT
    return np.bincount(flat, minlength=bins * 4 * width).reshape(bins, 4, width).astype(np.float32)


def _fit_contexts(context, residual, centre, bare: Channel, before: Channel, mix: int) -> tuple[float, Channel]:
    """Bits, and the channel with the best class of each context and the best shape."""
    histogram = _histogram(context, residual, centre, BINS)
    bits = np.tensordot(costs(), histogram, axes=([2, 3], [1, 2])).transpose(0, 2, 1)  # shape, context, class
    distance = np.abs(np.arange(CLASSES) - expected_classes(bare.base, before)[:, None])
    bits = bits + _CLASS_BITS[distance]
    shape = int(np.argmin(bits.min(2).sum(1)))
    classes = tuple(map(int, bits[shape].argmin(1)))
    return float(bits[shape].min(1).sum()), replace(bare, shape=shape, mix=mix, classes=classes)

"""The latents of one band to entropy-coded bytes and back: integers only, the same on every machine.

In: whole numbers (tiles, channels, rows, cols); out: bytes. Each latent is predicted from neighbours in its channel and
from earlier channels at its place; how far neighbours were off chooses its table. Tiles are coded alike and know
nothing of each other. What is fitted to the band (`latent_fit`) opens the stream. Law: docs/format.md, section of
.sara files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sarcodec.entropy import coding as entropy
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec_lab.study.files.latent_tables import CLASSES, LAPLACE, SHAPES, row_of, shipped

LARGEST = 32767  # of a latent, either way
COEFFICIENT_BITS = 5  # coefficients are in 1/32
LARGEST_COEFFICIENT, LARGEST_BIAS = 127, 127
SPATIAL, MAX_OTHERS = 4, 8  # west, north, north-west, north-east; earlier channels at the same place
MIXES = 4  # a context is own neighbours (4 - mix) / 4, other channels mix / 4
THRESHOLDS = np.array([52, 94, 135, 177, 229, 302, 416])  # between the eight contexts; 208 is what is usual
BINS = THRESHOLDS.size + 1

_USUAL, _MOST = 13, 63  # a magnitude, in 1/16 of the channel's deviation
_MANTISSA = np.array([256, 215, 181, 152])
_PROFILE = (-4, -3, -2, -1, 0, 1, 2, 3)
_MEAN, _BIAS, _BASE, _SHAPE, _MIX, _CLASS, _COEFFICIENT, _COUNT, _GAP = (
    int(row_of(LAPLACE, scale_class, 1)) for scale_class in (28, 18, 20, 12, 16, 14, 28, 20, 24)
)
_HEAD_ROWS = np.array([_MEAN, _BIAS, _BASE, _SHAPE, _MIX, *[_CLASS] * BINS, *[_COEFFICIENT] * SPATIAL, _COUNT])


@dataclass(frozen=True)
class Channel:
    """What is fitted to one channel. mean: taken off; bias: of the prediction, in 1/4; base: the class of its
    deviation.

    classes: of each context; spatial: coefficients of W, N, NW, NE; others: (how many channels before, coefficient),
    rising.
    """

    mean: int = 0
    bias: int = 0
    base: int = 16
    shape: int = 0
    mix: int = 2
    classes: tuple[int, ...] = tuple(16 + step for step in _PROFILE)
    spatial: tuple[int, ...] = (0,) * SPATIAL
    others: tuple[tuple[int, int], ...] = ()


def expected_classes(base: int, before: Channel) -> np.ndarray:
    """Classes of the contexts as the channel before lets expect them."""
    return np.clip(base + np.array(before.classes) - before.base, 0, CLASSES - 1)


class Field:
    """The latents of a band while they become known, and their contexts; a row and columns of 'usual' lie around each
    tile.

    Places are flat indices into the padded arrays. deviation: latent less mean; size: magnitude of its residual in 1/16
    of its channel's deviation; energy: sum of `size` over the earlier channels.
    """

    def __init__(self, shape: tuple[int, int, int, int], kept: np.ndarray | None = None) -> None:
        self.shape = tiles, channels, rows, cols = shape
        self.kept = np.ones((tiles, rows * cols), bool) if kept is None else kept.reshape(tiles, -1)
        self.plane, self.line = (rows + 1) * (cols + 2), cols + 2
        padded = tiles * channels * self.plane
        self.deviation = np.zeros(padded, np.int32)
        self.size = np.full(padded, _USUAL, np.int32)
        self.energy = np.zeros(padded + self.plane, np.int32)  # the last channel's sum is written, never read

    def places(self, channel: int) -> np.ndarray:
        """Of one channel, those that are kept, in the order of (tiles, rows, cols)."""
        tiles, channels, rows, cols = self.shape
        tile = (np.arange(tiles) * channels + channel) * self.plane
        row, col = (np.arange(rows) + 1) * self.line, np.arange(cols) + 1
        return (tile[:, None, None] + row[:, None] + col).reshape(tiles, -1)[self.kept]

    def offsets(self) -> np.ndarray:
        """From a place to its neighbours W, N, NW, NE."""
        return np.array([-1, -self.line, -self.line - 1, -self.line + 1])

    def context(self, places: np.ndarray, channel, mix) -> np.ndarray:
        """0 (quiet) to 7 (busy); channel, mix: one number, or one a place."""
        west, north, corner, east = (self.size[places + offset].astype(np.int64) for offset in self.offsets())
        own = 5 * (west + north) + 3 * (corner + east)
        others = 16 * (self.energy[places].astype(np.int64) + 2 * _USUAL) // (channel + 2)
        return np.searchsorted(THRESHOLDS, (own * (MIXES - mix) + others * mix) >> 2, side="right")

    def learn(self, places: np.ndarray, deviation: np.ndarray, residual: np.ndarray, base, last) -> None:
        """Latents that have become known; base: class of the channel's deviation; last: whether no channel follows."""
        size = np.minimum(np.abs(residual) * _MANTISSA[base & 3] >> (base >> 2), _MOST)
        self.deviation[places], self.size[places] = deviation, size
        onward = ~np.broadcast_to(last, places.shape)
        self.energy[places[onward] + self.plane] = self.energy[places[onward]] + size[onward]


class Predictor:
    """Predictions and tables of places, for fitted channels."""

    def __init__(self, field: Field, channels: list[Channel]) -> None:
        self.field, count = field, len(channels)
        self.taps = np.zeros((count, SPATIAL + MAX_OTHERS), np.int64)
        self.weights = np.zeros_like(self.taps)
        for number, channel in enumerate(channels):
            used = SPATIAL + len(channel.others)
            self.taps[number, :SPATIAL] = field.offsets()
            self.taps[number, SPATIAL:used] = [-before * field.plane for before, _ in channel.others]
            self.weights[number, :used] = [*channel.spatial, *(weight for _, weight in channel.others)]
        column = lambda name: np.array([getattr(channel, name) for channel in channels], np.int64)
        self.mean, self.bias, self.base, self.shape, self.mix = map(column, ("mean", "bias", "base", "shape", "mix"))
        self.classes = np.array([channel.classes for channel in channels], np.int64)

    def predict(self, places: np.ndarray, channel) -> tuple[np.ndarray, np.ndarray]:
        """The whole number nearest to the prediction, and its centre 0 to 3."""
        total = sum(self.weights[channel, k] * self.field.deviation[places + self.taps[channel, k]] for k in self._used)
        quarters = self.bias[channel] + ((total + 4) >> (COEFFICIENT_BITS - 2)) + 1 + np.zeros(places.size, np.int64)
        return quarters >> 2, quarters & 3

    @property
    def _used(self) -> np.ndarray:
        return np.flatnonzero(self.weights.any(0))

    def rows(self, places: np.ndarray, channel, centre: np.ndarray) -> np.ndarray:
        """The table of each place."""
        context = self.field.context(places, channel, self.mix[channel])
        return row_of(self.shape[channel], self.classes[channel, context], centre)


def encode(latents: np.ndarray, channels: list[Channel], kept: np.ndarray | None = None) -> bytes:
    """Integers (tiles, channels, rows, cols), none beyond LARGEST, with what was fitted to them -> bytes.

    kept: bool (tiles, rows, cols), the places that are coded; None: all.
    """
    check_latents(latents)
    field = Field(latents.shape, kept)
    tables, residuals = modelled(latents, channels, field)
    tiles, count, rows, cols = latents.shape
    groups = order(count, rows, cols)
    kept = [field.kept[:, group % (rows * cols)] for group in groups]
    in_order = lambda values: np.concatenate(
        [values.reshape(tiles, -1)[:, group][here] for group, here in zip(groups, kept)]
    )
    head_rows, head = _pack_channels(channels)
    return entropy.encode(
        shipped(), np.concatenate([head_rows, in_order(tables)]), np.concatenate([head, in_order(residuals)])
    )


def modelled(latents: np.ndarray, channels: list[Channel], field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Table and residual of each latent, (tiles, channels, places) int32, 0 where not kept; a new `field` learns them."""
    predictor, (tiles, count, rows, cols) = Predictor(field, channels), latents.shape
    tables, residuals = np.zeros((2, tiles, count, rows * cols), np.int32)
    for number in range(count):
        places = field.places(number)
        deviation = latents[:, number].reshape(tiles, -1)[field.kept].astype(np.int64) - channels[number].mean
        field.deviation[places] = deviation
        nearest, centre = predictor.predict(places, number)
        residual = deviation - nearest
        field.learn(places, deviation, residual, predictor.base[number], number == count - 1)
        tables[:, number][field.kept] = predictor.rows(places, number, centre)
        residuals[:, number][field.kept] = residual
    return tables, residuals


def decode(stream: bytes, shape: tuple[int, int, int, int], kept: np.ndarray | None = None) -> np.ndarray:
    """The way back: int32 of `shape`, meaningful where kept. Raises CorruptFile. The caller has checked the shape."""
    decoder = entropy.Decoder(shipped(), stream)
    channels = _unpack_channels(decoder, shape[1])
    field = Field(shape, kept)
    predictor = Predictor(field, channels)
    tiles, count, rows, cols = shape
    tile_places = np.arange(tiles)[:, None] * count * field.plane
    for group in order(count, rows, cols):
        channel, place = np.divmod(group, rows * cols)
        flat = channel * field.plane + (place // cols + 1) * field.line + place % cols + 1
        here = field.kept[:, place]
        places, channel = (tile_places + flat)[here], np.broadcast_to(channel, here.shape)[here]
        nearest, centre = predictor.predict(places, channel)
        residual = decoder.decode(predictor.rows(places, channel, centre)).astype(np.int64)
        deviation = nearest + residual
        if (np.abs(deviation + predictor.mean[channel]) > LARGEST).any():
            raise CorruptFile(f"a latent is beyond {LARGEST} either way; the file is damaged")
        field.learn(places, deviation, residual, predictor.base[channel], channel == count - 1)
    decoder.finish()
    inside = field.deviation.reshape(tiles, count, rows + 1, cols + 2)[:, :, 1:, 1:-1]
    return inside + predictor.mean.astype(np.int32)[:, None, None]


def check_latents(latents: np.ndarray) -> None:
    """Raises InvalidArgument unless latents are whole numbers of four axes within LARGEST."""
    if latents.ndim != 4 or latents.dtype.kind not in "iu" or latents.size == 0:
        raise InvalidArgument(f"latents are {latents.dtype} of shape {latents.shape}; expected integers of four axes")
    if max(-int(latents.min()), int(latents.max())) > LARGEST:
        raise InvalidArgument(
            f"latents reach from {latents.min()} to {latents.max()}; at most {LARGEST}: take a larger step"
        )


def order(channels: int, rows: int, cols: int) -> list[np.ndarray]:
    """Groups of places of a tile (channel, row, col; flat) that need only earlier groups: column + 2 row + channel."""
    time = np.arange(channels)[:, None, None] + 2 * np.arange(rows)[:, None] + np.arange(cols)
    order = np.argsort(time.reshape(-1), kind="stable")
    return np.split(order, np.cumsum(np.bincount(time.reshape(-1)))[:-1])


def _pack_channels(channels: list[Channel]) -> tuple[np.ndarray, np.ndarray]:
    """Tables and values of what was fitted."""
    rows, values, before = [], [], Channel()
    for this in channels:
        classes = np.array(this.classes) - expected_classes(this.base, before)
        steps = [this.base - before.base, this.shape - before.shape, this.mix - before.mix]
        values += [this.mean, this.bias, *steps, *classes, *this.spatial, len(this.others) - len(before.others)]
        rows += [*_HEAD_ROWS, *[_GAP, _COEFFICIENT] * len(this.others)]
        last = 0
        for distance, weight in this.others:
            values += [distance - last - 1, weight]
            last = distance
        before = this
    return np.array(rows), np.array(values)


def _unpack_channels(decoder: entropy.Decoder, count: int) -> list[Channel]:
    channels, before = [], Channel()
    for number in range(count):
        mean, bias, base, shape, mix, *rest = map(int, decoder.decode(_HEAD_ROWS))
        base, shape, mix, others = (
            base + before.base,
            shape + before.shape,
            mix + before.mix,
            rest[-1] + len(before.others),
        )
        _check(0 <= base < CLASSES and 0 <= shape < SHAPES and 0 <= mix <= MIXES, number)
        _check(abs(mean) <= LARGEST and abs(bias) <= LARGEST_BIAS and 0 <= others <= min(number, MAX_OTHERS), number)
        classes = expected_classes(base, before) + rest[:BINS]
        pairs = decoder.decode(np.array([_GAP, _COEFFICIENT] * others, np.int64)).reshape(-1, 2)
        distances, weights = np.cumsum(pairs[:, 0].astype(np.int64) + 1), (*rest[BINS:-1], *map(int, pairs[:, 1]))
        _check((pairs[:, 0] >= 0).all() and (not others or distances[-1] <= number), number)
        _check(classes.min() >= 0 and classes.max() < CLASSES, number)
        _check(max(map(abs, weights)) <= LARGEST_COEFFICIENT, number)
        pairs = tuple(zip(map(int, distances), weights[SPATIAL:]))
        before = Channel(mean, bias, base, shape, mix, tuple(map(int, classes)), weights[:SPATIAL], pairs)
        channels.append(before)
    return channels


def _check(holds: bool, channel: int) -> None:
    if not holds:
        raise CorruptFile(f"what is said of latent channel {channel} is beyond its limits; the file is damaged")

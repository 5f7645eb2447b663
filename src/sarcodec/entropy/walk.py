"""The walk over a tile's symbols: which table codes each of them, given what was coded before. Whole numbers only.

In: a model's `Prior`, a step index, the tile's size in cells and a `SymbolPort` that writes or reads the symbols; out: latents
in 1/32 step. Encoder and decoder take the same walk, so they cannot disagree. Knows no file, no pixels and no float network.
native/walk.c is the same in C; `sarcodec.entropy.tiles` takes the one that there is.

    z --> hyper synthesis --> side --> accumulator --+--> hidden --> head --> (mean, scale) --> table, symbol --> latent
                                        ^   ^        |  eight passes: group 0..3, each in two checkerboard halves
         features of a reference band --+   +------ features of what this pass decoded
                                                              a reference band also moves the mean: gain times its latent
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from sarcodec.entropy.integer_layers import at_step, gather, neighbours, padded
from sarcodec.entropy.prior import (
    CENTROIDS,
    CHANNELS,
    ERROR_UNITS,
    FEATURE_SIZE_MAX,
    GAIN_BITS,
    GROUPS,
    HYPER_CELLS,
    HYPER_CHANNELS,
    LATENT_MAX,
    LATENT_TABLES,
    OCTAVE_CLASSES,
    POOL,
    POOL_SHIFT,
    REFERENCE_TAPS,
    SCALE_LEVELS,
    Prior,
    TileLatents,
)
from sarcodec.entropy.steps import OCTAVE
from sarcodec.entropy.trellis import HALF_STEP

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers


class SymbolPort(Protocol):
    """One side of the channel: gives the symbols of a pass, by writing or by reading them."""

    def hyper(self, rows: Integers) -> Integers:
        """Table numbers (n,) -> hyper symbols (n,) int64."""

    def latents(self, rows: Integers, mean: Integers, cells: Integers, channels: slice) -> Integers:
        """Table numbers of quantiser 0 and means in 1/32 step (cells, channels) -> places on the half-step grid, int64."""


def walk(
    prior: Prior,
    step: int,
    rows: int,
    cols: int,
    port: SymbolPort,
    reference: TileLatents | None = None,
    lost: Floats | None = None,
    groups: int = len(GROUPS),
    shifts: Integers | None = None,
    scales: Integers | None = None,
) -> Integers:
    """Latents of a tile of rows x cols cells in 1/32 step: (rows * cols, 1024) int32.

    reference: the same tile of another band. lost: of the latents' shape, float32; filled with the expected squared errors of the latents in step^2 of
    their channels. groups: so many are walked, latents of others are 0. shifts (1024,): added to the channels' scales, in 1/64 octave. scales: of the
    latents' shape, int64; filled, before the port is asked for symbols, with what their levels are made of.
    """
    side = _side_of(prior, step, rows, cols, port)
    passes = _Walk(prior, step, rows, cols, side, reference, lost)
    if shifts is not None:
        passes.scale_offset = passes.scale_offset + shifts
    passes.scales = scales
    return passes.run(port, groups)


def _side_of(prior: Prior, step: int, rows: int, cols: int, port: SymbolPort) -> Floats:
    """Side features (rows * cols, 128) from hyper symbols that the port gives."""
    grid = (-(-rows // HYPER_CELLS), -(-cols // HYPER_CELLS))
    octave = min(int(step) // 64, OCTAVE_CLASSES - 1)
    table = 2 * LATENT_TABLES + np.arange(HYPER_CHANNELS) * OCTAVE_CLASSES + octave
    z = port.hyper(np.tile(table, grid[0] * grid[1])).reshape(-1, HYPER_CHANNELS)
    side = prior.hyper.side(z, *grid).reshape(grid[0] * HYPER_CELLS, grid[1] * HYPER_CELLS, -1)
    return np.ascontiguousarray(side[:rows, :cols]).reshape(rows * cols, -1)


def pass_sizes(rows: int, cols: int) -> list[int]:
    """How many latents each of the eight passes has over a tile of rows x cols cells."""
    even = (rows * cols + 1) // 2
    return [size * cells for size in GROUPS for cells in (even, rows * cols - even)]


class _Walk:
    """The eight passes over one tile."""

    def __init__(
        self,
        prior: Prior,
        step: int,
        rows: int,
        cols: int,
        side: Floats,
        reference: TileLatents | None = None,
        lost: Floats | None = None,
    ):
        self.prior, self.step, self.shape, self.lost = prior, step, (rows, cols), lost
        self.total = side @ prior.accumulator.floats[0]
        self.places = neighbours(rows, cols)
        odd = (np.arange(rows)[:, None] + np.arange(cols)[None]).reshape(-1) % 2
        self.halves = (np.flatnonzero(odd == 0), np.flatnonzero(odd))
        law = prior.steps
        log_ratio = law.deviation - law.log2_steps(step)
        self.mean_factor = law.power(log_ratio, 15)  # 1/64 deviation -> 1/32 step, with 16 bits below the point
        self.feature_factor = law.power(-log_ratio, 18)  # 1/32 step -> 1/128 deviation, with 16 bits below
        self.scale_offset = (log_ratio >> 4) + 4 * 64  # log2 in 1/64 octave above 2^-4
        self.lent_later = np.zeros_like(self.total)
        self.scales: Integers | None = None
        self.leaning = None if reference is None else self.lean_on(reference)

    def lean_on(self, reference: TileLatents) -> Integers:
        """Add what the reference's group 0 says to the accumulator, and keep what its other groups say for those of this band; gives its latents
        in 1/32 of this band's steps."""
        law, latents, begin = self.prior.steps, _clipped(reference.values.astype(np.int64)), 0
        factor = law.power(law.log2_steps(reference.step) - law.deviation, 18)
        for group, (size, taps) in enumerate(zip(GROUPS, REFERENCE_TAPS)):
            channels = slice(begin, begin + size)
            seen = features(latents[:, channels], factor[channels], self.prior.companding, group)
            if taps > 1:
                seen = gather(padded(seen, *self.shape), self.places)
            said = seen @ self.prior.accumulator.floats[2][group]
            if group == 0:
                self.total = self.total + said
            else:
                self.lent_later = self.lent_later + said
            begin += size
        ratio = law.power(law.log2_steps(reference.step) - law.log2_steps(self.step), 16)
        return _clipped(latents * ratio >> 16)

    def run(self, port: SymbolPort, groups: int = len(GROUPS)) -> Integers:
        rows, cols = self.shape
        latents = np.zeros((rows * cols, CHANNELS), np.int32)
        begin = 0
        for group, size in enumerate(GROUPS[:groups]):
            channels = slice(begin, begin + size)
            if group == 1:
                self.total = self.total + self.lent_later
            self.code_half(group, 0, channels, port, latents)
            first = self.spread(latents[:, channels], group, channels, self.halves[1])
            held = self.total
            self.total = held.copy()
            self.total[self.halves[1]] += first
            self.code_half(group, 1, channels, port, latents)
            if group + 1 < len(GROUPS):
                self.total = held + self.spread(latents[:, channels], group, channels, slice(None))
            begin += size
        return latents

    def code_half(self, group: int, half: int, channels: slice, port: SymbolPort, latents: Integers) -> None:
        cells, number = self.halves[half], 2 * group + half
        if not len(cells):
            return
        prior = self.prior
        bias = at_step(prior.accumulator.bias[number], self.step).astype(np.float32)
        x = prior.hidden[number].activate(prior.accumulator.requantise(self.total[cells] + bias))
        out = prior.head[number].rounded(x)
        size = channels.stop - channels.start
        mean: Integers = (out[:, :size] * self.mean_factor[channels] + (1 << 15)) >> 16
        if self.leaning is not None:
            gain = prior.gain[number].rounded(x)
            mean += (gain * self.leaning[cells, channels] + (1 << GAIN_BITS - 1)) >> GAIN_BITS
        mean = _clipped(mean)
        scale = out[:, size:] + self.scale_offset[channels]
        level = scale >> 4
        if self.scales is not None:
            self.scales[cells, channels] = scale
        rows = np.clip(level + 1, 0, SCALE_LEVELS - 1) + group * SCALE_LEVELS
        places = port.latents(rows, mean, cells, channels)
        inwards = prior.centroids[rows, np.minimum(np.abs(places), CENTROIDS - 1)].astype(np.int64)
        latents[cells, channels] = _clipped(places * HALF_STEP - np.sign(places) * inwards + mean)
        if self.lost is not None:
            self.lost[cells, channels] = self.expected_errors(rows, places, channels)

    def expected_errors(self, rows: Integers, places: Integers, channels: slice) -> Floats:
        """Squared errors in step^2 to expect (cells, channels) float32. Level 0 is that of tables that skip."""
        error = self.prior.errors[rows, np.minimum(np.abs(places), CENTROIDS - 1)] * np.float32(1 / ERROR_UNITS)
        law = self.prior.steps
        variance = np.exp2((law.deviation - law.log2_steps(self.step))[channels] / np.float32(OCTAVE / 2))
        return np.where(rows % SCALE_LEVELS == 0, error * variance.astype(np.float32), error)

    def spread(self, latents: Integers, group: int, channels: slice, cells: Integers | slice) -> Floats:
        """What a group's decoded latents add to the accumulator at some cells (n, width)."""
        seen = features(latents, self.feature_factor[channels], self.prior.companding, group)
        return gather(padded(seen, *self.shape), self.places[cells]) @ self.prior.accumulator.floats[1][group]


def _clipped(numbers: Integers) -> Integers:
    found: Integers = np.clip(numbers, -LATENT_MAX, LATENT_MAX)
    return found


def features(latents: Integers, factor: Integers, companding: Integers, group: int) -> Floats:
    """Whole-number features (cells, c) float32 of a group's latents; a latent of 0 has the feature 0.

    factor (channels,): from the latents' unit to 1/128 of the channel's typical deviation, with 16 bits below the point.
    """
    magnitude = (np.abs(latents.astype(np.int64)) * factor) >> 16
    size = companding[np.minimum(magnitude, len(companding) - 1)].astype(np.float32)
    if group < 2:
        linear = np.minimum((magnitude * 20 + 64) >> 7, FEATURE_SIZE_MAX) * np.sign(latents)
        return np.concatenate([linear.astype(np.float32), size], 1)
    total = size.reshape(len(size), -1, POOL[group]).sum(2)
    found: Floats = np.floor(total * np.float32(10 / (1 << POOL_SHIFT[group])))
    return found

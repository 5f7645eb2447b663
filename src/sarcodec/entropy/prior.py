"""The integer entropy model of a published model: its weights, and the sizes that docs/format.md gives them. Whole numbers only.

In: arrays, whose bounds are proved here; out: a `Prior`, and the same weights as native/model.c takes them. `sarcodec.entropy.walk` says what is done with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sarcodec import native
from sarcodec.entropy.integer_layers import Layer, Requantiser, check_bound, gather, neighbours, padded, shuffle_up
from sarcodec.entropy.steps import StepLaw
from sarcodec.native.tile import Model

if TYPE_CHECKING:
    from sarcodec.arrays import Floats, Integers

GROUPS = (16, 80, 288, 640)
CHANNELS = 1024
HYPER_CHANNELS = 24
HYPER_CELLS = 2
HYPER_MAX = 127
POOL = (1, 1, 2, 16)  # channels of a group that share one feature of size
POOL_SHIFT = (0, 0, 4, 7)  # pooled size = 10 * sum >> shift: 1.25 times the mean
FRACTION_BITS = 5  # latents in 1/32 step
SCALE_LEVELS = 64  # tables a group; level 0 codes nothing
LATENT_TABLES = len(GROUPS) * SCALE_LEVELS  # tables of each of the two quantisers; the hyper symbols' follow
CENTROIDS = 8  # places that have a centroid of their own
ERROR_UNITS = 1 << 16  # expected squared errors are in 1/65536 step^2
ERRORS_MAX = 1 << 24
OCTAVE_CLASSES = 10  # tables a hyper channel
FEATURE_SIZE_MAX = 127
FEATURE_MAX = (127, 127, 158, 158)
REFERENCE_TAPS = (9, 9, 1, 1)  # cells around from which a reference's features are taken, by group
GAIN_BITS = 6
LATENT_MAX = (
    1 << 30
)  # means, latents and those that a tile leans on are clipped to this size; only files that are made up to be odd reach it


@dataclass(frozen=True)
class HyperSynthesis:
    """z -> side features on the cells."""

    first: Layer
    second: Layer
    third: Layer

    def side(self, z: Integers, rows: int, cols: int) -> Floats:
        """z (rows * cols, 24) of the hyper grid -> activations (4 * rows * cols, 128), float32."""
        x = shuffle_up(self.first.activate(z.astype(np.float32)), rows, cols)
        x = self.second.activate(gather(padded(x, 2 * rows, 2 * cols), neighbours(2 * rows, 2 * cols)))
        return self.third.activate(x)


@dataclass(frozen=True)
class Accumulator:
    """The first layer of every pass: sums over side features, decoded groups and a reference's, one exponent a channel.

    side (128, width), groups: four of (9 * features, width), references: four of (taps * features, width),
    bias (8, width, 11), exponent (width,).
    """

    side: Integers
    groups: tuple[Integers, ...]
    references: tuple[Integers, ...]
    bias: Integers
    exponent: Integers

    def __post_init__(self) -> None:
        worst_bias = np.abs(self.bias).max(axis=(0, 2))
        weights, limits = [self.side, *self.groups, *self.references], [255, *FEATURE_MAX, *FEATURE_MAX]
        check_bound("accumulator", weights, limits, worst_bias, self.exponent)
        object.__setattr__(self, "side", np.ascontiguousarray(self.side, np.int16))
        for name in ("groups", "references"):
            arrays = tuple(np.ascontiguousarray(g, np.int16) for g in getattr(self, name))
            object.__setattr__(self, name, arrays)
        for name in ("bias", "exponent"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.int32))

    @cached_property
    def requantise(self) -> Requantiser:
        """What makes activations of sums."""
        return Requantiser(self.exponent)

    @cached_property
    def floats(self) -> tuple[Floats, tuple[Floats, ...], tuple[Floats, ...]]:
        """side, groups and references as float32."""
        groups, references = (tuple(a.astype(np.float32) for a in arrays) for arrays in (self.groups, self.references))
        return self.side.astype(np.float32), groups, references


@dataclass(frozen=True, eq=False)
class TileLatents:
    """Decoded latents of a tile of one band: (cells, 1024) int32 in 1/32 step, at most LATENT_MAX in size, and the step index that this is of."""

    values: Integers
    step: int


@dataclass(frozen=True)
class Prior:
    """The integer entropy model of a published model; see docs/format.md, 'Latents section'."""

    hyper: HyperSynthesis
    accumulator: Accumulator
    hidden: tuple[Layer, ...]
    head: tuple[Layer, ...]
    gain: tuple[Layer, ...]
    steps: StepLaw
    companding: Integers  # feature size of |latent| / deviation in 1/128, uint8 (8192,)
    centroids: Integers  # by table and min(|place|, 7), how far towards 0 in 1/32 step it is drawn, uint8 (256, 8)
    errors: (
        Integers  # by the same, expected squared error in 1/65536 step^2; where a table skips, of typical deviation^2
    )

    @cached_property
    def native(self) -> Model | None:
        """The same weights in the compiled library; None where it is not there. Made once, in a few milliseconds."""
        if not native.available():
            return None
        return Model(self._sizes(), self._arrays())

    def packed(self) -> Model:
        """`native` where it is known to be there."""
        if self.native is None:
            raise RuntimeError("the compiled library is not there")
        return self.native

    def _sizes(self) -> tuple[int, int, int, int]:
        """P, S, W and H of docs/format.md, 9.4."""
        return (
            self.hyper.third.weight.shape[0],
            *self.accumulator.side.shape,
            self.hidden[0].weight.shape[1],
        )

    def _arrays(self) -> list[Integers]:
        """In the order of native/model.c."""
        a, law = self.accumulator, self.steps
        layers = [self.hyper.first, self.hyper.second, self.hyper.third, *self.hidden, *self.head, *self.gain]
        dense = [array for layer in layers for array in (layer.weight, layer.bias, layer.exponent)]
        numbers = [np.ascontiguousarray(x, np.int32) for x in (law.offsets, law.deviation, law.powers)]
        small = [np.ascontiguousarray(x, np.uint8) for x in (self.companding, self.centroids)]
        errors = np.ascontiguousarray(self.errors, np.int32)
        return [*dense[:9], a.side, *a.groups, *a.references, a.bias, a.exponent, *dense[9:], *numbers, *small, errors]

"""The integer prior as named arrays of whole numbers, for a model's folder, and back. Knows no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sarcodec.entropy.integer_layers import Layer
from sarcodec.entropy.prior import (
    CENTROIDS,
    CHANNELS,
    ERRORS_MAX,
    FEATURE_SIZE_MAX,
    FRACTION_BITS,
    GROUPS,
    HYPER_CHANNELS,
    HYPER_MAX,
    POOL,
    REFERENCE_TAPS,
    SCALE_LEVELS,
    Accumulator,
    HyperSynthesis,
    Prior,
)
from sarcodec.entropy.steps import DEVIATION_RANGE, OCTAVE, OFFSET_MAX, POWER_BITS, StepLaw
from sarcodec.errors import ModelError

if TYPE_CHECKING:
    from sarcodec.arrays import Integers

HYPER_LAYERS = {"hyper1": HYPER_MAX, "hyper2": 255, "hyper3": 255}
FEATURE_CHANNELS = tuple(g // p * (2 if n < 2 else 1) for n, (g, p) in enumerate(zip(GROUPS, POOL)))
PASSES = 2 * len(GROUPS)
COMPANDING_SIZE = 8192


def prior_from_arrays(arrays: dict[str, Integers]) -> Prior:
    """Build and prove a Prior. Raises ModelError when an array is missing, of another shape, or breaks a bound."""
    try:
        for name, array in arrays.items():
            if array.dtype.kind not in "iu":
                raise ModelError(
                    f"array {name} of the prior is {array.dtype}, expected whole numbers; install the model again"
                )
        hyper = HyperSynthesis(*(_layer(arrays, name, limit) for name, limit in HYPER_LAYERS.items()))
        accumulator = Accumulator(
            arrays["side.weight"],
            tuple(arrays[f"group{g}.weight"] for g in range(len(GROUPS))),
            tuple(arrays[f"reference{g}.weight"] for g in range(len(GROUPS))),
            arrays["accumulator.bias"],
            arrays["accumulator.exponent"],
        )
        hidden, head, gain = (
            tuple(_layer(arrays, f"{kind}{n}", 255) for n in range(PASSES)) for kind in ("hidden", "head", "gain")
        )
        law = StepLaw(
            arrays["steps.offsets"].astype(np.int64), arrays["steps.deviation"].astype(np.int64), arrays["steps.powers"]
        )
        numbers = arrays["companding"], arrays["centroids"], _errors(arrays)
        prior = Prior(hyper, accumulator, hidden, head, gain, law, *numbers)
    except KeyError as error:
        raise ModelError(f"the prior has no array {error}; install the model again") from error
    _check_shapes(prior)
    _check_ranges(prior)
    return prior


def _layer(arrays: dict[str, Integers], name: str, input_max: int) -> Layer:
    return Layer(name, arrays[f"{name}.weight"], arrays[f"{name}.bias"], arrays[f"{name}.exponent"], input_max)


def _errors(arrays: dict[str, Integers]) -> Integers:
    """Expected errors; none (zeros) in models older than the array, which give back no power of their own accord."""
    return arrays.get("errors", np.zeros((len(GROUPS) * SCALE_LEVELS, CENTROIDS), np.uint8))


def _check_shapes(prior: Prior) -> None:
    width, hidden = prior.accumulator.exponent.size, prior.hidden[0].weight.shape[1]
    found = [
        prior.companding.shape,
        prior.centroids.shape,
        prior.errors.shape,
        prior.hyper.first.weight.shape[0],
        prior.steps.offsets.shape,
        prior.steps.deviation.shape,
        prior.steps.powers.shape,
        prior.accumulator.bias.shape,
        prior.accumulator.side.shape,
        *(g.shape for g in (*prior.accumulator.groups, *prior.accumulator.references)),
        *(layer.weight.shape for layer in prior.hidden),
        *(layer.weight.shape for layer in (*prior.head, *prior.gain)),
    ]
    side = prior.hyper.third.weight.shape[1]
    expected = [
        (COMPANDING_SIZE,),
        (len(GROUPS) * SCALE_LEVELS, CENTROIDS),
        (len(GROUPS) * SCALE_LEVELS, CENTROIDS),
        HYPER_CHANNELS,
        (CHANNELS, 11),
        (CHANNELS,),
        (OCTAVE,),
        (PASSES, width, 11),
        (side, width),
        *((9 * c, width) for c in FEATURE_CHANNELS),
        *((taps * c, width) for taps, c in zip(REFERENCE_TAPS, FEATURE_CHANNELS)),
        *[(width, hidden)] * PASSES,
        *((hidden, 2 * GROUPS[n // 2]) for n in range(PASSES)),
        *((hidden, GROUPS[n // 2]) for n in range(PASSES)),
    ]
    if found != expected:
        raise ModelError(f"the prior's arrays have shapes {found}, expected {expected}; install the model again")


def _check_ranges(prior: Prior) -> None:
    """The bound of the accumulator was proved for features of at most 127, and for a feature of 0 where a latent is 0."""
    for name, array, least, limit in (
        ("companding", prior.companding, 0, FEATURE_SIZE_MAX),
        ("centroids", prior.centroids, 0, 1 << FRACTION_BITS),
        ("errors", prior.errors, 0, ERRORS_MAX),
        ("steps.offsets", prior.steps.offsets, -OFFSET_MAX, OFFSET_MAX),
        ("steps.deviation", prior.steps.deviation, *DEVIATION_RANGE),
        ("steps.powers", prior.steps.powers, 1 << POWER_BITS, (2 << POWER_BITS) - 1),
    ):
        if int(array.min()) < least or int(array.max()) > limit:
            raise ModelError(
                f"array {name} of the prior reaches from {array.min()} to {array.max()}, expected {least} to {limit}; "
                "install the model again"
            )
    if int(prior.companding[0]) != 0:
        raise ModelError(
            f"array companding of the prior begins with {prior.companding[0]}, expected 0; install the model again"
        )

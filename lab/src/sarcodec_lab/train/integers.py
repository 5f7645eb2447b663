"""Trained entropy networks as whole numbers: float weights in, the arrays of `bitstream.prior_arrays` out.

Activations are 16 times their real value; a weight becomes round(w * 2^k) with the largest k, by output channel, for
which no partial sum can reach 2^24.
"""

import numpy as np

from sarcodec.entropy.integer_layers import EXACT_LIMIT
from sarcodec.entropy.prior import FEATURE_MAX, GROUPS, HYPER_MAX
from sarcodec.entropy.steps import OCTAVE, POWER_BITS
from sarcodec_lab.networks.dct_codec import DctCodec

GRID = 16
LARGEST_EXPONENT = 14


def as_matrix(weight) -> np.ndarray:
    """Convolution weights (out, in, k, k) -> (k * k * in, out) float64, taps outermost as `exact.gather` lays them."""
    w = weight.detach().double().numpy()
    return w.transpose(2, 3, 1, 0).reshape(-1, w.shape[0])


def largest_exponents(weights: list[np.ndarray], input_max: list[int], bias: np.ndarray) -> np.ndarray:
    """By output channel, the largest k for which the bound of `exact.check_bound` holds. bias (out, n) at k = 0."""
    reach = sum(np.abs(w).sum(0) * limit for w, limit in zip(weights, input_max)) + np.abs(bias).max(1)
    rounding = sum(len(w) * limit for w, limit in zip(weights, input_max)) * 0.5 + 1.0
    k = np.floor(np.log2((EXACT_LIMIT - 1 - rounding) / (reach + 0.5 + 1e-9))).astype(np.int64)
    return np.minimum(k, LARGEST_EXPONENT)


def layer_arrays(
    name: str, conv, input_max: int, input_grid: int = GRID, output_shift: int = 0
) -> dict[str, np.ndarray]:
    """Arrays of one layer; its output is 16 * 2^output_shift times the real one."""
    weight = as_matrix(conv.weight) * (GRID / input_grid)
    bias = conv.bias.detach().double().numpy() * GRID
    k = largest_exponents([weight], [input_max], bias[:, None])
    scale = np.exp2(k)
    return {
        f"{name}.weight": np.rint(weight * scale).astype(np.int32),
        f"{name}.bias": np.rint(bias * scale).astype(np.int32),
        f"{name}.exponent": (k - output_shift).astype(np.int8),
    }


def accumulator_arrays(context) -> dict[str, np.ndarray]:
    convolutions = (context.from_side, *context.from_group, *context.from_reference)
    weights = [as_matrix(c.weight) for c in convolutions]
    bias = context.bias.detach().double().numpy() * GRID
    k = largest_exponents(
        weights, [255, *FEATURE_MAX, *FEATURE_MAX], np.moveaxis(bias, 1, 0).reshape(bias.shape[1], -1)
    )
    side, *groups = [np.rint(w * np.exp2(k)).astype(np.int32) for w in weights]
    arrays = {
        "side.weight": side,
        "accumulator.exponent": k.astype(np.int8),
        "accumulator.bias": np.rint(bias * np.exp2(k)[None, :, None]).astype(np.int32),
    }
    names = [f"{kind}{g}.weight" for kind in ("group", "reference") for g in range(len(GROUPS))]
    return arrays | dict(zip(names, groups, strict=True))


def prior_arrays(model: DctCodec) -> dict[str, np.ndarray]:
    """Every array of the integer prior of a trained model."""
    hyper, context = model.hyper_synthesis, model.context
    arrays = layer_arrays("hyper1", hyper.first, HYPER_MAX, input_grid=1)
    arrays |= layer_arrays("hyper2", hyper.second, 255) | layer_arrays("hyper3", hyper.third, 255)
    arrays |= accumulator_arrays(context)
    for n, (hidden, head, gain) in enumerate(zip(context.hidden, context.head, context.gain)):
        arrays |= layer_arrays(f"hidden{n}", hidden, 255) | layer_arrays(f"head{n}", head, 255, output_shift=2)
        arrays |= layer_arrays(f"gain{n}", gain, 255, output_shift=2)
    arrays["steps.offsets"] = np.rint(model.channel_steps.offsets.detach().double().numpy() * OCTAVE).astype(np.int32)
    arrays["steps.deviation"] = np.rint(np.log2(model.deviation.double().numpy()) * OCTAVE).astype(np.int32)
    arrays["steps.powers"] = np.rint(np.exp2(np.arange(OCTAVE) / OCTAVE + POWER_BITS)).astype(np.int32)
    magnitude = np.arange(8192) / 128
    arrays["companding"] = np.minimum(np.rint(16 * np.log2(1 + 4 * magnitude)), 127).astype(np.uint8)
    return arrays

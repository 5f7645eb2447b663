"""The hyper analysis in C, at every level that this processor has, is that of numpy but for the last digits, whatever the shape of a tile."""

import numpy as np
import pytest

from native_levels import LEVELS, at_level
from sarcodec.entropy.steps import OCTAVE
from sarcodec.models.hyper_analysis import HyperAnalysis, features
from sarcodec.models.published import DEFAULT_MODEL, load

SHAPES = [(16, 16), (1, 1), (2, 2), (5, 3), (7, 16), (16, 1), (2, 31)]


@pytest.fixture(scope="module")
def deviation() -> np.ndarray:
    return np.exp2(load(DEFAULT_MODEL).prior.steps.deviation / OCTAVE).astype(np.float32)


def latents(shape, deviation, seed=0) -> np.ndarray:
    return (np.random.default_rng(seed).laplace(size=(*shape, 1024)) * deviation).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_level_is_the_twin_in_numpy(shape, deviation):
    network, levels = load(DEFAULT_MODEL).hyper_analysis, latents(shape, deviation)
    with at_level("off"):
        expected = network.of_latents(levels, deviation, -0.3)
    assert expected.shape == (-(-shape[0] // 2), -(-shape[1] // 2), 24) and np.abs(expected).max() > 1
    assert LEVELS, "the library was not built"
    for level in LEVELS:
        with at_level(level):
            np.testing.assert_allclose(network.of_latents(levels, deviation, -0.3), expected, atol=1e-4, err_msg=level)


@pytest.mark.parametrize("scale", [0, 1e-20, 1e-3, 1e4, 1e8])
def test_latents_of_any_size(scale, deviation):
    network, levels = load(DEFAULT_MODEL).hyper_analysis, latents((4, 4), deviation) * np.float32(scale)
    with at_level("off"):
        expected = network.of_latents(levels, deviation, 1.5)
    np.testing.assert_allclose(network.of_latents(levels, deviation, 1.5), expected, rtol=1e-4, atol=1e-4)


def test_every_place_of_the_weights_counts(deviation):
    """Random weights, larger than a model's beside the middle of a neighbourhood, on a tile of no even shape."""
    rng = np.random.default_rng(3)
    arrays = {"first": (192, 1041), "inner": (192, 192, 3, 3), "outer": (192, 192, 3, 3), "last": (24, 192, 2, 2)}
    weights = {f"{n}.weight": rng.normal(size=s) / np.sqrt(np.prod(s[1:])) for n, s in arrays.items()}
    biases = {f"{n}.bias": rng.normal(size=s[0]) for n, s in arrays.items()}
    network, levels = HyperAnalysis.of(weights | biases), latents((9, 6), deviation, 1)
    expected = network(features(levels, deviation, 0.7))
    np.testing.assert_allclose(network.of_latents(levels, deviation, 0.7), expected, atol=1e-4)

"""Integer networks in float32: every sum equals the sum of an int64 oracle, and a layer that could err is refused."""

import dataclasses

import numpy as np
import pytest

from entropy.integer_oracle import layer as oracle_layer
from entropy.integer_oracle import shifted, whole
from sarcodec.entropy import integer_layers as exact
from sarcodec.entropy.integer_layers import EXACT_LIMIT, Layer, Requantiser, check_bound
from sarcodec.entropy.prior import FEATURE_MAX, HYPER_MAX, Prior
from sarcodec.errors import ModelError
from sarcodec.models import published


@pytest.fixture(scope="module")
def prior() -> Prior:
    return published.load().prior


def layers(prior: Prior) -> list[Layer]:
    hyper = prior.hyper
    return [hyper.first, hyper.second, hyper.third, *prior.hidden, *prior.head]


def extreme_inputs(weight: np.ndarray, limit: int, least: int) -> np.ndarray:
    """Inputs that make sums as large and as small as they can be, for 32 output channels; all high, all low, random."""
    inputs, outputs = weight.shape
    columns = weight[:, np.linspace(0, outputs - 1, min(outputs, 32)).astype(int)].T
    worst = [np.where(columns > 0, limit, least), np.where(columns > 0, least, limit)]
    random = np.random.default_rng(len(weight)).integers(least, limit + 1, (32, inputs))
    return np.concatenate([*worst, np.full((1, inputs), limit), np.full((1, inputs), least), random]).astype(np.float32)


def test_every_layer_of_the_shipped_model_is_exact_on_extreme_inputs(prior):
    for found in layers(prior):
        least = -found.input_max if found.input_max == HYPER_MAX else 0
        x = extreme_inputs(found.weight, found.input_max, least)
        total = whole(x) @ whole(found.weight) + whole(found.bias)
        assert np.abs(total).max() > 255 << 11  # the sums are of a size at which bf16 or float16 would fail
        np.testing.assert_array_equal(found.total(x), total, err_msg=found.name)
        np.testing.assert_array_equal(found.activate(x), oracle_layer(found, whole(x)), err_msg=found.name)
        np.testing.assert_array_equal(found.rounded(x), shifted(total, found.exponent), err_msg=found.name)


def test_the_accumulator_is_exact_on_extreme_inputs(prior):
    found = prior.accumulator
    total = oracle = 0
    weights, limits = [found.side, *found.groups, *found.references], [255, *FEATURE_MAX, *FEATURE_MAX]
    for weight, limit in zip(weights, limits, strict=True):
        x = extreme_inputs(weight, limit, 0 if limit == 255 else -limit)[::4]
        total, oracle = total + x @ weight, oracle + whole(x) @ whole(weight)
    np.testing.assert_array_equal(total, oracle)
    assert np.abs(oracle).max() > EXACT_LIMIT // 16
    for number, step in [(n, s) for n in range(8) for s in (0, 63, 64, 320, 639)]:
        bias = exact.at_step(found.bias[number], step)
        activations = found.requantise(total + bias.astype(np.float32))
        np.testing.assert_array_equal(activations, np.clip(shifted(oracle + bias, found.exponent), 0, 255))


def room(weights, limits, bias, exponent) -> tuple[int, int]:
    """The fullest output channel, and how far its worst sum lies below the limit."""
    worst = np.abs(whole(bias)).reshape(len(exponent), -1).max(1) + (1 << whole(exponent) - 1)
    worst = worst + sum(np.abs(whole(w)).sum(0) * limit for w, limit in zip(weights, limits))
    return int(worst.argmax()), EXACT_LIMIT - int(worst.max())


def heavier(weight: np.ndarray, channel: int, more: int) -> np.ndarray:
    """One weight of a channel, larger in size by `more`."""
    weight = whole(weight)
    weight[0, channel] += more if weight[0, channel] >= 0 else -more
    return weight


def test_a_layer_one_weight_too_large_is_refused(prior):
    for found in layers(prior):
        channel, left = room([found.weight], [found.input_max], found.bias, found.exponent)
        assert left > 0
        largest = (left - 1) // found.input_max
        dataclasses.replace(found, weight=heavier(found.weight, channel, largest))
        with pytest.raises(ModelError, match=found.name):
            dataclasses.replace(found, weight=heavier(found.weight, channel, largest + 1))


def test_an_accumulator_one_weight_too_large_is_refused(prior):
    found = prior.accumulator
    bias = np.abs(found.bias).max(axis=(0, 2))
    weights, limits = [found.side, *found.groups, *found.references], [255, *FEATURE_MAX, *FEATURE_MAX]
    channel, left = room(weights, limits, bias, found.exponent)
    for kind in ("groups", "references"):
        for group, limit in enumerate(FEATURE_MAX):
            largest, those = (left - 1) // limit, getattr(found, kind)
            grown = lambda more: (*those[:group], heavier(those[group], channel, more), *those[group + 1 :])
            dataclasses.replace(found, **{kind: grown(largest)})
            with pytest.raises(ModelError, match="accumulator"):
                dataclasses.replace(found, **{kind: grown(largest + 1)})


def test_bound_counts_bias_rounding_and_every_input():
    weights, exponent = [np.array([[3], [-4]]), np.array([[5]])], np.array([4], np.uint8)
    fits = EXACT_LIMIT - 1 - 8 - 7 * 255 - 5 * 127
    check_bound("fits", weights, [255, 127], np.array([-fits]), exponent)
    for bias in (fits + 1, -fits - 1):
        with pytest.raises(ModelError, match="16777216"):
            check_bound("full", weights, [255, 127], np.array([bias]), exponent)


def test_exponents_below_one_are_refused():
    with pytest.raises(ModelError, match="exponent"):
        Layer("flat", np.ones((2, 2)), np.zeros(2), np.array([1, 0], np.uint8), 255)


@pytest.mark.parametrize("exponent", [1, 2, 12, 20, 23])
def test_requantiser_rounds_half_up_as_integers_do(exponent):
    middle = (1 << exponent - 1) + (np.arange(-3, 4)[:, None] + (np.arange(-3, 260) << exponent)).reshape(-1)
    total = middle[np.abs(middle) + (1 << exponent - 1) < EXACT_LIMIT, None]
    assert total.size > 15
    found = Requantiser(np.array([exponent], np.uint8))(total.astype(np.float32))
    np.testing.assert_array_equal(found, np.clip(shifted(total, np.array([exponent])), 0, 255))


def test_at_step_meets_its_knots_and_rounds_down_between():
    knots = np.array([[0, 64, -64, 5, 0, 0, 0, 0, 0, 7, -9]])
    assert [int(exact.at_step(knots, 64 * n)[0]) for n in range(10)] == knots[0, :10].tolist()
    assert exact.at_step(knots, 1)[0] == 1 and exact.at_step(knots, 96)[0] == 0
    assert exact.at_step(knots, 639)[0] == (7 - 9 * 63) // 64 == -9  # -8.75, towards minus infinity


def test_neighbours_and_shuffle_against_loops():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 99, (5, 4, 3)).astype(np.float32)
    found = exact.gather(exact.padded(x.reshape(20, 3), 5, 4), exact.neighbours(5, 4)).reshape(5, 4, 3, 3, 3)
    for r, c, i, j in np.ndindex(5, 4, 3, 3):
        row, col = r + i - 1, c + j - 1
        expected = x[row, col] if 0 <= row < 5 and 0 <= col < 4 else np.zeros(3)
        np.testing.assert_array_equal(found[r, c, i, j], expected)
    up = exact.shuffle_up(rng.permutation(2 * 3 * 8).reshape(6, 8), 2, 3).reshape(4, 6, 2)
    again = np.random.default_rng(5)
    again.integers(0, 99, (5, 4, 3))
    source = again.permutation(2 * 3 * 8).reshape(2, 3, 2, 2, 2)
    for r, c, channel in np.ndindex(4, 6, 2):
        assert up[r, c, channel] == source[r // 2, c // 2, channel, r % 2, c % 2]


def test_no_places_give_no_neighbours():
    places = exact.neighbours(1, 1)[[]]
    assert exact.gather(exact.padded(np.ones((1, 5), np.float32), 1, 1), places).shape == (0, 45)

"""The search in C, at every level that this processor has, and in NumPy: the same symbols, whatever the residuals."""

import numpy as np
import pytest

from encoding.test_quantiser import CENTROIDS, SKIPPED, TABLES, residuals, rows_of
from native_levels import LEVELS, at_level
from sarcodec.encoding.quantiser import BLOCK, Quantiser
from sarcodec.entropy.trellis import LARGE, USUAL

WHOLE = [1, 3, 7, 8, 9, 15, 16, 17, 254, 255, 256, 257, 600]


@pytest.fixture(scope="module", params=[False, True], ids=["search", "greedy"])
def quantiser(request) -> Quantiser:
    return Quantiser(TABLES, CENTROIDS, greedy=request.param)


def assert_alike(quantiser, residual, rows, weight, state=0):
    """By both trellises; the symbols of the usual one."""
    assert_alike_by(LARGE, quantiser, residual, rows, weight, 4 * state)
    return assert_alike_by(USUAL, quantiser, residual, rows, weight, state)


def assert_alike_by(trellis, quantiser, residual, rows, weight, state):
    residual, weight = np.asarray(residual, np.float32), np.asarray(weight, np.float32)
    with at_level("off"):
        symbols, which, end = quantiser.choose(residual, rows, weight, state, trellis)
    assert LEVELS, "the library was not built"
    for level in LEVELS:
        with at_level(level):
            found = quantiser.choose(residual, rows, weight, state, trellis)
        np.testing.assert_array_equal(found[0], symbols, err_msg=level)
        np.testing.assert_array_equal(found[1], which, err_msg=level)
        assert found[2] == end, level
    return symbols


@pytest.mark.parametrize("count", WHOLE)
def test_any_number_of_symbols(quantiser, count):
    rows = rows_of((count, 1), count)
    assert_alike(quantiser, residuals(rows, count), rows, [1.2], count % 256)


def test_every_state_to_begin_in(quantiser):
    rows = rows_of((20, 2), 3)
    for state in range(256):
        assert_alike(quantiser, residuals(rows, state), rows, [1, 0.8], state)


def test_more_than_a_block(quantiser):
    rows = rows_of((BLOCK // 8 + 60, 10), 2)  # a fifth of them skip
    assert_alike(quantiser, residuals(rows, 2), rows, np.linspace(0.5, 2, 10), 77)


@pytest.mark.parametrize("weight", [0, 1e-30, 1e-3, 3.9, 4.1, 60, 2e4, 1e5, 1e30, np.inf])
def test_any_weight(quantiser, weight):
    rows = rows_of((60, 6), 4)
    assert_alike(quantiser, 3 * residuals(rows, 4), rows, [weight, 1, 1, 0, weight / 3, 2])


def test_residuals_of_any_size(quantiser):
    """Where tables end, escapes begin, and beyond what can be coded."""
    rng = np.random.default_rng(6)
    sizes = np.concatenate([10 ** rng.uniform(-3, 8, 3000), [0, 2e7, np.inf, np.nan, 3e38, 1e-40, 1e-45]])
    halves = np.concatenate([np.arange(80) * 0.65625 + d for d in (0, 1 / 512, -1 / 512, 1 / 256, -1 / 256)])
    values = np.concatenate([sizes, halves, -sizes, -halves])[:, None]
    assert_alike(quantiser, values, rng.integers(0, SKIPPED + 1, values.shape), [1])
    assert_alike(quantiser, values, np.zeros(values.shape, int), [0.7])


def test_ties_are_broken_alike(quantiser):
    """Residuals in the middle of places, without regard to bits, and such that no choice matters at all."""
    middle = (np.arange(640).reshape(64, 10) % 7 - 3) * 0.65625 / 2
    assert_alike(quantiser, middle, np.full(middle.shape, 3), np.full(10, 50))
    assert_alike(quantiser, np.zeros((64, 10)), rows_of((64, 10), 5), np.zeros(10), 9)


def test_nothing_to_code(quantiser):
    assert not assert_alike(quantiser, np.ones((5, 3)), np.full((5, 3), SKIPPED), np.ones(3), 200).any()
    assert_alike(quantiser, np.zeros((0, 3)), np.zeros((0, 3), int), np.ones(3), 200)

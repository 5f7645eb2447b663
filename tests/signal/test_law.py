"""The law of lost speckle beside what is known of gamma variables."""

import math

import numpy as np
import pytest

from sarcodec.signal.law import power_shift_db, speckled
from sarcodec.signal.noise import hashed, normal_scores

EULER = 0.5772156649015329
DB = 10 / math.log(10)


@pytest.mark.parametrize(
    "variance, shift",
    [
        (DB**2 * math.pi**2 / 6, DB * EULER),  # one look: psi'(1) = pi^2 / 6, psi(1) = -0.5772
        (DB**2 * (math.pi**2 / 6 - 1), DB * (math.log(2) - 1 + EULER)),  # two looks
        (DB**2 * (math.pi**2 / 6 - 1 - 1 / 4 - 1 / 9), DB * (math.log(4) - 1 - 1 / 2 - 1 / 3 + EULER)),  # four
        (0.002, math.log(10) / 20 * 0.002),  # nearly Gaussian
        (0.0, 0.0),
    ],
)
def test_shift_is_that_of_gamma_variables(variance, shift):
    assert power_shift_db(np.array([variance]))[0] == pytest.approx(shift, rel=3e-3, abs=1e-6)


@pytest.mark.parametrize("variance", [0.01, 0.5, 4.8, 31.0])
def test_speckle_has_its_mean_its_variance_and_its_power(variance):
    scores = np.random.default_rng(1).standard_normal(1_000_000).astype(np.float32)
    level = speckled(scores, np.full(scores.shape, variance, np.float32)).astype(float)
    assert level.mean() == pytest.approx(0, abs=0.005 * math.sqrt(variance))
    assert level.var() == pytest.approx(variance, rel=0.01)
    assert 10 * math.log10(np.mean(10 ** (level / 10))) == pytest.approx(
        float(power_shift_db(variance)), rel=0.01, abs=2e-3
    )
    assert np.mean((level - level.mean()) ** 3) < 0


def test_one_look_has_an_exponential_power():
    scores = np.random.default_rng(2).standard_normal(400_000).astype(np.float32)
    variance = DB**2 * math.pi**2 / 6
    power = 10 ** (speckled(scores, np.full(scores.shape, variance, np.float32)) / 10)
    power /= power.mean()
    for quantile in (0.1, 0.5, 0.9, 0.99):
        assert np.quantile(power, quantile) == pytest.approx(-math.log(1 - quantile), rel=0.03)


def test_nothing_lost_adds_nothing():
    assert not speckled(np.linspace(-6, 6, 9, dtype=np.float32), np.zeros(9, np.float32)).any()


def test_scores_are_normal_white_and_always_the_same():
    one, again = normal_scores(3, 1, 1 << 18), normal_scores(3, 1, 1 << 18)
    np.testing.assert_array_equal(one, again)
    assert abs(one.mean()) < 0.01 and one.var() == pytest.approx(1, abs=0.01)
    assert np.mean(one**4) == pytest.approx(3, abs=0.1)
    for lag in (1, 2, 1024):
        assert abs(np.mean(one[lag:] * one[:-lag])) < 0.01
    for other in (normal_scores(3, 0, one.size), normal_scores(4, 1, one.size), normal_scores(1, 3, one.size)):
        assert abs(np.mean(one * other)) < 0.01


def test_the_hash_is_pinned():
    """Another hash would be another speckle of every file: these are part of docs/format.md."""
    assert hashed(np.array([0, 1, 2, 4294967295])).tolist() == [0, 1753845952, 3507691905, 1734902346]
    assert np.unique(hashed(np.arange(100_000))).size == 100_000

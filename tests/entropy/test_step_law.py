"""The step law: a fixed function of the step index, from tables that any machine makes."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.entropy import step_index
from sarcodec.entropy.prior import CHANNELS
from sarcodec.errors import InvalidArgument
from sarcodec.models import published
from sarcodec.models.published import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return published.load()


def test_quality_is_a_fixed_function_of_the_step():
    assert step_index.step_of_quality(100) == 0 and step_index.step_of_quality(0) == 639
    assert (
        step_index.step_db(0) == 0.0625
        and step_index.step_db(256) == 1.0
        and step_index.step_db(step_index.step_of_quality(60)) == 1.0
    )
    assert all(step_index.step_of_quality(step_index.quality_of_step(s)) == s for s in range(640))
    for tenth in range(1001):
        expected = min(639, int(Fraction(640) * (1 - Fraction(tenth, 1000)) + Fraction(1, 2)))
        halfway = (Fraction(640) * (1 - Fraction(tenth, 1000)) * 2) % 2 == 1
        assert step_index.step_of_quality(tenth / 10) == expected or halfway
    ratios = {round(step_index.step_db(s + 64) / step_index.step_db(s), 12) for s in range(576)}
    assert ratios == {2.0}


@pytest.mark.parametrize("quality", [-0.01, 100.01, float("nan"), float("inf"), -float("inf")])
def test_qualities_outside_the_range_are_refused(quality):
    with pytest.raises(InvalidArgument, match="quality"):
        step_index.step_of_quality(quality)


def test_powers_are_those_of_the_table_that_any_machine_makes(model):
    """2 ** (i / 1024) * 2 ** 20 to the nearest whole number: p is it if and only if (p -+ 1/2)^1024 brackets 2^(i + 20480)."""
    powers = [int(p) for p in model.prior.steps.powers]
    assert len(powers) == 1024
    for i in range(0, 1024, 31):
        assert (2 * powers[i] - 1) ** 1024 <= 2 ** (i + 21 * 1024) <= (2 * powers[i] + 1) ** 1024
    assert all(a < b for a, b in itertools.pairwise(powers))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-40 * 1024, 25 * 1024), min_size=1, max_size=40), st.integers(0, 18))
def test_power_is_exact(exponents, bits):
    law = published.load().prior.steps
    found = law.power(np.array(exponents, np.int64), bits)
    for exponent, value in zip(exponents, found):
        octave, part = divmod(exponent, 1024)
        assert int(value) == int(law.powers[part]) * Fraction(2) ** (octave + bits - 20) // 1


@pytest.mark.parametrize("step", [0, 1, 63, 64, 320, 575, 576, 639])
def test_channel_steps_come_from_the_table(model, step):
    law = model.prior.steps
    found = law.steps_db(step)
    assert found.dtype == np.float32 and found.shape == (CHANNELS,)
    low, part = divmod(step, 64)
    for channel in range(CHANNELS):
        first, second = (int(law.offsets[channel, low + n]) for n in (0, 1))
        exponent = 16 * step - 4096 + (first * (64 - part) + second * part) // 64
        exact_db = Fraction(int(law.powers[exponent % 1024])) * Fraction(2) ** (exponent // 1024 - 20)
        assert found[channel] == np.float32(float(exact_db))
        assert found[channel] == pytest.approx(2.0 ** (exponent / 1024), rel=1e-6)

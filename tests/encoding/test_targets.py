"""The search for a step on curves that are known: monotone ones are met in four tries, and no curve makes it run on."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.encoding.targets import (
    ERROR_SLOPE,
    MOST_PASSES,
    RATE_SLOPE,
    TYPICAL_BITS,
    TYPICAL_STEPS,
    Try,
    first_step_for_rmse,
    search,
    typical_step,
)


def reach(curve, wanted: float, tolerance: float = 0.005, lean: bool = False) -> list[tuple[float, Try]]:
    """The search for a rate as compress makes it: (how far the logarithm of bits missed, try)."""
    place, miss = typical_step(wanted), lambda t: math.log(curve(t.step) / wanted)
    tries = search(
        lambda step: place - typical_step(curve(step)), place, RATE_SLOPE, lambda t: abs(miss(t)) < tolerance, lean
    )
    return [(miss(t), t) for t in tries]


CURVES = st.tuples(st.floats(0.85, 1.2), st.floats(-90, 90))


def bits_curve(stretch: float, shift: float):
    """Bits a pixel by step: the typical curve of a scene that is noisier or smoother."""
    return lambda step: float(np.exp(stretch * np.interp(step - shift, TYPICAL_STEPS, np.log(TYPICAL_BITS))))


@settings(max_examples=400, deadline=None)
@given(CURVES, st.floats(0.05, 4.0))
def test_rates_of_smooth_curves_are_met_in_four_tries(bent, wanted):
    curve = bits_curve(*bent)
    reachable = curve(630) < wanted < curve(10)
    tries = reach(curve, wanted)
    assert 1 <= len(tries) <= MOST_PASSES
    assert not reachable or min(abs(miss) for miss, _ in tries) < 0.02


@settings(max_examples=400, deadline=None)
@given(CURVES, st.floats(0.05, 4.0))
def test_limits_on_smooth_curves_are_kept_and_nearly_used(bent, wanted):
    curve = bits_curve(*bent)
    reachable = curve(630) < wanted < curve(10)
    below = [miss for miss, _ in reach(curve, wanted * 0.996, 0.004, lean=True) if miss <= 0.004]
    assert not reachable or max(below) > -0.12


def test_speckle_without_texture_is_met_though_its_curve_is_twice_the_typical_one():
    steps, bits = range(0, 640, 64), (8.24, 7.14, 6.08, 5.0, 3.9, 2.75, 1.67, 0.5, 0.0965, 0.0325)
    curve = lambda step: float(np.exp(np.interp(step, steps, np.log(bits))))
    for wanted in (0.1, 0.2, 0.5, 1.0, 2.2, 4.0, 6.0):
        assert min(abs(miss) for miss, _ in reach(curve, wanted)) < 0.02


@settings(max_examples=200, deadline=None)
@given(st.floats(2.2, 4.5), st.floats(0.0, 0.4), st.floats(0.1, 2.0))
def test_errors_of_smooth_curves_are_met_in_four_tries(divisor, bend, wanted):
    def rmse(step):
        step_db = 2 ** (step / 64 - 4)
        return step_db / divisor / (1 + bend * step_db) ** 0.5

    tries = search(
        lambda s: math.log(wanted / rmse(s)), first_step_for_rmse(wanted), -ERROR_SLOPE, lambda t: 0 <= t.miss < 0.01
    )
    assert len(tries) <= MOST_PASSES and min(abs(t.miss) for t in tries) < 0.02


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 9999), st.integers(-100, 900), st.sampled_from([0.01, 9, 900]), st.booleans())
def test_any_curve_ends_in_four_tries_without_a_repeat(seed, first, size, lean):
    curve = np.random.default_rng(seed).normal(0, size, 640)
    tries = search(lambda step: curve[step], first, RATE_SLOPE, lambda t: abs(t.miss) < 0.005, lean)
    assert 1 <= len(tries) <= MOST_PASSES
    assert len({t.step for t in tries}) == len(tries) and all(0 <= t.step <= 639 for t in tries)
    assert all(t.miss == curve[t.step] for t in tries)


def test_the_search_stops_as_soon_as_it_is_good():
    asked = []
    tries = search(lambda step: asked.append(step) or 0.001, 300, RATE_SLOPE, lambda t: abs(t.miss) < 0.005)
    assert asked == [300] and tries[0].step == 300


@pytest.mark.parametrize("miss, end", [(500.0, 639), (-500.0, 0)])
def test_unreachable_targets_end_at_an_end(miss, end):
    tries = search(lambda step: miss, 300, RATE_SLOPE, lambda t: False)
    assert tries[-1].step == end


def test_two_sides_close_in():
    tries = search(lambda step: (411.5 - step) / 50, 100, RATE_SLOPE, lambda t: abs(t.miss) < 0.02)
    assert abs(tries[-1].step - 411.5) <= 1


def test_first_steps_fall_with_the_rate_and_rise_with_the_error():
    steps = [typical_step(b) for b in (100, 8, 5.2, 3, 1, 0.3, 0.1, 0.02, 1e-4, 1e-9)]
    assert steps == sorted(steps) and steps[2] == 0 and steps[7] == 639 and steps[0] == -640 and steps[-1] == 1279
    steps = [first_step_for_rmse(e) for e in (1e-4, 0.1, 0.5, 1, 3, 100)]
    assert steps == sorted(steps) and steps[0] == 0 and steps[-1] == 639

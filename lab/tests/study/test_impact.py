"""What a change is worth: intervals over seeds and places, figures at equal bits, the sentence."""

import numpy as np
import pytest

from sarcodec_lab.study.comparing.impact import Difference, at_bits, difference, shown, student_quantile, worth


@pytest.mark.parametrize("degrees, expected", [(1, 12.7062), (2, 4.3027), (3, 3.1824), (10, 2.2281), (1000, 1.9623)])
def test_student_s_quantiles_are_those_of_the_tables(degrees, expected):
    assert student_quantile(degrees) == pytest.approx(expected, abs=2e-4)


def test_a_single_place_gives_student_s_interval_over_the_seeds():
    found = difference(np.array([[1.0], [2.0], [3.0]]), np.zeros((3, 1)))
    assert found.mean == 2
    assert (found.low, found.high) == pytest.approx((2 - 4.3027 / 3**0.5, 2 + 4.3027 / 3**0.5), abs=1e-3)


def test_one_seed_and_one_place_have_no_interval():
    assert difference(np.ones((1, 1)), np.zeros((1, 1))) == Difference(1.0, None, None, 1, 1)


def test_differences_are_paired():
    both = np.random.default_rng(1).normal(20, 5, (3, 4))
    found = difference(both + 0.25, both)
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_the_interval_covers_what_it_promises():
    rng, inside = np.random.default_rng(2), 0
    for _ in range(400):
        pairs = 0.3 + rng.normal(0, 0.2, (3, 1)) + rng.normal(0, 0.2, (1, 4)) + rng.normal(0, 0.1, (3, 4))
        found = difference(pairs, np.zeros_like(pairs))
        inside += found.low <= 0.3 <= found.high
    assert inside / 400 > 0.92


def test_figures_at_other_bits_lie_on_the_curve_and_on_its_continuation():
    bits = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]])
    figures = np.array([[25.0, 23.0, 20.0], [20.0, 23.0, 25.0]])
    for wanted, expected in ((1.5, 21.5), (2.5, 24.0), (3.5, 26.0), (0.5, 18.5), (2.0, 23.0)):
        assert at_bits(bits, figures, np.full(2, wanted)) == pytest.approx([expected] * 2)


@pytest.mark.parametrize(
    "low, high, words",
    [
        (0.6, 0.9, "it is worth +0.5 dB."),
        (0.1, 0.4, "it is not worth +0.5 dB."),
        (-0.1, 0.4, "it is not worth +0.5 dB, and may be worth nothing."),
        (0.3, 0.7, "is open: the interval holds that figure."),
    ],
)
def test_the_sentence_follows_the_interval(low, high, words):
    sentence = worth(Difference((low + high) / 2, low, high, 3, 4), "CBAM")
    assert sentence.startswith("CBAM: +") and sentence.endswith(words) and "over 3 seeds and 4 places" in sentence


def test_without_an_interval_the_question_is_open():
    found = Difference(0.2, None, None, 1, 1)
    assert "gives no interval" in worth(found, "CBAM") and shown(found) == "+0.20"

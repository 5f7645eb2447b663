"""Tasks and their scores where the answer is known, and the intervals that compare them."""

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.simulate.speckle import speckle_intensity
from sarcodec_lab.figures.bootstrap import Figure, compare, ratio
from sarcodec_lab.figures.tasks import (
    CFAR_FACTOR,
    area_under_curve,
    box_mean,
    change_score,
    detect_ships,
    dilate,
    multilook_db,
    otsu_threshold,
    water_mask,
)


def _sea(seed, shape=(512, 512)):
    return 40 + 10 * np.log10(speckle_intensity(*shape, np.random.default_rng(seed)))


def test_box_mean_is_the_mean_of_the_mirrored_box():
    image = np.random.default_rng(1).random((9, 12))
    padded = np.pad(image, 2, mode="symmetric")
    expected = np.lib.stride_tricks.sliding_window_view(padded, (5, 5)).mean((2, 3))
    assert box_mean(image, 5) == pytest.approx(expected)
    for side in (4, 19):
        with pytest.raises(InvalidArgument, match="odd, smaller"):
            box_mean(image, side)


def test_otsu_divides_two_classes():
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(20, 1, 5000), rng.normal(30, 1, 1000)])
    assert otsu_threshold(values) == pytest.approx(25, abs=0.7)
    assert otsu_threshold(np.repeat([1.0, 3.0], 10)) == pytest.approx(2, abs=0.05)


def test_water_is_found_under_speckle():
    level = _sea(3)
    level[:, 256:] += 8
    mask = water_mask(level, otsu_threshold(multilook_db(level)))
    truth = np.arange(512)[None, :] < 256
    assert np.mean(mask == truth) > 0.98


def test_false_alarms_on_speckle_are_as_rare_as_said_and_ships_are_found():
    level = _sea(4, (1024, 1024))
    assert detect_ships(level).sum() < 10
    level[500:504, 300:302] = 40 + 13
    found = detect_ships(level)
    assert found[500:504, 300:302].all()


def test_a_target_is_judged_by_its_background_alone():
    level = np.full((128, 128), 30.0)
    level[64, 64] = 30 + 10 * np.log10(CFAR_FACTOR) + 0.01
    assert np.argwhere(detect_ships(level)).tolist() == [[64, 64]]
    level[64, 64 + 10] = 60  # within the guard: does not hide it
    assert detect_ships(level)[64, 64]
    level[64, 64 + 18] = 60  # in the background: does
    assert not detect_ships(level)[64, 64]


def test_dilation_is_a_square():
    mask = np.zeros((20, 30), bool)
    mask[10, 15] = True
    found = np.argwhere(dilate(mask, 2))
    assert found.min(0).tolist() == [8, 13] and found.max(0).tolist() == [12, 17] and len(found) == 25


def test_change_scores_are_the_log_ratio_and_its_area_is_the_chance_to_be_right():
    first = _sea(5)
    assert change_score(first, first + 3) == pytest.approx(np.full(first.shape, 3.0))
    assert change_score(first, first - 3) == pytest.approx(np.full(first.shape, 3.0))
    rng = np.random.default_rng(6)
    low, high = rng.integers(0, 30, 400), rng.integers(5, 40, 300)
    counts = [np.bincount(x, minlength=40).astype(float) for x in (low, high)]
    expected = np.mean(high[:, None] > low) + 0.5 * np.mean(high[:, None] == low)
    assert area_under_curve(*counts) == pytest.approx(expected)
    assert area_under_curve(counts[0], counts[0]) == pytest.approx(0.5)
    assert np.isnan(area_under_curve(counts[0], 0 * counts[1]))


def _hits(seed, chance, units=400):
    return np.stack([np.random.default_rng(seed).random(units) < chance, np.ones(units)], axis=1).astype(float)


@pytest.mark.parametrize("sign", [1, -1])
def test_intervals_tell_a_difference_from_none(sign):
    figure = Figure("hits", ratio, sign)
    more, less, same = _hits(7, 0.9), _hits(8, 0.7), _hits(9, 0.9)
    assert compare(more, less, figure).verdict == ("better" if sign > 0 else "worse")
    assert compare(less, more, figure).verdict == ("worse" if sign > 0 else "better")
    assert compare(more, same, figure).verdict == "equal"
    nothing = compare(more, more, figure)
    assert (nothing.difference, nothing.low, nothing.high, nothing.verdict) == (0, 0, 0, "equal")


def test_the_interval_is_as_wide_as_the_binomial_says():
    found = compare(_hits(10, 0.5), np.zeros((400, 2)) + [0, 1], Figure("hits", ratio))
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / 400), rel=0.1)
    assert found.low < found.difference < found.high


def test_units_are_drawn_alike_for_both():
    """A small but constant gain on units that differ much: paired units see it."""
    units = np.stack([np.random.default_rng(11).random(200) * 100, np.ones(200)], axis=1)
    assert compare(units + [0.1, 0], units, Figure("mean", ratio)).verdict == "better"

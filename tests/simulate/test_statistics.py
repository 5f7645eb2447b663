"""The measuring instruments themselves, on images whose statistics are known."""

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec.simulate import statistics


def test_measure_on_uncorrelated_gamma():
    found = statistics.measure(np.random.default_rng(1).gamma(3, size=(400, 400)))
    assert found.enl == pytest.approx(3, rel=0.03)
    assert abs(found.lag_across) < 0.01 and abs(found.lag_along) < 0.01


def test_measure_tells_across_from_along():
    white = np.random.default_rng(1).standard_normal((400, 401))
    found = statistics.measure(np.exp(0.1 * (white[:, 1:] + white[:, :-1])))
    assert found.lag_across == pytest.approx(0.5, abs=0.02) and abs(found.lag_along) < 0.02


def test_measure_refuses_what_has_no_logarithm():
    with pytest.raises(InvalidArgument, match="above 0"):
        statistics.measure(np.zeros((9, 9)))
    with pytest.raises(InvalidArgument, match="no homogeneous patch"):
        statistics.median_statistics([])


def test_corners_leave_the_ship_out_and_small_chips_too():
    chip = np.full((45, 45), 10, np.uint16)
    chip[14:31, 14:31] = 60000
    corners = list(statistics.chip_corners([chip, np.ones((44, 90), np.uint16)]))
    assert len(corners) == 4 and all((corner == 100).all() for corner in corners)


def test_homogeneous_drops_edges_and_nodata():
    flat = np.ones((13, 13))
    edge, hole = flat.copy(), flat.copy()
    edge[:, 6:], hole[3, 3] = 5, 0
    assert len(statistics.homogeneous([flat, edge, edge.T, hole])) == 1


def test_cdf_distance():
    low, high = np.arange(100.0), np.arange(100.0) + 25
    assert statistics.cdf_distance(low, low) == 0
    assert statistics.cdf_distance(low, high) == pytest.approx(0.25)

"""Places count once, and curves that do not meet give no number."""

from dataclasses import replace

import numpy as np
import pytest

from sarcodec_lab.study.comparing.contenders import Setting
from sarcodec_lab.study.comparing.measures import Measures
from sarcodec_lab.study.comparing.places import savings, shared_window, spread
from sarcodec_lab.study.comparing.records import Record, load_record, save_record

pytest.importorskip("scipy", reason="scipy (extra bench) is not installed")

MEASURES = Measures(20.0, 0.1, 0.7, 0.9, 1.1, 0.8, 4.0, 2.0, -0.3, 1.2, 0.6, 0.8, 0.9)
RECORD = Record("a", "00", "k", "k", 1, "iw", "p", Setting(1.0), 100, 10, 0.8, None, 0.1, MEASURES, None)


def _record(key: str, bits: float, rmse_db: float, place: str = "p") -> Record:
    measures = replace(MEASURES, mse_db2=rmse_db**2, rmse_db=rmse_db)
    return replace(RECORD, key=key, place=place, bits_per_pixel=bits, measures=measures)


def _curve(key: str, factor: float = 1.0, errors=(1.0, 1.4, 2.0, 2.8), place: str = "p") -> list[Record]:
    return [_record(key, factor * np.log2(4 / error), error, place) for error in errors]


def test_a_place_counts_once():
    found = spread([("a", 1.0), ("a", 3.0), ("b", 6.0), ("b", None)])
    assert (found.mean, found.places) == (4.0, 2)
    assert found.deviation == pytest.approx(np.sqrt(8))
    assert (found.low, found.high) == (2.0, 6.0)  # two places: a quarter of the draws is one of them twice


def test_one_place_has_no_deviation():
    found = spread([("a", 1.0), ("a", 2.0)])
    assert (found.mean, found.deviation, found.low, found.high, found.places) == (1.5, None, 1.5, 1.5, 1)
    assert spread([("a", None), ("b", float("inf"))]) is None


def test_half_the_bits_is_minus_fifty_percent_over_what_curves_share():
    anchor = [*_curve("k"), *_curve("l", place="q")]
    test = [*_curve("k", 0.5, (1.2, 1.6, 2.5)), *_curve("l", 0.5, (1.4, 2.0, 2.8), "q")]
    found = savings(anchor, test)
    assert found.rate.mean == pytest.approx(-50, abs=1)
    assert found.window_db == pytest.approx((1.3, 2.65))
    assert (found.bands, found.of_bands, found.rate.places) == (2, 2, 2)


def test_a_window_leaves_out_bands_that_do_not_span_it():
    anchor, test = [*_curve("k"), *_curve("l")], [*_curve("k", 0.5), *_curve("l", 0.5, (1.9, 2.3))]
    found = savings(anchor, test, (1.2, 2.4))
    assert (found.rate.mean, found.window_db) == (pytest.approx(-50), (1.2, 2.4))
    assert (found.bands, found.of_bands) == (1, 2)


def test_curves_that_do_not_meet_have_no_rate():
    found = savings(_curve("k", errors=(1.0, 1.3)), _curve("k", errors=(1.5, 2.0)))
    assert (found.rate, found.window_db, found.bands, found.of_bands) == (None, None, 0, 1)
    assert found.reach_db == pytest.approx((1.5, 2.0))
    assert savings([], _curve("k")).rate is None
    assert shared_window([], []) is None


def test_points_that_cost_more_and_err_more_are_no_points():
    worse = [*_curve("k"), _record("k", 9.0, 1.7)]
    assert savings(_curve("k"), worse).rate.mean == pytest.approx(0, abs=1e-9)


def test_records_come_back_and_old_ones_do_not(tmp_path):
    path = tmp_path / "r.json"
    save_record(path, RECORD)
    assert load_record(path) == RECORD
    path.write_text(path.read_text().replace('"version": 1', '"version": 0'))
    assert load_record(path) is None
    path.write_text("{")
    assert load_record(path) is None

"""BD-rate of curves whose answer is known, and the reader of measured curves."""

import importlib.util
import json

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures.curves import RateDistortion, bd_rate, load_peers


def _curve(bits_factor=1.0, rmse_db=(0.25, 0.4, 0.7, 1.0, 1.4, 2.0)):
    return [RateDistortion(bits_factor * 1.3 * np.log2(4 / e), e**2) for e in rmse_db]


def test_half_the_bits_is_minus_fifty_percent():
    assert bd_rate(_curve(), _curve(0.5)) == pytest.approx(-50, abs=1e-9)
    assert bd_rate(_curve(0.5), _curve()) == pytest.approx(100, abs=1e-9)
    assert bd_rate(_curve(), _curve()) == 0


def test_order_and_repeated_points_do_not_matter():
    curve = _curve(0.8)
    assert bd_rate(_curve(), [*reversed(curve), curve[2]]) == pytest.approx(-20, abs=1e-9)


def test_only_the_window_counts():
    worse_outside = _curve()
    worse_outside[0] = RateDistortion(3 * worse_outside[0].bits_per_pixel, worse_outside[0].mse_db2)
    assert bd_rate(_curve(), worse_outside, window_db=(0.7, 1.4)) == pytest.approx(0, abs=1e-9)
    assert bd_rate(_curve(), worse_outside, window_db=(0.3, 1.4)) > 1


@pytest.mark.parametrize("rmse_db", [(0.5, 0.8, 1.5), (0.3, 0.8, 1.3), ()])
def test_a_curve_must_have_a_point_beyond_each_end(rmse_db):
    short = _curve(rmse_db=rmse_db)
    with pytest.raises(InvalidArgument, match="test curve"):
        bd_rate(_curve(), short)
    with pytest.raises(InvalidArgument, match="anchor curve"):
        bd_rate(short, _curve())


def test_a_window_must_rise():
    with pytest.raises(InvalidArgument, match="window"):
        bd_rate(_curve(), _curve(), window_db=(1.4, 0.4))


@pytest.mark.parametrize("bits, mse", [(0, 1), (1, 0), (-1, 1), (np.nan, 1), (1, np.inf)])
def test_a_point_is_positive_and_finite(bits, mse):
    with pytest.raises(InvalidArgument, match="positive finite"):
        RateDistortion(bits, mse)


def test_equals_the_function_that_judged_the_peers(peers_folder):
    spec = importlib.util.spec_from_file_location("peer_bd_rate", peers_folder / "bd_rate.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    peers = load_peers(peers_folder / "val.json")
    compared = 0
    for (image, codec), test in peers.points.items():
        anchor = peers.find(image, "j2k")
        pairs = [[(point.bits_per_pixel, point.mse_db2) for point in curve] for curve in (anchor, test)]
        try:
            expected = reference.bd_rate(*pairs)
        except ValueError:
            with pytest.raises(InvalidArgument):
                bd_rate(anchor, test)
            continue
        assert bd_rate(anchor, test) == pytest.approx(expected, abs=1e-9), (image, codec)
        compared += 1
    assert compared > 40


def test_peers_are_read_by_image_and_codec(tmp_path):
    path = tmp_path / "val.json"
    path.write_text(json.dumps({"iw_a_b1.npy": {"j2k": [{"p": 40, "bpp": 0.5, "mse": 1.0, "sec": 0}]}}))
    peers = load_peers(path)
    assert peers.find("iw_a_b1.npy", "j2k") == (RateDistortion(0.5, 1.0),)
    assert peers.find("iw_a_b1.npy", "vvc") is None


@pytest.mark.parametrize("text", ["not json", "[1]", '{"a": {"j2k": [{"bpp": 1}]}}', '{"a": 3}'])
def test_a_file_that_holds_no_curves_is_refused(tmp_path, text):
    path = tmp_path / "val.json"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match="no peer curves"):
        load_peers(path)
    with pytest.raises(InvalidArgument, match="no peer curves"):
        load_peers(tmp_path / "absent.json")

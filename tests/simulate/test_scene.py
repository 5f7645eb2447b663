"""Scenes: a window is the whole's, DN are what they say, nodata only in the border."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sarcodec.errors import InvalidArgument
from sarcodec.simulate import statistics
from sarcodec.simulate.scene import DN_PER_UNIT, SceneSimulator


@dataclass(frozen=True)
class Box:
    row: int
    col: int
    rows: int
    cols: int


ROWS, COLS = 397, 450
SCENE = SceneSimulator(ROWS, COLS, seed=5, nodata_border=True)


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    return SCENE.pixels(Box(0, 0, ROWS, COLS))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, ROWS - 1), st.integers(0, COLS - 1), st.integers(1, 220), st.integers(1, 220))
@example(0, 0, 1, 1)
@example(ROWS - 1, COLS - 1, 1, 1)
@example(63, 31, 2, 2)
def test_a_window_equals_the_whole_bit_for_bit(whole, row, col, rows, cols):
    box = Box(row, col, min(rows, ROWS - row), min(cols, COLS - col))
    part = whole[:, row : row + box.rows, col : col + box.cols]
    assert np.array_equal(SCENE.pixels(box), part)
    assert np.array_equal(SceneSimulator(ROWS, COLS, ("VH",), 5, nodata_border=True).pixels(box), part[1:])


def test_the_size_of_the_scene_does_not_change_its_pixels():
    box = Box(100, 70, 90, 90)
    assert np.array_equal(SceneSimulator(200, 200, seed=5).pixels(box), SceneSimulator(9000, 200, seed=5).pixels(box))


def test_nodata_lies_in_the_border_only(whole):
    valid = SCENE.valid(Box(0, 0, ROWS, COLS))
    assert whole.dtype == np.uint16
    assert (whole[:, ~valid] == 0).all() and (whole[:, valid] > 0).all()
    assert 0.01 < 1 - valid.mean() < 0.1
    left = valid.argmax(axis=1)[20:-20]
    assert left[0] > left[-1] > 0 and (np.diff(left) <= 0).all()
    assert (SceneSimulator(ROWS, COLS, seed=5).pixels(Box(0, 0, ROWS, COLS)) > 0).all()


@pytest.mark.parametrize("rows, cols", [(1, 1), (2, 300), (33, 40)])
def test_small_scenes_with_border(rows, cols):
    scene = SceneSimulator(rows, cols, nodata_border=True)
    assert scene.pixels(Box(0, 0, rows, cols)).shape == (2, rows, cols)


def test_dn_are_the_reflectivity_under_speckle():
    scene = SceneSimulator(640, 640, seed=1, preset="homogeneous")
    box = Box(0, 0, 640, 640)
    power = np.square(scene.pixels(box) / DN_PER_UNIT)
    assert np.allclose(power.mean(axis=(1, 2)), scene.reflectivity(box).mean(axis=(1, 2)), rtol=0.02)
    for band in power:
        found = statistics.measure(band)
        assert 4.4 <= found.enl <= 4.9 and 0.51 <= found.lag_across <= 0.62 and 0.39 <= found.lag_along <= 0.65
    assert abs(np.corrcoef(power[0].ravel(), power[1].ravel())[0, 1]) < 0.02


def test_towns_and_ships_reach_thousands_beside_dark_ground():
    city = SceneSimulator(512, 512, ("VV",), 3, "city").pixels(Box(0, 0, 512, 512))
    ships = SceneSimulator(1024, 1024, ("VV",), 3, "ships").pixels(Box(0, 0, 1024, 1024))
    assert city.max() > 8000
    assert ships.max() > 4000 and np.median(ships) < 150


def test_the_order_of_bands_is_kept():
    box = Box(3, 4, 20, 20)
    both, swapped = SceneSimulator(99, 99), SceneSimulator(99, 99, ["VH", "VV"])
    assert np.array_equal(both.pixels(box), swapped.pixels(box)[::-1])
    assert np.array_equal(both.reflectivity(box), swapped.reflectivity(box)[::-1])


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"rows": 0}, "0 x 9"),
        ({"bands": ("HH",)}, "HH.*expected some of VV, VH"),
        ({"bands": ("VV", "VV")}, "each once"),
        ({"bands": ()}, "expected some"),
        ({"seed": -1}, "seed is -1"),
        ({"preset": "moon"}, "moon"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(InvalidArgument, match=words):
        SceneSimulator(**{"rows": 9, "cols": 9, **arguments})


@pytest.mark.parametrize("box", [Box(-1, 0, 2, 2), Box(0, 0, 0, 1), Box(5, 5, 5, 1), Box(0, 8, 1, 2)])
def test_windows_outside_are_refused(box):
    with pytest.raises(InvalidArgument, match="choose one inside"):
        SceneSimulator(9, 9).pixels(box)
    with pytest.raises(InvalidArgument, match="choose one inside"):
        SceneSimulator(9, 9).reflectivity(box)

"""Windows and bands of an open scene, in the forms that callers have at hand."""

import numpy as np
import pytest
import rasterio.windows

import sarcodec
from api.opened import PLACE
from sarcodec.errors import InvalidArgument
from sarcodec.format.tiling import Window


@pytest.mark.parametrize(
    "window",
    [
        rasterio.windows.Window(40, 30, 60, 50),
        rasterio.windows.Window(40.0, 30.0, 60.0, 50.0),
        rasterio.windows.Window(*np.array([40, 30, 60, 50], np.uint8)),
        (slice(30, 80), slice(40, 100)),
        ((30, 80), (40, 100)),
        [(np.int64(30), np.array(80)), (40, 100)],
        Window(*np.array([30, 40, 50, 60])),
    ],
)
def test_windows_in_all_forms(scene, whole, window):
    np.testing.assert_array_equal(scene.read(window=window), whole[:, *PLACE.slices])


def test_open_ends_are_the_scene_s_edges(scene, whole):
    np.testing.assert_array_equal(scene.read(window=(slice(None), slice(100, None))), whole[:, :, 100:])
    np.testing.assert_array_equal(scene.read(window=((None, 10), (0, None))), whole[:, :10])


@pytest.mark.parametrize(
    "window, words",
    [
        (rasterio.windows.Window(40.5, 30, 60, 50), "col_off is 40.5; a window is of whole pixels"),
        (rasterio.windows.Window(40, 30, 60, 50.25), "round_lengths"),
        (rasterio.windows.Window(-1, 30, 60, 50), "-1"),
        (rasterio.windows.Window(40, 30, 100, 50), "leaves the scene of 90 rows and 130 columns"),
        (rasterio.windows.Window(40, 30, 0, 50), "0"),
        ((slice(-10, None), slice(None)), "no counting from the end"),
        ((slice(0, 10, 2), slice(None)), "step of 2"),
        ((slice(10, 10), slice(None)), "without pixels"),
        ((slice(0, 91), slice(None)), "leaves the scene"),
        ((0, 0, 10, 10), "expected rasterio.windows.Window"),
        ((10, 20), "expected rasterio.windows.Window"),
        ("all", "expected rasterio.windows.Window"),
        (((0, "x"), (0, 1)), "expected a whole number"),
        (((0, float("nan")), (0, 1)), "whole"),
    ],
)
def test_windows_that_mean_nothing(scene, window, words):
    with pytest.raises(InvalidArgument, match=words):
        scene.read(window=window)


@pytest.mark.parametrize(
    "indexes, order",
    [
        (2, 1),
        (np.int64(2), 1),
        (np.uint8(2), 1),
        (np.array(2), 1),
        (np.array([2]), [1]),
        ([np.int64(2), 1], [1, 0]),
        (range(1, 3), [0, 1]),
        ((2, 2, 1), [1, 1, 0]),
        ((b for b in (2, 1)), [1, 0]),
        (np.arange(1, 3, dtype=np.int8)[::-1], [1, 0]),
    ],
)
def test_bands_in_all_forms(scene, whole, indexes, order):
    np.testing.assert_array_equal(scene.read(indexes), whole[order])


@pytest.mark.parametrize(
    "indexes, words",
    [
        (3, "no band 3; the scene has the bands 1 to 2"),
        (0, "no band 0; the scene has the bands 1 to 2"),
        (-1, "no band -1"),
        ([1, np.int64(3)], "no band 3"),
        ([], "no band was asked for"),
        (np.array([]), "no band was asked for"),
        (True, "flatnonzero"),
        (np.array([True, False]), "flatnonzero"),
        (1.0, "whole numbers"),
        (np.array([1.0]), "whole numbers"),
        ("VV", "whole numbers"),
        (["1"], "whole numbers"),
        ({1}, "whole numbers"),
        (np.array([[1]]), "whole numbers"),
    ],
)
def test_bands_that_mean_nothing(scene, indexes, words):
    with pytest.raises(InvalidArgument, match=words):
        scene.read(indexes)


def test_programs_that_count_bands_from_0_still_run(scene, whole):
    part = whole[:, *PLACE.slices]
    for window in (
        sarcodec.Window(30, 40, 50, 60),
        rasterio.windows.Window(40, 30, 60, 50),
        (slice(30, 80), slice(40, 100)),
    ):
        np.testing.assert_array_equal(scene.read(window), part)
        np.testing.assert_array_equal(scene.read(window, bands=[1]), part[1:])
        np.testing.assert_array_equal(scene.read(window=window, bands=np.int64(1)), part[1:])
    with pytest.raises(InvalidArgument, match=r"no band 3 \(number 2 in `bands`, which counts from 0\)"):
        scene.read(bands=2)
    with pytest.raises(InvalidArgument, match="expected one of them"):
        scene.read(1, bands=[0])


def test_decompress_takes_the_same_forms(packed, whole, tmp_path):
    window = rasterio.windows.Window(40, 30, 60, 50)
    sarcodec.decompress(packed, tmp_path / "out.tif", window=window, indexes=np.int64(2), threads=np.int64(1))
    with rasterio.open(tmp_path / "out.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), whole[1:, *PLACE.slices])

"""Tiles partition a scene, and windows find exactly the tiles and cells that they touch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcodec.errors import InvalidArgument
from sarcodec.format.tiling import CELL_PX, TileGrid, Window, cells, check_inside, grow, overlap

sizes = st.integers(1, 150)
tile_sizes = st.sampled_from([32, 64, 96, 512])


@st.composite
def scene_windows(draw):
    rows, cols = draw(sizes), draw(sizes)
    row, col = draw(st.integers(0, rows - 1)), draw(st.integers(0, cols - 1))
    return rows, cols, Window(row, col, draw(st.integers(1, rows - row)), draw(st.integers(1, cols - col)))


def painted(window, rows, cols):
    image = np.zeros((rows, cols), int)
    image[window.slices] += 1
    return image


@given(sizes, sizes, tile_sizes)
def test_tiles_partition_the_scene(rows, cols, tile_px):
    grid = TileGrid(rows, cols, tile_px)
    windows = [grid.window(index) for index in range(grid.count)]
    assert (sum(painted(window, rows, cols) for window in windows) == 1).all()
    assert [(w.row, w.col) for w in windows] == sorted((w.row, w.col) for w in windows)
    assert grid.count == grid.shape[0] * grid.shape[1]


@given(scene_windows(), tile_sizes)
def test_touched_tiles_are_those_that_share_a_pixel(scene, tile_px):
    rows, cols, window = scene
    grid = TileGrid(rows, cols, tile_px)
    expected = [index for index in range(grid.count) if painted(grid.window(index), rows, cols)[window.slices].any()]
    assert grid.touched(window) == expected
    assert expected == [index for index in range(grid.count) if overlap(grid.window(index), window)]


@given(scene_windows(), st.integers(0, 200))
def test_grow_is_the_margin_clipped_to_the_scene(scene, margin):
    rows, cols, window = scene
    grown = grow(window, margin, rows, cols)
    assert (grown.row, grown.col) == (max(0, window.row - margin), max(0, window.col - margin))
    assert (grown.row_end, grown.col_end) == (min(rows, window.row_end + margin), min(cols, window.col_end + margin))
    assert np.array_equal(painted(grown, rows, cols)[grown.slices][window.within(grown)], np.ones(window.shape))


@given(scene_windows(), scene_windows())
def test_overlap_is_the_shared_pixels(first, second):
    shared = overlap(first[2], second[2])
    both = painted(first[2], 150, 150) + painted(second[2], 150, 150) == 2
    assert shared is None if not both.any() else np.array_equal(painted(shared, 150, 150) == 1, both)


@given(scene_windows())
def test_cells_cover_the_window_and_no_cell_is_idle(scene):
    window = scene[2]
    found = cells(window)
    assert found.row * CELL_PX <= window.row < (found.row + 1) * CELL_PX
    assert (found.row_end - 1) * CELL_PX < window.row_end <= found.row_end * CELL_PX
    assert found.col * CELL_PX <= window.col < (found.col + 1) * CELL_PX
    assert (found.col_end - 1) * CELL_PX < window.col_end <= found.col_end * CELL_PX


@pytest.mark.parametrize("numbers", [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0), (0.5, 0, 1, 1)])
def test_window_checks_itself(numbers):
    with pytest.raises(InvalidArgument, match="window"):
        Window(*numbers)


def test_window_takes_numpy_integers_and_keeps_plain_ones():
    window = Window(*np.array([1, 2, 3, 4], np.uint16))
    assert window == Window(1, 2, 3, 4) and type(window.row) is int


def test_errors_name_the_limits():
    grid = TileGrid(100, 40, 32)
    with pytest.raises(InvalidArgument, match=r"tiles 0\.\.7"):
        grid.window(8)
    with pytest.raises(InvalidArgument, match="at least 0"):
        grid.window(-1)
    with pytest.raises(InvalidArgument, match="100 rows and 40 columns"):
        grid.touched(Window(0, 30, 5, 11))
    with pytest.raises(InvalidArgument, match="100 rows and 40 columns"):
        check_inside(Window(99, 0, 2, 1), 100, 40)
    with pytest.raises(InvalidArgument, match="multiple of 16"):
        TileGrid(100, 40, 40)
    with pytest.raises(InvalidArgument, match="tile grid rows"):
        TileGrid(0, 40, 32)
    with pytest.raises(InvalidArgument, match="within"):
        Window(0, 0, 2, 2).within(Window(1, 0, 2, 2))

"""Tiles: weights never vanish and sum to one, unchanged tiles give the band back exactly."""

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.study.files.tiles import Layout, axis_weights, lead, split, stitch

LAYOUTS = [(0, 0), (256, 32), (256, 0), (256, 128), (64, 16), (64, 32), (32, 16), (16, 0)]


def summed(layout: Layout) -> np.ndarray:
    """Weight of every pixel of an axis; checks that every tile reaches the scene and weighs where it is not led."""
    total = np.zeros(layout.cols)
    for weights, begin, led in zip(axis_weights(layout, 1), layout.begins(1), layout.led(1)):
        inside = weights[: layout.cols - begin]
        assert begin >= 0 and inside.size > led and (inside[led:] > 0).all() and not inside[:led].any()
        total[begin : begin + inside.size] += inside
    return total


@pytest.mark.parametrize("tile_px, overlap_px", LAYOUTS)
def test_weights_never_vanish_and_sum_to_one_on_any_width(tile_px, overlap_px):
    for width in range(1, 601):
        total = summed(Layout(1, width, tile_px, overlap_px))
        assert np.abs(total - 1).max() < 1e-12, width


@pytest.mark.parametrize("tile_px, overlap_px", LAYOUTS)
def test_unchanged_tiles_give_the_band_back_exactly(tile_px, overlap_px):
    random = np.random.default_rng(1)
    for rows, cols in [(1, 1), (1, 600), (15, 17), (16, 16), (37, 300), (257, 255), (224, 480), (225, 481)]:
        layout = Layout(rows, cols, tile_px, overlap_px)
        for band in (np.full((rows, cols), np.float32(-31.7)), random.normal(-30, 9, (rows, cols)).astype(np.float32)):
            tiles = split(band, layout)
            assert tiles.shape == (layout.count, *layout.tile_shape)
            assert np.array_equal(stitch(tiles, layout), band)


def test_all_widths_come_back_exactly():
    line = np.random.default_rng(2).normal(size=(1, 600)).astype(np.float32)
    for width in range(1, 601):
        layout = Layout(1, width, 64, 16)
        assert np.array_equal(stitch(split(line[:, :width], layout), layout), line[:, :width])


def test_a_cut_last_tile_is_continued_by_reflection():
    band = np.arange(20, dtype=np.float32)[None].repeat(16, 0)
    assert split(band, Layout(16, 20))[0, 0, 20:].tolist() == [18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7]


def test_two_tiles_that_differ_are_blended_smoothly():
    layout = Layout(64, 112, 64, 16)
    tiles = np.stack([np.zeros((64, 64)), np.ones((64, 64))]).astype(np.float32)
    line = stitch(tiles, layout)[0]
    assert line[:48].max() == 0 and line[64:].min() == 1 and (np.diff(line) >= 0).all() and np.diff(line).max() < 0.11


@pytest.mark.parametrize(
    "sizes", [(0, 5), (5, 5, 24), (5, 5, 64, 48), (5, 5, 64, 8), (5, 5, 0, 1), (5, 5, 4112), (5, 5, 64, -1)]
)
def test_layouts_without_meaning_are_refused(sizes):
    with pytest.raises(InvalidArgument):
        Layout(*sizes)


def test_arrays_of_another_shape_are_refused():
    with pytest.raises(InvalidArgument):
        split(np.zeros((3, 3), np.float32), Layout(3, 4))
    with pytest.raises(InvalidArgument):
        stitch(np.zeros((2, 16, 16), np.float32), Layout(3, 4))


def test_the_last_tile_is_moved_back_and_its_beginning_is_not_kept():
    layout = Layout(64, 250, 64, 16)
    assert layout.begins(1) == [0, 48, 96, 144, 192] and layout.led(1) == [0] * 5
    layout = Layout(64, 130, 64, 16)
    assert layout.begins(1) == [0, 48, 80] and layout.led(1) == [0, 0, 16] and layout.led(0) == [0]
    assert layout.kept.sum((1, 2)).tolist() == [16, 16, 12] and not layout.kept[2, :, 0].any()


@pytest.mark.parametrize("size", [(130, 170), (64, 130), (130, 64), (300, 65), (97, 98)])
def test_latents_that_are_not_kept_are_those_of_the_tile_before(size):
    layout = Layout(*size, 64, 16)
    rows, cols = (-(-n // 16) for n in size)
    cells = np.arange(max(rows, 4) * max(cols, 4)).reshape(max(rows, 4), -1)
    tiles = np.stack(
        [cells[r // 16 : r // 16 + 4, c // 16 : c // 16 + 4] for r in layout.begins(0) for c in layout.begins(1)]
    )[:, None]
    unknown = np.where(layout.kept[:, None], tiles, -1)
    assert np.array_equal(lead(unknown, layout), tiles)

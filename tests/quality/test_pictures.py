"""What a page is drawn of: pictures, charts, thumbnails, scales."""

import re

import numpy as np
import pytest

from quality.pages import read_page, unpack
from sarcodec.quality.charts import HEIGHT, Series, Shade, line_chart
from sarcodec.quality.maps import error_scale, grey_scale, heat_scale, round_up
from sarcodec.quality.png import NODATA_RGB, diverging_png, grey_png, heat_png
from sarcodec.quality.thumbnails import ThumbnailCollector
from sarcodec.quality.words import listed, number, signed


def test_pictures_hold_the_pixels():
    values = np.array([[0.0, 5.0, 10.0], [-9.0, 99.0, np.nan]])
    grey = unpack(grey_png(values, 0, 10))
    assert grey[..., 0].tolist() == [[0, 128, 255], [0, 255, NODATA_RGB[0]]]
    assert tuple(grey[1, 2]) == NODATA_RGB
    error = unpack(diverging_png(np.array([[-3.0, 0.0, 3.0, np.nan]]), 3.0))
    assert error[0].tolist() == [[33, 102, 172], [247, 247, 247], [178, 24, 43], list(NODATA_RGB)]
    assert unpack(heat_png(np.array([[1.0, 2.0]]), 1, 2))[0].tolist() == [[247, 247, 247], [84, 39, 136]]


def test_matplotlib_reads_the_pictures():
    image = pytest.importorskip("matplotlib.image", reason="matplotlib (extra plot) is not installed")
    import io

    values = np.random.default_rng(1).random((7, 11))
    found = image.imread(io.BytesIO(grey_png(values, 0, 1)))
    assert found.shape == (7, 11, 3) and np.abs(found[..., 0] - values).max() < 0.003


def test_points_of_a_chart_lie_where_their_values_are():
    x, y = np.array([0.0, 5.0, 10.0]), np.array([0.0, 1.0, 2.0])
    text = line_chart([Series("a <b>", x, y, "#123", marks=True)], "x", "y", (Shade("s", 0.5, 1.5, "#eee"),))
    read_page(text)
    places = np.array([(float(a), float(b)) for a, b in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', text)])
    assert places[1] == pytest.approx(places[[0, 2]].mean(axis=0), abs=0.1)
    assert np.all(np.diff(places[:, 0]) > 100) and np.all(np.diff(places[:, 1]) < -50)
    top, high = map(float, re.search(r'y="([\d.]+)" height="([\d.]+)" fill="#eee"', text).groups())
    assert (top, top + high) == pytest.approx((places[1:, 1].mean(), places[:2, 1].mean()), abs=0.2)
    assert "a &lt;b&gt;" in text


@pytest.mark.parametrize("values", [[1.0], [3.0, 3.0, 3.0], [-1e-7, 2e-7], [1e6, -1e6]])
def test_any_values_can_be_drawn(values):
    y = np.array(values)
    text = line_chart([Series("", np.arange(y.size), y, "#000")], "x", "y")
    numbers = [float(n) for n in re.findall(r'points="[\d.]+,([\d.]+)', text)]
    assert "nan" not in text and all(0 <= n <= HEIGHT for n in numbers)


def test_thumbnails_are_mean_powers_of_valid_pixels():
    rng = np.random.default_rng(2)
    level = rng.normal(30, 4, (1500, 2100))
    decoded, valid = level + 0.5, rng.random(level.shape) > 0.2
    valid[:8, :8] = False
    collector = ThumbnailCollector(*level.shape)
    assert collector.cell_px == 4
    for row in range(0, 1500, 1024):
        for col in range(0, 2100, 1024):
            part = np.s_[row : row + 1024, col : col + 1024]
            collector.add(row, col, level[part], np.where(valid, decoded, np.nan)[part], valid[part])
    found = collector.finish()
    assert found.original_db.shape == (375, 525)
    assert np.isnan(found.original_db[:2, :2]).all() and np.isfinite(found.original_db[2:, 2:]).all()
    assert found.error_db[5, 5] == pytest.approx(0.5)
    cell = np.s_[400:404, 1200:1204]
    assert found.original_db[100, 300] == pytest.approx(10 * np.log10(np.mean(10 ** (level[cell][valid[cell]] / 10))))
    assert found.histogram.original.sum() == np.count_nonzero(valid)


def test_the_busiest_part_is_where_levels_vary_and_pixels_are_valid():
    level = np.zeros((800, 900))
    level[400:440:2, 700:740] = 30
    valid = np.ones(level.shape, bool)
    valid[:300] = False
    level[:300:2] = 60
    collector = ThumbnailCollector(*level.shape)
    collector.add(0, 0, level, level, valid)
    row, col = collector.finish().busiest()
    assert row <= 400 and row + 160 >= 440 and col <= 700 and col + 160 >= 740 and row >= 300


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
    chart = line_chart(
        [Series("", np.array([0.01, 0.1, 1.0]), np.arange(3.0), "#000", marks=True)], "x", "y", log_x=True
    )
    first, middle, last = (float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart))
    assert middle - first == pytest.approx(last - middle, abs=0.2)
    ticks = re.findall(r'text-anchor="middle">([\d.]+)</text>', chart)
    assert ticks == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]


def test_scales_end_at_round_numbers():
    assert [round_up(value) for value in (0.021, 0.5, 1.2, 6.01, 9, 101)] == [0.03, 0.5, 1.5, 8, 10, 150]
    grey = grey_scale(np.array([np.nan, 3.3, 7.7, 9.2]))
    assert (grey.low, grey.high) == (3, 10)
    assert (grey_scale(np.full(3, 5.0)).high, grey_scale(np.full(3, np.nan)).high) == (6, 1)
    assert error_scale([np.zeros(3), np.full(2, np.nan)]).high == 0.02
    assert heat_scale([np.array([0.2]), np.array([[0.3, 0.4]])], "bit/pixel").high == 0.4


def test_numbers_and_lists_in_words():
    minus = "\N{MINUS SIGN}"
    assert (signed(-0.5, 2), signed(0.5, 2), signed(-1e-9), number(-1.0, 1)) == (
        f"{minus}0.50",
        "+0.50",
        "0",
        f"{minus}1.0",
    )
    assert number(None) == signed(None) == "\N{EN DASH}"
    assert [listed(words) for words in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]

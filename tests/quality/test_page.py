"""The page and its parts: pictures hold the pixels they should, charts are where the numbers are, nothing is
fetched."""

import base64
import re
import struct
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest

from sarcodec.quality.charts import HEIGHT, Series, Shade, line_chart
from sarcodec.quality.page import BandPage, Detail, Page, render
from sarcodec.quality.png import NODATA_RGB, diverging_png, grey_png, heat_png
from sarcodec.quality.texture import TextureAccumulator
from sarcodec.quality.thumbnails import ThumbnailCollector
from sarcodec.quality.classes import CLASSES, judge
from sarcodec.quality.metrics import compare_levels

VOID = {"meta", "img", "br", "line", "rect", "circle", "polyline"}


class _Reader(HTMLParser):
    """Every element is closed, and what the page asks for from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        while self.open and self.open[-1] in ("dt", "dd", "tr", "td", "th") and self.open[-1] != tag:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text.append(text)


def read_page(text: str) -> _Reader:
    """The page, checked: balanced elements, nothing fetched."""
    reader = _Reader()
    reader.feed(text)
    assert not reader.open
    assert all(source.startswith("data:image/png;base64,") for source in reader.sources)
    assert not re.search(r"https?:|@import|url\(|<script", text)
    return reader


def _unpack(png: bytes) -> np.ndarray:
    """(rows, cols, 3) of a PNG of unfiltered RGB lines; every checksum tried."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, parts = 8, {}
    while place < len(png):
        (size,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + size]
        assert zlib.crc32(kind + data) == struct.unpack_from(">I", png, place + 8 + size)[0]
        parts[kind], place = data, place + 12 + size
    cols, rows = struct.unpack(">II", parts[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(rows, 1 + 3 * cols)
    assert not lines[:, 0].any() and b"IEND" in parts
    return lines[:, 1:].reshape(rows, cols, 3)


def test_pictures_hold_the_pixels():
    values = np.array([[0.0, 5.0, 10.0], [-9.0, 99.0, np.nan]])
    grey = _unpack(grey_png(values, 0, 10))
    assert grey[..., 0].tolist() == [[0, 128, 255], [0, 255, NODATA_RGB[0]]]
    assert tuple(grey[1, 2]) == NODATA_RGB
    error = _unpack(diverging_png(np.array([[-3.0, 0.0, 3.0, np.nan]]), 3.0))
    assert error[0].tolist() == [[33, 102, 172], [247, 247, 247], [178, 24, 43], list(NODATA_RGB)]
    assert _unpack(heat_png(np.array([[1.0, 2.0]]), 1, 2))[0].tolist() == [[247, 247, 247], [178, 24, 43]]


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


def _band(level, decoded, valid, guide=None, bits=None):
    texture, collector = TextureAccumulator(), ThumbnailCollector(*level.shape)
    texture.add(level, decoded, valid, guide)
    collector.add(0, 0, level, decoded, valid)
    errors = compare_levels(level, decoded, valid, guide)
    verdicts = tuple(judge(wanted, errors, True) for wanted in CLASSES.values())
    detail = Detail(0, 0, np.where(valid, level, np.nan)[:160, :160], np.where(valid, decoded, np.nan)[:160, :160])
    return BandPage("VV <1>", errors, texture.summary(), verdicts, collector.finish(), detail, bits)


@pytest.mark.parametrize("shape", [(200, 230), (1, 1), (9, 300)])
def test_a_page_of_any_shape_is_whole(shape):
    rng = np.random.default_rng(3)
    level = 40 + 10 * np.log10(rng.gamma(4.4, 1 / 4.4, shape))
    page = Page("a & b", (("file", "<x>"),), (_band(level, level + 0.03, np.ones(shape, bool)),))
    reader = read_page(render(page))
    words = " ".join(reader.text)
    assert "VV <1>" in words and "a & b" in words and "<x>" in words and "Not drawn" in words
    assert "FAIL" in words and "PASS" in words  # 0.03 dB of bias: analysis, not archive
    assert len(reader.sources) == 6


def test_a_page_draws_bias_against_brightness_and_bits():
    rng = np.random.default_rng(4)
    level, guide = (40 + 10 * np.log10(rng.gamma(4.4, 1 / 4.4, (200, 200))) for _ in range(2))
    bits = np.repeat([[0.5], [1.0]], 100, axis=0) * np.ones((1, 200))
    text = render(Page("t", (), (_band(level, level, np.ones(level.shape, bool), guide, bits),)))
    reader = read_page(text)
    assert len(reader.sources) == 7 and text.count("<svg") == 2 and text.count("<circle") > 8
    pictures = [_unpack(base64.b64decode(source.split(",")[1])) for source in reader.sources]
    assert pictures[3].shape == (200, 200, 3) and len(np.unique(pictures[3].reshape(-1, 3), axis=0)) == 2


def test_a_band_without_valid_pixels_says_so():
    level = np.zeros((20, 20))
    collector = ThumbnailCollector(20, 20)
    collector.add(0, 0, level, level, np.zeros((20, 20), bool))
    verdicts = tuple(judge(wanted, None, False) for wanted in CLASSES.values())
    reader = read_page(render(Page("t", (), (BandPage("b", None, None, verdicts, collector.finish(), None),))))
    assert any("nothing to compare" in text for text in reader.text) and "changed" in reader.text


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
    chart = line_chart([Series("", np.array([0.01, 0.1, 1.0]), np.arange(3.0), "#000", marks=True)], "x", "y", log_x=True)
    first, middle, last = (float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart))
    assert middle - first == pytest.approx(last - middle, abs=0.2)
    ticks = re.findall(r'text-anchor="middle">([\d.]+)</text>', chart)
    assert ticks == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]

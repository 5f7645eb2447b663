"""The page and its parts: pictures hold the pixels they should, charts are where the numbers are, nothing is
fetched."""

import base64
import re
import struct
import unicodedata
import zlib
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from sarcodec.quality.charts import HEIGHT, Series, Shade, line_chart
from sarcodec.quality.classes import CLASSES, judge
from sarcodec.quality.contents import BandPage, Detail, KeyFigure, Page
from sarcodec.quality.maps import error_scale, grey_scale, heat_scale, round_up
from sarcodec.quality.metrics import compare_levels
from sarcodec.quality.page import render, style
from sarcodec.quality.png import NODATA_RGB, diverging_png, grey_png, heat_png
from sarcodec.quality.texture import TextureAccumulator
from sarcodec.quality.thumbnails import ThumbnailCollector
from sarcodec.quality.words import listed, number, safe, signed

VOID = {"meta", "img", "br", "line", "rect", "circle", "polyline"}


class _Reader(HTMLParser):
    """Every element is closed, and what the page asks for from elsewhere."""

    def __init__(self):
        super().__init__()
        self.open, self.sources, self.text, self.alts = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.alts += [value for name, value in attributes if name == "alt"]
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
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in set(text) - {"\n"})
    assert len(reader.alts) == len(reader.sources) and all(reader.alts)
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
    assert _unpack(heat_png(np.array([[1.0, 2.0]]), 1, 2))[0].tolist() == [[247, 247, 247], [84, 39, 136]]


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
    return BandPage("VV <1>", level.shape, errors, texture.summary(), verdicts, collector.finish(), detail, bits)


@pytest.mark.parametrize("shape", [(200, 230), (1, 1), (9, 300)])
def test_a_page_of_any_shape_is_whole(shape):
    rng = np.random.default_rng(3)
    level = 40 + 10 * np.log10(rng.gamma(4.4, 1 / 4.4, shape))
    page = Page("a & b", (), (("file", "<x>"),), (_band(level, level + 0.03, np.ones(shape, bool)),))
    reader = read_page(render(page))
    words = " ".join(reader.text)
    assert "VV <1>" in words and "a & b" in words and "<x>" in words and "Not drawn" in words
    assert "FAIL" in words and "PASS" in words  # 0.03 dB of bias: analysis, not archive
    assert len(reader.sources) == 6


def test_a_page_draws_bias_against_brightness_and_bits():
    rng = np.random.default_rng(4)
    level, guide = (40 + 10 * np.log10(rng.gamma(4.4, 1 / 4.4, (200, 200))) for _ in range(2))
    bits = np.repeat([[0.5], [1.0]], 100, axis=0) * np.ones((1, 200))
    text = render(Page("t", (), (), (_band(level, level, np.ones(level.shape, bool), guide, bits),)))
    reader = read_page(text)
    assert len(reader.sources) == 7 and text.count("<svg") == 2 and text.count("<circle") > 8
    pictures = [_unpack(base64.b64decode(source.split(",")[1])) for source in reader.sources]
    assert pictures[3].shape == (200, 200, 3) and len(np.unique(pictures[3].reshape(-1, 3), axis=0)) == 2


def test_a_band_without_valid_pixels_says_so():
    level = np.zeros((20, 20))
    collector = ThumbnailCollector(20, 20)
    collector.add(0, 0, level, level, np.zeros((20, 20), bool))
    verdicts = tuple(judge(wanted, None, False) for wanted in CLASSES.values())
    band = BandPage("b", (20, 20), None, None, verdicts, collector.finish(), None)
    reader = read_page(render(Page("t", (), (), (band,))))
    assert any("nothing to compare" in text for text in reader.text) and "changed" in reader.text


def test_figures_that_a_band_has_not_leave_the_page_whole():
    level = 40 + 10 * np.log10(np.random.default_rng(5).gamma(4.4, 1 / 4.4, (24, 24)))
    whole = _band(level, level, np.ones(level.shape, bool))
    texture = replace(whole.texture, ratio=None, histograms=None)
    band = replace(whole, texture=texture, thumbnails=replace(whole.thumbnails, histogram=None))
    text = " ".join(read_page(render(Page("t", (), (), (band,)))).text)
    assert "no pixel of this band is valid" in text and "Edges kept" in text and "Ratio image: mean" not in text


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
    chart = line_chart(
        [Series("", np.array([0.01, 0.1, 1.0]), np.arange(3.0), "#000", marks=True)], "x", "y", log_x=True
    )
    first, middle, last = (float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart))
    assert middle - first == pytest.approx(last - middle, abs=0.2)
    ticks = re.findall(r'text-anchor="middle">([\d.]+)</text>', chart)
    assert ticks == ["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"]


def _speckled(shape, seed):
    return 40 + 10 * np.log10(np.random.default_rng(seed).gamma(4.4, 1 / 4.4, shape))


def _ends(text: str, title: str) -> list[list[str]]:
    """The three numbers under the colour bar of every picture of that title."""
    bars = re.findall(rf"<figure><b>{title}</b>.*?<div class=bar>.*?<div>(.*?)</div>", text)
    return [re.findall(r"<span>(.*?)</span>", bar) for bar in bars]


def test_every_picture_has_a_colour_bar_with_its_unit():
    level, bits = _speckled((200, 230), 5), np.repeat([[0.5], [1.0]], 100, axis=0) * np.ones((1, 230))
    text = render(Page("t", (), (), (_band(level, level + 0.1, np.ones(level.shape, bool), None, bits),)))
    assert text.count("<div class=bar>") == 7 == len(read_page(text).sources)
    assert all(
        end.endswith(" dB")
        for title in ("Original", "Decoded", "Error", "Ratio image")
        for bar in _ends(text, title)
        for end in bar
    )
    assert _ends(text, "Bits of each tile") == [["0 bit/pixel", "0.5 bit/pixel", "1 bit/pixel"]]


def test_maps_that_are_compared_have_one_scale():
    level, whole = _speckled((200, 230), 6), np.ones((200, 230), bool)
    bits = [np.linspace(0.1, most, 230) * np.ones((200, 1)) for most in (1.0, 2.7)]
    bands = tuple(_band(level, level + error, whole, None, one) for error, one in ((0.03, bits[0]), (1.4, bits[1])))
    text = render(Page("t", (), (), bands))
    assert _ends(text, "Original") == _ends(text, "Decoded") and len(_ends(text, "Original")) == 4
    minus = "\N{MINUS SIGN}"
    for title in ("Error", "Ratio image"):
        assert _ends(text, title) == [[f"{minus}1.5 dB", "0 dB", "+1.5 dB"]] * 2
    assert _ends(text, "Bits of each tile") == [["0 bit/pixel", "1.5 bit/pixel", "3 bit/pixel"]] * 2
    pictures = [_unpack(base64.b64decode(source.split(",")[1])) for source in read_page(text).sources]
    assert (pictures[2] > 230).all() and (
        pictures[9][..., 2] < 80
    ).all()  # the small error is pale beside the large one


def test_the_part_shown_larger_is_framed_in_the_pictures_of_the_whole():
    level = _speckled((400, 800), 7)
    valid = np.ones(level.shape, bool)
    band = replace(
        _band(level, level, valid), detail=Detail(200, 400, level[200:360, 400:560], level[200:360, 400:560])
    )
    text = render(Page("t", (), (), (band,)))
    frames = re.findall(r'<i class=crop style="top:([\d.]+)%;left:([\d.]+)%;height:([\d.]+)%;width:([\d.]+)%"', text)
    assert frames == [("50.000", "50.000", "40.000", "20.000")] * 3
    assert "Rows 200 to 359, columns 400 to 559" in text and text.count('"pic cut"') == 3
    small = _band(level[:150, :160], level[:150, :160], valid[:150, :160])
    assert "class=crop" not in render(Page("t", (), (), (small,)))


def test_only_enlarged_pictures_show_pixels_as_squares():
    level = _speckled((300, 500), 8)
    text = render(Page("t", (), (), (_band(level, level, np.ones(level.shape, bool)),)))
    kinds = re.findall(r"<img width=(\d+) height=(\d+)( class=enlarged)?", text)
    small = _speckled((90, 300), 8)  # twice that would not fit a page of 400
    assert "<img width=300 height=90 alt" in render(Page("t", (), (), (_band(small, small, small > 0),)))
    assert kinds == [("500", "300", "")] * 3 + [("320", "320", " class=enlarged")] * 3
    assert [rule for rule in style().split("}") if "pixelated" in rule] == [
        " img.enlarged { image-rendering: pixelated "
    ]


def test_the_head_says_verdict_and_figures():
    level = _speckled((200, 230), 9)
    figures = (KeyFigure("Compression ratio", "8.3 to 1", "of <pixels>"),)
    whole = np.ones(level.shape, bool)
    heads = [
        render(Page("t", figures, (), (_band(level, level + error, whole),))).split("<h2>")[0]
        for error in (0.0, 0.03, 3.0)
    ]
    assert "keeps to the class archive" in heads[0] and "FAIL" not in heads[0] and "of &lt;pixels&gt;" in heads[0]
    assert "keeps to the class analysis" in heads[1] and "bias of the mean power of VV &lt;1&gt;" in heads[1]
    assert "keeps to neither" in heads[2] and "PASS" not in heads[2] and "8.3 to 1" in heads[2]


def test_the_page_follows_the_dark_mode_and_narrow_screens():
    level = _speckled((60, 60), 10)
    text = render(Page("t", (), (), (_band(level, level, np.ones(level.shape, bool)),)))
    assert "prefers-color-scheme: dark" in text and "color-scheme: light dark" in text and "max-width: 560px" in text
    charts = "".join(re.findall(r"<svg.*?</svg>", text))
    assert charts and not re.search(r'stroke="#[0-9a-f]{3,6}"', charts)  # lines take their colours from the style sheet


def test_names_of_files_cannot_break_the_page():
    name = "a\x07\x1b[31m<b>\u202e\udcff\"'&.tif"
    reader = read_page(render(Page(name, (KeyFigure(name, name, name),), ((name, name),), ())))
    assert "a\ufffd\ufffd[31m<b>\ufffd\ufffd\"'&.tif" in reader.text
    assert safe("\n").encode() == "\ufffd".encode()


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

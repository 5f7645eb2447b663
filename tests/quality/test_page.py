"""The page and its parts: pictures hold the pixels they should, charts are where the numbers are, nothing is
fetched."""

import base64
import re
from dataclasses import replace

import numpy as np
import pytest

from quality.pages import read_page, unpack
from sarcodec.quality.classes import CLASSES, judge
from sarcodec.quality.contents import BandPage, Detail, KeyFigure, Page
from sarcodec.quality.metrics import compare_levels
from sarcodec.quality.page import render, style
from sarcodec.quality.texture import TextureAccumulator
from sarcodec.quality.thumbnails import ThumbnailCollector
from sarcodec.quality.words import safe


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
    pictures = [unpack(base64.b64decode(source.split(",")[1])) for source in reader.sources]
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
    pictures = [unpack(base64.b64decode(source.split(",")[1])) for source in read_page(text).sources]
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

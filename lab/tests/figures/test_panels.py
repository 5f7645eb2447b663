"""Strips of pictures are small and in the study's greys; curves have their lines, names and levels."""

from io import BytesIO

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures import panels, plots

Picture = pytest.importorskip("PIL.Image", reason="pillow (extra plot) is not installed")
pytest.importorskip("matplotlib", reason="matplotlib (extra plot) is not installed").use("agg")


def test_a_strip_shows_the_same_part_of_each():
    dn = np.full((64, 48), 30.0)
    bright = dn.copy()
    bright[16:32, 16:32] = 1000
    strip = np.asarray(
        Picture.open(BytesIO(panels.strip_png([dn, bright], (slice(16, 32), slice(0, 40))))).convert("L")
    )
    assert strip.shape == (16, 40 + panels.GAP_PX + 40)
    assert (strip[:, :40] < 8).all() and (strip[:, 40:46] > 250).all()
    assert (strip[:, 62:78] > 250).all() and (strip[:, 46:62] < 8).all()


def test_greys_are_few():
    noise = np.random.default_rng(0).gamma(4, 25, (64, 64))
    png = panels.strip_png([noise])
    assert len(np.unique(np.asarray(Picture.open(BytesIO(png)).convert("L")))) <= panels.GREYS
    assert len(png) < 64 * 64 * 6 / 8 + 1000


def test_panels_of_unlike_shapes_are_refused():
    with pytest.raises(InvalidArgument, match="one shape"):
        panels.strip_png([np.ones((4, 4)), np.ones((4, 5))])


def test_levels_are_shares_of_the_valid_pixels():
    dn = np.array([[0, 0, 100, 100]], np.uint16)
    (axis,) = plots.levels_figure({"one": [dn], "two": [dn, dn]}).axes
    for line in axis.lines:
        x, y = line.get_data()
        assert y.sum() == pytest.approx(100) and abs(x[y.argmax()] - 40) <= 0.5
    assert [text.get_text() for text in axis.get_legend().texts][:2] == ["one", "two"]


def test_curves_stand_beside_levels():
    curve = np.array([0, 10, 20]), np.array([0.5, 0.6, 0.65])
    figure = plots.curves_figure({"SSIM": {"a": curve, "b": curve}, "loss": {"a": curve}}, {"SSIM": {"best": 0.7}})
    left, right = figure.axes
    assert len(left.lines) == 3 and len(right.lines) == 1
    assert [text.get_text() for text in left.texts] == ["best"] and left.get_title("left") == "SSIM"


def test_gates_have_a_dot_a_seed_and_an_interval():
    seeds = {"none": np.array([18.0, 18.2]), "both": np.array([18.1, 18.3])}
    left, right = plots.gates_figure(seeds, {"both": (0.1, -0.1, 0.3)}, "open").axes
    assert [len(line.get_xdata()) for line in left.lines] == [2, 2, 2, 2]
    assert [label.get_text() for label in left.get_xticklabels()] == ["none", "both"]
    assert len(right.containers) == 1 and right.texts[0].get_text() == "+0.5 dB"
    plots.gates_figure(seeds, {"both": (0.1, None, None)}, "one seed")

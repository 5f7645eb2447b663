"""The picture is there, shows what it should, and a failure leaves nothing behind."""

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec.evaluate.picture import _detail, _Row, draw_triptych

pytest.importorskip("matplotlib", reason="matplotlib (extra plot) is not installed")


def _scene(shape):
    level = 40 + 10 * np.log10(np.random.default_rng(1).gamma(4.4, 1 / 4.4, shape))
    level[10, shape[1] - 5] = 85
    valid = np.ones(shape, dtype=bool)
    valid[:, :20] = False
    level[~valid] = np.nan
    return level, valid


def _colours(path):
    from matplotlib.image import imread

    return (imread(path)[..., :3] * 255).round().astype(int).reshape(-1, 3)


def test_picture_is_written_and_not_blank(tmp_path):
    level, valid = _scene((200, 220))
    path = tmp_path / "picture.png"
    draw_triptych(path, level, level + 1.5, valid, "0.5 bit/pixel, RMSE 1.50 dB", ["a line", "another"])
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]
    pixels = _colours(path)
    greys = pixels[(pixels[:, 0] == pixels[:, 1]) & (pixels[:, 1] == pixels[:, 2])]
    assert np.unique(greys[:, 0]).size > 100
    assert np.mean(np.all(pixels == (0x6B, 0x7A, 0x8F), axis=1)) > 0.01
    from matplotlib import colormaps

    # An error of +1.5 dB everywhere is one colour: three quarters up the diverging map.
    expected = np.round(np.array(colormaps["RdBu_r"](0.75)[:3]) * 255)
    assert np.mean(np.all(np.abs(pixels - expected) <= 2, axis=1)) > 0.1


@pytest.mark.parametrize("shape", [(1, 40), (130, 40), (3, 300), (64, 64)])
def test_any_shape_and_flat_levels_can_be_drawn(tmp_path, shape):
    level = np.full(shape, 12.0)
    draw_triptych(tmp_path / "flat.png", level, level, np.ones(shape, dtype=bool), "flat")
    assert np.ptp(_colours(tmp_path / "flat.png")) > 100


def test_detail_is_around_the_brightest_valid_pixel_and_inside():
    level, valid = _scene((400, 500))
    level[300, 3] = 99
    detail = _detail(_Row(level, level, valid, (0.0, 1.0), (0, 0)))
    assert detail.corner == (0, 500 - 128) and detail.original.shape == (128, 128)
    assert detail.stretch_db[1] == pytest.approx(85)


def test_refusal_and_failure_leave_no_file(tmp_path, monkeypatch):
    level = np.zeros((20, 20))
    with pytest.raises(InvalidArgument, match="at least one valid pixel"):
        draw_triptych(tmp_path / "none.png", level, level, np.zeros((20, 20), dtype=bool), "none")
    from matplotlib.backends import backend_agg

    def fail(self, stream):
        stream.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(backend_agg.FigureCanvasAgg, "print_png", fail)
    with pytest.raises(SarcodecError, match="disk full"):
        draw_triptych(tmp_path / "none.png", level, level, np.ones((20, 20), dtype=bool), "none")
    with pytest.raises(InvalidArgument, match=".png"):
        draw_triptych(tmp_path / "none.tif", level, level, np.ones((20, 20), dtype=bool), "none")
    assert not list(tmp_path.iterdir())

"""The study's table for transforms of amplitudes: a place counts once, aims are met by means, nothing is written to a file."""

from pathlib import Path

import numpy as np
import pytest

from sarcodec_lab.figures.study_metrics import study_figures, to_study_unit
from sarcodec_lab.study.comparing.cases import Case
from sarcodec_lab.study.floats import AIMS, COLUMNS, FIGURES, LOSS, REPORTED, Line, in_unit, measured
from sarcodec_lab.study.linear import lowest_of_blocks


def case(place: str, seed: int, side: int = 64) -> Case:
    rng = np.random.default_rng(seed)
    dn = np.rint(80 * np.sqrt(rng.gamma(4.4, 1 / 4.4, (side, side)))).astype(np.uint16)
    return Case(f"image{seed}", 1, "iw", place, f"key{seed}", dn, None, Path("none.tif"))


CASES = (case("a", 1), case("a", 2), case("b", 3))


def test_a_place_counts_once():
    def halved(dn):
        return 0.5 * dn

    own = [study_figures(one.dn, halved(one.dn)).psnr_study for one in CASES]
    line = measured("halved", CASES, halved)
    assert line.spreads["psnr_study"].mean == pytest.approx((np.mean(own[:2]) + own[2]) / 2)
    assert line.spreads["psnr_study"].places == 2


def test_tiles_are_measured_one_by_one():
    large = case("a", 4, 512)
    seen = []
    measured("large", (large,), lambda dn: seen.append(dn.shape) or dn.astype(float))
    assert seen == [(256, 256)] * 4


def test_the_loss_is_that_of_the_table():
    line = measured("dct", CASES[2:], in_unit(lambda x: lowest_of_blocks(x, 16, 4)))
    psnr_db, ssim = (line.spreads[name].mean for name in ("psnr_study", "ssim_study"))
    assert line.spreads[LOSS].mean == pytest.approx(0.7 * 10 ** (-psnr_db / 10) + 0.3 * (1 - ssim))
    assert line.cells[0] == "dct" and line.cells[1].startswith(f"{psnr_db:.2f} [") and len(line.cells) == len(COLUMNS)
    assert all(len(row) == len(COLUMNS) for row in REPORTED)


def test_what_no_tile_has_is_left_empty():
    flat = Case("flat", 1, "iw", "a", "key", np.full((64, 64), 80, np.uint16), None, Path("none.tif"))
    line = measured("flat", (flat,), lambda dn: dn.astype(float))
    assert line.spreads["epi_cosine"] is None and line.cells[4] == ""
    assert not line.met()["epi_cosine"]


def test_a_transform_of_the_study_s_scale():
    dn = CASES[0].dn
    assert np.allclose(to_study_unit(in_unit(lambda x: x)(dn)), to_study_unit(dn), atol=1e-9)
    assert np.allclose(to_study_unit(in_unit(lambda x: np.full_like(x, 0.25))(dn)), 0.25)


@pytest.mark.parametrize(
    "means, met",
    [((21.7, 0.76, 1.0, 0.81), (True, True, True, True)), ((21.6, 0.7, 1.31, 0.79), (False, False, False, False))],
)
def test_aims(means, met):
    class Mean(float):
        mean = property(float)

    found = Line("x", {figure: Mean(value) for figure, value in zip(FIGURES, means, strict=True)})
    assert tuple(found.met().values()) == met and list(found.met()) == list(AIMS)

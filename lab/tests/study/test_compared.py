"""The CSV of `sarcodec compare`, read again."""

import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.study.comparing.compared import COLUMNS, at_equal_bits, families, markdown, read_rows, table
from sarcodec_lab.study.comparing.texts import as_csv

HEAD = "model,image,band,family,place,setting,overlap_px,bits_per_pixel,psnr_study,ssim_study\n"
ROWS = """c,a,1,iw,p,0.5,32,0.4,22,0.8
c,a,1,iw,p,1,32,0.2,20,0.7
c,a,2,iw,p,1,32,0.4,24,
c,b,1,iw,q,1,32,0.6,26,0.9
c,a,1,iw,p,1,0,0.2,19,
d,a,1,iw,p,1,0,0.3,20.5,
d,a,1,ew,r,1,0,0.3,20.5,
"""


@pytest.fixture
def rows(tmp_path):
    (tmp_path / "compare.csv").write_text(HEAD + ROWS)
    return read_rows(tmp_path / "compare.csv")


def test_a_place_counts_once(rows):
    found = {cells[:3]: cells for cells in table(rows, "iw")}
    places, bits, psnr, ssim, *others = found["c", "1", "32"][3:]
    assert (places, bits, psnr, ssim) == ("2", "0.4500", "24.00", "0.800")  # of (0.3, 0.6), (22, 26), (0.7, 0.9)
    assert set(others) == {"\N{EN DASH}"} and len(found["d", "1", "0"]) == len(COLUMNS)


def test_families_are_apart(rows):
    assert families(rows) == ["iw", "ew"]
    assert [cells[0] for cells in table(rows, "ew")] == ["d"]


def test_one_model_over_another_at_equal_bits(rows):
    found = at_equal_bits(rows, "iw", "c", "d")
    assert (found.mean, found.low, found.places) == (pytest.approx(0.5), None, 1)
    assert at_equal_bits(rows, "ew", "c", "d") is None


def test_markdown():
    assert markdown(("a", "b"), [("1", "2")]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_what_compare_did_not_write_is_refused(tmp_path):
    for text in ("", "model,place\nc,p\n", HEAD + "c,a,1,iw,p,x,32,0.4,22,\n"):
        (tmp_path / "other.csv").write_text(text)
        with pytest.raises(InvalidArgument, match="sarcodec compare --csv"):
            read_rows(tmp_path / "other.csv")
    with pytest.raises(InvalidArgument, match="cannot read"):
        read_rows(tmp_path / "none.csv")


def test_the_columns_are_those_that_compare_writes(tmp_path):
    written = set(as_csv([]).split("\n")[0].split(","))
    from sarcodec_lab.study.comparing import compared

    assert compared._KEYS | set(compared.FIGURES) <= written

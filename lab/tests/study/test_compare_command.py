"""`sarcodec compare` with the ordinary codec alone, which needs no torch; and what it refuses."""

import pytest

from cli.shell import invoke
from sarcodec.simulate.product import simulate

pytest.importorskip("imagecodecs", reason="imagecodecs (extra bench) is not installed")
pytest.importorskip("scipy", reason="scipy (extra bench) is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    simulate(folder / "one.tif", 200, 256, bands=("VV",), seed=4)
    (folder / "index.csv").write_text("file,split,family,group\none.tif,val,sim,one\n")
    return folder


def test_the_codec_beside_jpeg2000(data, tmp_path):
    words = ["lapped32", "--data", data, "--families", "sim", "--qualities", "15,25,35", "--work", tmp_path / "work"]
    outputs = ["--report", tmp_path / "a.html", "--markdown", tmp_path / "a.md", "--csv", tmp_path / "a.csv"]
    done = invoke("compare", *words, *outputs)
    assert done.code == 0, done.stderr
    assert "lapped32: 3 files, 3 of them new" in done.stderr
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert "n = 1 place, 1 image, 1 bands" not in (tmp_path / "a.md").read_text()
    assert invoke("compare", *words, *outputs).code == 6
    again = invoke("compare", *words, *outputs, "--overwrite")
    assert again.code == 0 and "0 of them new" in again.stderr


@pytest.mark.parametrize(
    "words, said",
    [
        (["lapped32", "lapped32"], "more than once"),
        (["lapped32:best"], "aim 'best'"),
        (["lapped32", "--between", "2,1"], "rising"),
        (["lapped32", "--steps", "1,x"], "--steps"),
        (["lapped32", "--split", "test"], "split test"),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_line(words, said, data, tmp_path):
    done = invoke("compare", *words, "--data", data, "--report", tmp_path / "a.html", "--work", tmp_path / "w")
    assert done.code == 2
    assert said in done.stderr and done.stderr.count("\n") == 1


def test_no_output_takes_the_place_of_the_index_or_of_a_scene(data, tmp_path):
    before = (data / "index.csv").read_bytes()
    (tmp_path / "link.md").symlink_to(data / "one.tif")
    for outputs in (["--csv", data / "index.csv"], ["--markdown", tmp_path / "link.md"]):
        words = ["lapped32", "--data", data, "--families", "sim", "--report", tmp_path / "a.html", *outputs]
        done = invoke("compare", *words, "--work", tmp_path / "w", "--overwrite")
        assert done.code == 2 and "same file as the input" in done.stderr, done.stderr
    assert (data / "index.csv").read_bytes() == before

"""Words on the command line that nobody means: refused in one line, also where they are empty or hold line breaks."""

import os

import pytest

from cli.runs import FAST, refused


def test_an_empty_name_is_no_missing_option(here):
    pair = [here / "in.tif", here / "in.tif"]
    refused(2, "", "verify", here / "in.sarc", "--against", "")
    refused(2, "output", "evaluate", *pair, "--report", "")
    refused(2, "", "evaluate", *pair, "--report", here / "p.html", "--compressed", "")
    refused(4, "model", "compress", here / "in.tif", here / "o.sarc", "--model", "", *FAST)
    assert sorted(os.listdir(here)) == ["in.sarc", "in.tif"]


@pytest.mark.parametrize("word", ["--odd\nword", "odd\nword", "\x1b[31m"])
def test_a_word_with_a_line_break_is_refused_in_one_line(here, word):
    about = "there is no option" if word.startswith("--") else "unrecognized"
    refused(2, about, "compress", here / "in.tif", here / "o.sarc", word)
    refused(4, "odd", "compress", here / "in.tif", here / "o.sarc", "--model", "odd\x1b[31m", *FAST)


@pytest.mark.parametrize("size", ["999999999999", "9" * 40, "3000000000"])
def test_a_simulated_scene_has_the_size_of_a_raster(here, size):
    refused(2, "at most", "simulate", here / "s.tif", "--size", size, "8")


def test_what_a_library_says_itself_is_not_shown(here):
    (here / "damaged.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    refused(3, "HDF5", "compress", here / "damaged.h5", here / "o.sarc")

"""Wrong names, formats, windows and bands: one line that says what to do, and nothing is written."""

import os

import pytest

import sarcodec
from cli.runs import refused
from cli.shell import invoke
from sarcodec.errors import InvalidArgument, NotSarcodec, UnreadableScene

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")


WRONG = [
    ("compress", "in.sarc", "o.sarc", 3, "sarcodec decompress"),
    ("compress", "text", "o.sarc", 3, "text file"),
    ("compress", "empty", "o.sarc", 3, "empty"),
    ("compress", "none.tif", "o.sarc", 2, "is not there"),
    ("compress", ".", "o.sarc", 2, "folder"),
    ("compress", "A.SAFE", "o.sarc", 2, "measurement/vv.tiff"),
    ("compress", "in.tif", "o.tif", 2, ".sarc"),
    ("decompress", "in.tif", "o.tif", 5, "sarcodec compress"),
    ("decompress", "text", "o.tif", 5, "text file"),
    ("decompress", "none.sarc", "o.tif", 2, "none.sarc"),
    ("decompress", ".", "o.tif", 2, ""),
    ("decompress", "in.sarc", "o.png", 2, ".png"),
    ("decompress", "in.sarc", "o.zarr", 2, ".zarr"),
    ("decompress", "in.sarc", "o.sarc", 2, ".sarc"),
    ("info", "in.tif", None, 5, "sarcodec compress"),
    ("info", "none.sarc", None, 2, "none.sarc"),
    ("info", ".", None, 2, ""),
    ("verify", "in.tif", None, 5, "sarcodec compress"),
    ("verify", "none.sarc", None, 2, "none.sarc"),
    ("evaluate", "in.tif", "in.sarc", 3, "sarcodec decompress"),
    ("evaluate", "in.tif", "none.tif", 2, "is not there"),
    ("evaluate", "text", "in.tif", 3, "text file"),
]


@pytest.mark.parametrize("verb, source, target, code, about", WRONG)
def test_wrong_input_ends_in_what_to_do(here, verb, source, target, code, about):
    (here / "text").write_text("hello")
    (here / "empty").write_bytes(b"")
    (here / "A.SAFE" / "measurement").mkdir(parents=True)
    (here / "A.SAFE" / "measurement" / "vv.tiff").write_bytes(b"II*\0")
    before = sorted(os.listdir(here))
    refused(code, about, verb, *[here / name for name in (source, target) if name])
    assert sorted(os.listdir(here)) == before


def test_the_same_in_python(here, monkeypatch):
    monkeypatch.chdir(here)
    for kind, about, verb, source, target in (
        (InvalidArgument, "same file", sarcodec.compress, "in.tif", "in.tif"),
        (InvalidArgument, "same file", sarcodec.decompress, "in.sarc", "./in.sarc"),
        (UnreadableScene, "decompress", sarcodec.compress, "in.sarc", "o.sarc"),
        (NotSarcodec, "compress", sarcodec.decompress, "in.tif", "o.tif"),
        (InvalidArgument, r"\.png", sarcodec.decompress, "in.sarc", "o.png"),
        (InvalidArgument, r"\.tif", sarcodec.compress, "in.tif", "o.tif"),
        (InvalidArgument, "device", sarcodec.compress, "in.tif", "/dev/null"),
        (InvalidArgument, "not there", sarcodec.compress, "none.tif", "o.sarc"),
    ):
        with pytest.raises(kind, match=about):
            verb(source, target, overwrite=True)
    assert sorted(os.listdir(here)) == ["in.sarc", "in.tif"]


def test_windows_and_bands_in_the_words_of_the_user(here):
    out = here / "o.tif"
    refused(2, "WIDTH 91", "decompress", here / "in.sarc", out, "--window", "0", "0", "91", "70")
    refused(2, "COL ROW WIDTH HEIGHT", "decompress", here / "in.sarc", out, "--window", "-1", "0", "9", "9")
    refused(2, "COL ROW WIDTH HEIGHT", "decompress", here / "in.sarc", out, "--window", "0", "0", "0", "9")
    refused(2, "no band 2", "decompress", here / "in.sarc", out, "--indexes", "2")
    for bands in ("0", "1,1", "x", ""):
        refused(2, "--exact-bands", "compress", here / "in.tif", here / "o.sarc", "--exact-bands", bands)


def test_exit_codes_of_missing_files_are_one(here):
    none = here / "none"
    for words in (["compress", none, here / "o"], ["decompress", none, here / "o"], ["info", none], ["verify", none],
                  ["verify", here / "in.sarc", "--against", none], ["evaluate", none, none],
                  ["evaluate", here / "in.tif", here / "in.tif", "--report", here / "p.html", "--compressed", none]):  # fmt: skip
        done = invoke(*words)
        assert done.code == 2 and "none" in done.stderr, (words, done.stderr)

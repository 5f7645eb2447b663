"""Attachments go in and come out whole, and never leave the folder that they are written to."""

import json
import os
import subprocess
import sys

import pytest

import sarcodec
from api.scenes import amplitude, store
from cli.shell import command, environment, invoke
from format.taken_apart import apart, together
from sarcodec.errors import CorruptFile, InvalidArgument, OutputExists

NAMED = {"annotation/iw-vv.xml": b"<product/>" * 300, "quick-look.png": bytes(range(256)), "empty": b""}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return store(tmp_path_factory.mktemp("attached") / "in.tif", amplitude(3, 40, 50), descriptions=("VV",))


@pytest.fixture(scope="module")
def packed(source):
    """Attachments by path and as bytes."""
    path = source.with_name("iw.xml")
    path.write_bytes(NAMED["annotation/iw-vv.xml"])
    target = source.with_name("x.sarc")
    sarcodec.compress(source, target, attachments={**NAMED, "annotation/iw-vv.xml": path})
    return target


def test_attachments_come_back(packed, tmp_path):
    with sarcodec.open(packed) as scene:
        assert scene.attachments == tuple(NAMED)
        assert {name: scene.attachment(name) for name in NAMED} == NAMED
        with pytest.raises(InvalidArgument, match=r"quick-look\.png"):
            scene.attachment("other")
    report = sarcodec.decompress(packed, tmp_path / "out.tif", attachments=tmp_path / "new" / "folder")
    assert report.attachments == 3
    for name, data in NAMED.items():
        assert (tmp_path / "new" / "folder" / name).read_bytes() == data
    found = sarcodec.info(packed).attachments
    assert [(a.name, a.bytes) for a in found] == [(name, len(data)) for name, data in NAMED.items()]
    assert sarcodec.verify(packed).attachments == 3


def test_pixels_are_the_same_with_attachments(packed, source):
    alone = source.with_name("alone.sarc")
    sarcodec.compress(source, alone, overwrite=True)
    with sarcodec.open(packed) as scene, sarcodec.open(alone) as other:
        assert (scene.read() == other.read()).all()


def test_several_tries_of_a_target_keep_attachments(source):
    target = source.with_name("small.sarc")
    report = sarcodec.compress(source, target, target_size=3000, attachments=NAMED, overwrite=True)
    assert 2000 < report.bytes <= 3000 and sarcodec.verify(target, against=source).attachments == 3


@pytest.mark.parametrize(
    "given", [{"../x": b""}, {"a": "/nowhere/at/all"}, {"a": 3}, {3: b""}, [("a", b"")], {"a": b"", "a/b": b""}]
)
def test_what_is_no_attachment_is_refused(source, given, tmp_path):
    with pytest.raises(InvalidArgument, match="attachment"):
        sarcodec.compress(source, tmp_path / "x.sarc", attachments=given)
    assert list(tmp_path.iterdir()) == []


def test_the_output_cannot_be_an_attachment(source):
    path = source.with_name("kept.xml")
    path.write_bytes(b"kept")
    with pytest.raises(InvalidArgument):
        sarcodec.compress(source, path, attachments={"a": path}, overwrite=True)
    assert path.read_bytes() == b"kept"


@pytest.mark.parametrize("name", ["x.sarc", "again.sarc", "out.tif", "out.tif.aux.xml", "out.tif.msk"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_no_attachment_replaces_the_file_or_the_scene(packed, source, tmp_path, name, overwrite):
    """Names of attachments come from others: one may be that of the compressed file itself, or of what is written."""
    path = tmp_path / "x.sarc"
    sarcodec.compress(source, path, attachments={name: b"another"})
    (tmp_path / "again.sarc").hardlink_to(path)
    before = path.read_bytes()
    with pytest.raises((InvalidArgument, OutputExists), match="same file as the input|both|already there"):
        sarcodec.decompress(path, tmp_path / "out.tif", attachments=tmp_path, overwrite=overwrite)
    assert path.read_bytes() == before and sorted(p.name for p in tmp_path.iterdir()) == ["again.sarc", "x.sarc"]


def test_files_that_are_there_stay_without_overwriting(packed, tmp_path):
    folder = tmp_path / "folder"
    (folder / "annotation").mkdir(parents=True)
    (folder / "annotation/iw-vv.xml").write_bytes(b"before")
    with pytest.raises(OutputExists):
        sarcodec.decompress(packed, tmp_path / "out.tif", attachments=folder)
    assert not (tmp_path / "out.tif").exists() and not (folder / "quick-look.png").exists()
    sarcodec.decompress(packed, tmp_path / "out.tif", attachments=folder, overwrite=True)
    assert (folder / "annotation/iw-vv.xml").read_bytes() == NAMED["annotation/iw-vv.xml"]


def test_links_do_not_lead_out_of_the_folder(packed, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "folder/annotation").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidArgument, match="outside"):
        sarcodec.decompress(packed, tmp_path / "out.tif", attachments=tmp_path / "folder", overwrite=True)
    assert not list((tmp_path / "elsewhere").iterdir()) and not (tmp_path / "out.tif").exists()


def test_a_file_in_the_place_of_a_folder_is_refused(packed, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/annotation").write_bytes(b"a file")
    with pytest.raises(InvalidArgument, match="annotation"):
        sarcodec.decompress(packed, tmp_path / "out.tif", attachments=tmp_path / "folder", overwrite=True)


def test_a_damaged_attachment_leaves_nothing(packed, tmp_path):
    pieces = apart(packed.read_bytes())
    pieces.attached = pieces.attached[:-1] + bytes([pieces.attached[-1] ^ 1])
    with pytest.raises(CorruptFile, match="attachment"):
        sarcodec.decompress(together(pieces), tmp_path / "out.tif", attachments=tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_attaches_lists_and_writes(source, tmp_path):
    (tmp_path / "a.xml").write_bytes(b"<a/>")
    target = tmp_path / "x.sarc"
    words = ("--attach", f"annotation/a.xml={tmp_path / 'a.xml'}", "--attach", f"b={tmp_path / 'a.xml'}")
    assert invoke("compress", source, target, *words).code == 0
    shown = invoke("info", target).stdout
    assert "2 attachments: annotation/a.xml (4 bytes), b (4 bytes)" in shown and "was asked for, effort 1" in shown
    listed = json.loads(invoke("info", target, "--json").stdout)
    assert [a["name"] for a in listed["attachments"]] == ["annotation/a.xml", "b"]
    assert listed["claims"]["asked"] == {"target": "quality", "value": 60.0, "effort": 1}
    done = invoke("decompress", target, tmp_path / "out.tif", "--attachments", tmp_path / "folder")
    assert done.code == 0 and (tmp_path / "folder/annotation/a.xml").read_bytes() == b"<a/>"
    for wrong in (("--attach", "nothing"), ("--attach", "b=x", "--attach", "b=y")):
        assert invoke("compress", source, tmp_path / "y.sarc", *wrong).code == 2


def test_a_file_goes_through_a_pipe_that_cannot_seek(source, tmp_path):
    """With attachments, which lie behind everything else."""
    path = tmp_path / "a"
    path.write_bytes(b"attached")
    words = command("compress", source, "-", "--attach", f"a={path}")
    run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    data, said = run.communicate(timeout=120)
    assert run.returncode == 0, said
    with sarcodec.open(data) as scene:
        assert scene.attachment("a") == b"attached"
    assert sys.platform == "win32" or not os.path.exists("-")

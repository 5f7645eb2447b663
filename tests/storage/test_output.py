"""An output appears whole or not at all, destroys no input, and leaves nothing."""

import os
import socket
import stat
import sys

import pytest

from sarcodec.errors import InvalidArgument, OutputExists, SarcodecError
from sarcodec.storage import Output

POSIX = pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices of POSIX")
AS_USER = pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")


def write(target, data=b"new", **options):
    with Output(target, **options) as output:
        output.part.write_bytes(data)
        output.publish()


def test_appears_whole_and_alone(tmp_path):
    with Output(tmp_path / "a.tif") as output:
        assert output.folder.parent == tmp_path and output.part.parent == output.folder
        assert output.part.suffix == ".tif" and output.path == tmp_path / "a.tif" and not output.is_stdout
        output.part.write_bytes(b"new")
        assert not output.path.exists()
        output.publish()
    assert os.listdir(tmp_path) == ["a.tif"] and (tmp_path / "a.tif").read_bytes() == b"new"


def test_without_publishing_nothing_appears(tmp_path):
    with pytest.raises(KeyError), Output(tmp_path / "a.tif") as output:
        output.part.write_bytes(b"new")
        raise KeyError
    forgotten = Output(tmp_path / "b.tif")
    forgotten.part.write_bytes(b"new")
    del forgotten
    assert os.listdir(tmp_path) == []


def test_what_is_there_stays_unless_overwriting(tmp_path):
    target = tmp_path / "a.tif"
    target.write_bytes(b"old")
    with pytest.raises(OutputExists, match="a.tif"):
        Output(target)
    write(target, overwrite=True)
    assert target.read_bytes() == b"new"


def test_what_appears_meanwhile_stays(tmp_path):
    target = tmp_path / "a.tif"
    with pytest.raises(OutputExists), Output(target) as output:
        output.part.write_bytes(b"new")
        target.write_bytes(b"theirs")
        output.publish()
    assert target.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["a.tif"]


def test_side_files_come_and_go_with_it(tmp_path):
    target = tmp_path / "a.tif"
    for name in ("a.tif", "a.tif.msk", "a.tif.aux.xml", "a.tif.txt"):
        (tmp_path / name).write_bytes(b"old")
    with Output(target, overwrite=True) as output:
        output.part.write_bytes(b"new")
        (output.folder / "x").write_bytes(b"side")
        output.publish({".aux.xml": output.folder / "x"}, [".msk", ".ovr"])
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == {
        "a.tif": b"new", "a.tif.aux.xml": b"side", "a.tif.txt": b"old",
    }  # fmt: skip


def test_a_foreign_side_file_is_an_output_that_is_there(tmp_path):
    (tmp_path / "a.tif.msk").write_bytes(b"old")
    with pytest.raises(OutputExists, match="a.tif.msk"):
        Output(tmp_path / "a.tif", sidecars=[".msk"])
    with pytest.raises(OutputExists, match="a.tif.msk"), Output(tmp_path / "a.tif") as output:
        output.part.write_bytes(b"new")
        output.publish(stale=[".msk"])
    assert os.listdir(tmp_path) == ["a.tif.msk"]


def test_a_side_file_that_is_an_input_stays(tmp_path):
    (tmp_path / "a.tif.msk").write_bytes(b"old")
    with pytest.raises(InvalidArgument, match="same file as the input"):
        Output(tmp_path / "a.tif", overwrite=True, sidecars=[".msk"], inputs=[tmp_path / "a.tif.msk"])


@pytest.mark.parametrize("broken", ["replace", "fsync"])
def test_a_failure_leaves_everything_as_it_was(tmp_path, monkeypatch, broken):
    target, calls = tmp_path / "a.tif", []
    for name in ("a.tif", "a.tif.msk", "a.tif.aux.xml"):
        (tmp_path / name).write_bytes(b"old")
    true = getattr(os, broken)

    def third_fails(*words):
        calls.append(words)
        if len(calls) == (4 if broken == "replace" else 2):
            raise OSError(28, "No space left on device")
        return true(*words)

    with pytest.raises(SarcodecError, match="disk is full"), Output(target, overwrite=True) as output:
        output.part.write_bytes(b"new")
        (output.folder / "x").write_bytes(b"side")
        monkeypatch.setattr(os, broken, third_fails)
        output.publish({".aux.xml": output.folder / "x"}, [".msk"])
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == ["a.tif", "a.tif.aux.xml", "a.tif.msk"]
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"old"}


@POSIX
@pytest.mark.parametrize("how", ["same", "dotted", "link", "link-of-link", "hard-link", "folder-link", "open"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_an_input_under_any_name_is_refused(tmp_path, monkeypatch, how, overwrite):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    original = tmp_path / "in" / "a.tif"
    original.write_bytes(b"original")
    (tmp_path / "link").symlink_to("in/a.tif")
    (tmp_path / "link2").symlink_to("link")
    (tmp_path / "folder").symlink_to("in")
    os.link(original, tmp_path / "hard")
    name = {
        "same": original, "dotted": "./in/../in/a.tif", "link": "link", "link-of-link": "link2", "hard-link": "hard",
        "folder-link": "folder/a.tif", "open": original,
    }[how]  # fmt: skip
    with open(original, "rb") as opened:
        for source, target in ((opened if how == "open" else original, name), (name, original)):
            with pytest.raises(InvalidArgument, match="same file as the input"):
                Output(target, overwrite=overwrite, inputs=["missing", b"\0", source])
    assert original.read_bytes() == b"original" and (tmp_path / "link2").is_symlink()


@pytest.mark.parametrize(
    "name", ["GTIFF_DIR:2:{}", 'NETCDF:"{}":vv', "/vsizip/{}/inside/b.tif", "/vsigzip/{}", "/vsizip/{{{}}}/b"]
)
def test_a_file_inside_a_name_of_gdal_is_an_input(tmp_path, name):
    original = tmp_path / "a.tif"
    original.write_bytes(b"original")
    with pytest.raises(InvalidArgument, match="same file as the input"):
        Output(original, overwrite=True, inputs=[name.format(original)])


def test_another_file_of_the_same_bytes_is_no_input(tmp_path):
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(b"original")
    write(tmp_path / "b.tif", overwrite=True, inputs=[tmp_path / "a.tif", "-", b"bytes", "GTIFF_DIR:1:a.tif"])
    assert (tmp_path / "b.tif").read_bytes() == b"new"


def test_an_input_that_becomes_the_output_meanwhile_stays(tmp_path):
    original, target = tmp_path / "a.tif", tmp_path / "b.tif"
    original.write_bytes(b"original")
    with pytest.raises(InvalidArgument, match="same file"), Output(target, overwrite=True, inputs=[original]) as output:
        output.part.write_bytes(b"new")
        os.link(original, target)
        output.publish()
    assert target.read_bytes() == b"original"


@POSIX
@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed_and_stays(tmp_path, there):
    far = tmp_path / "far" / "old.tif"
    far.parent.mkdir()
    if there:
        far.write_bytes(b"old")
    (tmp_path / "link").symlink_to("link2")
    (tmp_path / "link2").symlink_to("far/old.tif")
    with Output(tmp_path / "link", overwrite=there) as output:
        assert output.folder.parent == far.parent and output.path == far
        output.part.write_bytes(b"new")
        output.publish()
    assert far.read_bytes() == b"new" and os.listdir(far.parent) == ["old.tif"]
    assert (tmp_path / "link").is_symlink() and (tmp_path / "link2").is_symlink()
    with pytest.raises(OutputExists):
        Output(tmp_path / "link")


@POSIX
def test_links_to_nowhere_are_refused(tmp_path):
    (tmp_path / "a").symlink_to("none/b.tif")
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InvalidArgument, match="none does not exist.*a is a link"):
        Output(tmp_path / "a", overwrite=True)
    with pytest.raises(InvalidArgument, match="circle|symbolic links"):
        Output(tmp_path / "circle", overwrite=True)


@POSIX
def test_nothing_but_a_file_is_written(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    (tmp_path / "null").symlink_to("/dev/null")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tmp_path)  # names of sockets are short
        listening.bind("socket")
        for target, kind in (
            (tmp_path / "fifo", "pipe"), (tmp_path / "link", "pipe"), (tmp_path / "socket", "socket"), (tmp_path, "folder"),
            ("/dev/null", "device"), (tmp_path / "null", "device"), ("/dev/stdout", "stream"), ("/dev/fd/1", "stream"),
            ("/proc/self/fd/1", "stream"), ("", "folder"), (f"{tmp_path}/new/", "folder"), (".", "folder"),
            ("..", "folder"), (tmp_path / "none" / "a.tif", "does not exist"), (tmp_path / "fifo" / "a.tif", "folder"),
            (tmp_path / ("n" * 256), "too long"), ("a\0b", "null"),
        ):  # fmt: skip
            for overwrite in (False, True):
                with pytest.raises(InvalidArgument, match=kind):
                    Output(target, overwrite=overwrite)
    assert stat.S_ISFIFO(os.stat(tmp_path / "fifo").st_mode)
    assert sorted(os.listdir(tmp_path)) == ["fifo", "link", "null", "socket"]


@AS_USER
def test_protection_is_said_before_the_work(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"old")
    (tmp_path / "a.tif").chmod(0o444)
    with pytest.raises(InvalidArgument, match="protected"):
        Output(tmp_path / "a.tif", overwrite=True)
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(InvalidArgument, match="cannot be written"):
            Output(tmp_path / "b.tif")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(30, "Read-only file system")])
def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch, error):
    def refuses(*_):
        raise error

    monkeypatch.setattr(os, "mkdir", refuses)
    with pytest.raises(InvalidArgument, match=f"{tmp_path} cannot be written.*another folder"):
        Output(tmp_path / "b.tif")


@pytest.mark.parametrize("ending", [".tif", "", "." + "e" * 200])
def test_names_as_long_as_the_file_system_allows(tmp_path, ending):
    name = "n" * (255 - len(ending)) + ending
    write(tmp_path / name)
    write(tmp_path / name, b"newer", overwrite=True)
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_bytes() == b"newer"
    with Output(tmp_path / name, sidecars=[".msk"], overwrite=True) as output:
        output.part.write_bytes(b"newest")
        with pytest.raises(InvalidArgument, match="shorter name"):
            output.publish({".msk": output.part})
        output.publish(stale=[".msk"])
    assert (tmp_path / name).read_bytes() == b"newest"


@POSIX
@pytest.mark.skipif(sys.platform == "darwin", reason="the file system takes only UTF-8")
def test_names_that_are_no_text(tmp_path):
    target = os.fsencode(tmp_path) + b"/a\xff\n.tif"
    write(target)
    with pytest.raises(OutputExists) as refusal:
        Output(target)
    assert str(refusal.value).isprintable() and r"a\xff\n.tif" in str(refusal.value)


def test_space_is_asked_for(tmp_path):
    with Output(tmp_path / "a.tif") as output:
        output.require_space(1)
        with pytest.raises(SarcodecError, match="disk is full") as refusal:
            output.require_space(1 << 62)
    assert refusal.value.exit_code == 1 and os.listdir(tmp_path) == []

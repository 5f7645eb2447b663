"""Outputs of the command line: no input is destroyed, links are followed, '-' is a stream, nothing else than files is written."""

import os
import signal
import socket
import stat
import subprocess
import time

import numpy as np
import pytest
import rasterio

import sarcodec
from cli.shell import command, environment, invoke
from sarcodec.errors import InvalidArgument, NotSarcodec, UnreadableScene
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array
from sarcodec.simulate.product import simulate

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
FAST = ["--effort", "0", "--threads", "1"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A scene of one band and its compressed file."""
    folder = tmp_path_factory.mktemp("small")
    simulate(folder / "in.tif", 70, 90, bands=("VV",), seed=3)
    sarcodec.compress(folder / "in.tif", folder / "in.sarc", effort=0, threads=1)
    return folder


@pytest.fixture
def here(small, tmp_path):
    """The two in a fresh folder."""
    for name in ("in.tif", "in.sarc"):
        (tmp_path / name).write_bytes((small / name).read_bytes())
    return tmp_path


VERBS = {"compress": ("in.tif", FAST), "decompress": ("in.sarc", ["--threads", "1"])}


def run(*words, stdin=None, cwd=None, stdout=subprocess.PIPE):
    return subprocess.run(
        command(*map(os.fsdecode, map(_path, words))), input=stdin, stdout=stdout, stderr=subprocess.PIPE, env=environment(), cwd=cwd, timeout=120,
        **({} if stdin is not None else {"stdin": subprocess.DEVNULL}),
    )  # fmt: skip


def _path(word):
    return word if isinstance(word, (str, bytes, os.PathLike)) else str(word)


def refused(code, about, *words, **how):
    done = run(*words, **how)
    stderr = done.stderr.decode()
    assert done.returncode == code, stderr
    assert stderr.startswith("sarcodec: ") and stderr.count("\n") == 1 and about in stderr, stderr


@pytest.mark.parametrize("verb", VERBS)
def test_the_input_is_no_output_under_any_name(here, verb):
    name, options = VERBS[verb]
    path, before = here / name, (here / name).read_bytes()
    (here / "link").symlink_to(name)
    (here / "link2").symlink_to("link")
    os.link(path, here / "hard")
    for source, target in (
        (path, path),
        (name, f"./{name}"),
        ("link", name),
        (name, "link2"),
        (name, "hard"),
        ("hard", "link2"),
    ):
        refused(2, "same file as the input", verb, source, target, "--overwrite", *options, cwd=here)
    assert path.read_bytes() == before and (here / "hard").samefile(path) and (here / "link2").is_symlink()
    assert sorted(os.listdir(here)) == ["hard", "in.sarc", "in.tif", "link", "link2"]


def test_a_source_of_a_vrt_and_a_side_file_are_inputs(here):
    (here / "in.vrt").write_text(
        '<VRTDataset rasterXSize="90" rasterYSize="70"><VRTRasterBand dataType="UInt16" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">in.tif</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
        "</VRTRasterBand></VRTDataset>"
    )
    (here / "scene").symlink_to("in.tif")
    before = (here / "in.tif").read_bytes()
    refused(2, "same file as the input", "compress", here / "in.vrt", here / "scene", "--overwrite", *FAST)
    assert (here / "in.tif").read_bytes() == before


def test_the_input_of_a_stream_is_no_output(here):
    for verb, (name, options) in VERBS.items():
        before = (here / name).read_bytes()
        with open(here / name, "rb") as source:
            done = subprocess.run(
                command(verb, "-", here / name, "--overwrite", *options), stdin=source, capture_output=True, text=True,
                env=environment(),
            )  # fmt: skip
        assert done.returncode == 2 and "same file as the input standard input" in done.stderr
        with open(here / name, "ab") as target:
            refused(2, "which would be lost", verb, here / name, "-", *options, stdout=target)
        assert (here / name).read_bytes() == before


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_its_target_is_written(here, verb, there):
    name, options = VERBS[verb]
    far = here / "far" / "old"
    far.parent.mkdir()
    (here / "link").symlink_to("far/old")
    if there:
        far.write_bytes(b"old")
        refused(6, "already there", verb, here / name, here / "link", *options)
    done = run(verb, here / name, here / "link", *(["--overwrite"] if there else []), *options)
    assert done.returncode == 0, done.stderr
    assert (here / "link").is_symlink() and os.listdir(far.parent) == ["old"] and far.stat().st_size > 100


@pytest.mark.parametrize("verb", [*VERBS, "simulate"])
def test_nothing_but_a_file_is_written(here, verb):
    name, options = VERBS.get(verb, (None, ["--size", "64"]))
    inputs = [here / name] if name else []
    os.mkfifo(here / "fifo")
    (here / "null").symlink_to("/dev/null")
    (here / "nowhere").symlink_to("none/a")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(here / "socket"))
        for target, about in (
            ("fifo", "pipe"), ("null", "device"), ("socket", "socket"), (".", "folder"), ("nowhere", "does not exist"),
            ("none/a", "does not exist"), ("n" * 256, "too long"), ("/dev/stdout", "standard output"), ("new/", "folder"),
        ):  # fmt: skip
            where = target if target.startswith("/") else f"{here}/{target}"
            refused(2, about, verb, *inputs, where, "--overwrite", *options)
    assert stat.S_ISFIFO(os.lstat(here / "fifo").st_mode)
    assert set(os.listdir(here)) == {"in.sarc", "in.tif", "fifo", "null", "nowhere", "socket"}


def test_streams_in_and_out(here):
    before = os.listdir(here)
    packed = run("compress", "-", "-", "--json", *FAST, stdin=(here / "in.tif").read_bytes(), cwd=here)
    assert packed.returncode == 0 and packed.stdout == (here / "in.sarc").read_bytes(), packed.stderr
    assert b'"bytes": ' in packed.stderr
    back = run("decompress", "-", "-", "--threads", "1", stdin=packed.stdout, cwd=here)
    assert back.returncode == 0 and os.listdir(here) == before, back.stderr
    (here / "back.tif").write_bytes(back.stdout)
    assert run("decompress", here / "in.sarc", here / "whole.tif").returncode == 0
    np.testing.assert_array_equal(read_array(here / "back.tif")[0], read_array(here / "whole.tif")[0])
    for words in (["info", "-"], ["verify", "-", "--against", here / "in.tif", "--threads", "1"]):
        done = run(*words, "--json", stdin=packed.stdout)
        assert done.returncode == 0 and b'"path": "-"' in done.stdout, done.stderr
    done = run("evaluate", here / "in.tif", "-", "--report", here / "page.html", stdin=back.stdout)
    assert done.returncode == 0 and b"decoded: -" in done.stdout, done.stderr
    refused(2, "given twice", "evaluate", "-", "-", stdin=back.stdout)


def test_streams_that_break(here):
    refused(5, "empty", "decompress", "-", here / "o.tif", stdin=b"")
    refused(3, "standard input", "compress", "-", here / "o.sarc", stdin=b"no raster")
    for verb, (name, options) in VERBS.items():
        with open("/dev/full", "wb") as full:
            refused(1, "disk is full", verb, here / name, "-", *options, stdout=full)
    process = subprocess.Popen(
        command("decompress", here / "in.sarc", "-"), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(60) == 141
    process.stderr.close()
    assert sorted(os.listdir(here)) == ["in.sarc", "in.tif"]


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_streams_do_no_harm(here, closed):
    words = " ".join(map(str, command("compress", here / "in.tif", here / "new.sarc", *FAST)))
    done = subprocess.run(["sh", "-c", f"{words} {closed}"], capture_output=True, text=True, env=environment())
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert (here / "new.sarc").read_bytes() == (here / "in.sarc").read_bytes()
    words = " ".join(map(str, command("compress", "-", "-", *FAST)))
    done = subprocess.run(["sh", "-c", f"{words} 0<&- 1>&-"], capture_output=True, text=True, env=environment())
    assert done.returncode == 2 and "is closed" in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS)
def test_killed_runs_leave_nothing_after_the_next(here, verb):
    name, options = VERBS[verb]
    source = here / name
    if verb == "decompress":
        write_array(
            here / "big.tif", np.tile(read_array(here / "in.tif")[0], (1, 20, 15)), SceneInfo(1400, 1350, 1, "uint16")
        )
        source = here / "big.sarc"
        sarcodec.compress(here / "big.tif", source, effort=0, quality=30)
    out = here / "out"
    out.mkdir()
    for _ in range(2):
        process = subprocess.Popen(command(verb, source, out / "new", *options), env=environment())
        until = time.monotonic() + 60
        while process.poll() is None and not os.listdir(out) and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (out / "new").unlink(missing_ok=True)
    assert run(verb, source, out / "new", *options).returncode == 0
    assert os.listdir(out) == ["new"]


def test_names_as_long_as_the_file_system_allows(here):
    scene, packed, back = (here / f"{'n' * (255 - len(end))}{end}" for end in ("a.tif", ".sarc", "b.tif"))
    os.rename(here / "in.tif", scene)
    for words in (("compress", scene, packed, *FAST), ("decompress", packed, back)):
        done = run(*words)
        assert done.returncode == 0, done.stderr
    assert len(os.listdir(here)) == 4


def test_names_that_are_no_text(here):
    odd = os.fsencode(here) + b"/\xff\n.sarc"
    done = run("compress", here / "in.tif", odd, *FAST)
    assert done.returncode == 0 and b"Traceback" not in done.stderr
    assert run("info", odd).returncode == run("info", odd, "--json").returncode == 0
    refused(6, "\\xff\\n.sarc", "compress", here / "in.tif", odd)
    os.rename(here / "in.tif", os.fsencode(here) + b"/\xff.tif")
    refused(2, "not UTF-8", "compress", os.fsencode(here) + b"/\xff.tif", here / "new.sarc")
    back = os.fsencode(here) + b"/\xff-back.tif"
    assert run("decompress", odd, back).returncode == 0 and os.path.exists(back)


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


@pytest.mark.parametrize("verb", [*VERBS, "simulate"])
def test_a_full_disk_leaves_nothing(here, verb, disk):
    name, options = VERBS.get(verb, (None, ["--size", "700"]))
    (disk / "filler").write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - (2 << 12)))
    done = run(verb, *([here / name] if name else []), disk / "new", *options)
    (said,) = done.stderr.decode().splitlines()  # not what GDAL's threads say themselves
    assert done.returncode == 1 and said.startswith("sarcodec: cannot write") and str(disk / "new") in said
    assert os.listdir(disk) == ["filler"]


@pytest.fixture
def disk(tmp_path):
    """A file system of 1 MB, where this test may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_pages_and_scenes_destroy_no_input(here):
    page = ["evaluate", here / "in.tif", here / "in.tif", "--overwrite", "--report"]
    for name in ("in.tif", "in.sarc"):
        refused(2, "same file as the input", *page, here / name, "--compressed", here / "in.sarc")
    refused(2, "both", "simulate", here / "a.tif", "--truth", here / "." / "a.tif", "--size", "64")
    assert sorted(os.listdir(here)) == ["in.sarc", "in.tif"]


def test_exit_codes_of_missing_files_are_one(here):
    none = here / "none"
    for words in (["compress", none, here / "o"], ["decompress", none, here / "o"], ["info", none], ["verify", none],
                  ["verify", here / "in.sarc", "--against", none], ["evaluate", none, none],
                  ["evaluate", here / "in.tif", here / "in.tif", "--report", here / "p.html", "--compressed", none]):  # fmt: skip
        done = invoke(*words)
        assert done.code == 2 and "none" in done.stderr, (words, done.stderr)


def test_another_description_fails_verify(here):
    with rasterio.open(here / "in.tif", "r+") as dataset:
        dataset.update_tags(OPERATOR="somebody else")
    done = invoke("verify", here / "in.sarc", "--against", here / "in.tif", "--threads", "1", "--json")
    assert done.code == 1 and "differ in what they say: tags" in done.stderr
    assert '"passed": false' in done.stdout and '"description_differences": [' in done.stdout

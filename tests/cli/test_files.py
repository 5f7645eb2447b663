"""Outputs of the command line: no input is destroyed, links are followed, nothing else than files is written, nothing half-written stays."""

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
from cli.runs import FAST, VERBS, refused, run
from cli.shell import command, environment, invoke
from sarcodec.format.scene import SceneInfo
from sarcodec.raster.geotiff import read_array, write_array

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")


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


def test_another_description_fails_verify(here):
    with rasterio.open(here / "in.tif", "r+") as dataset:
        dataset.update_tags(OPERATOR="somebody else")
    done = invoke("verify", here / "in.sarc", "--against", here / "in.tif", "--threads", "1", "--json")
    assert done.code == 1 and "differ in what they say: tags" in done.stderr
    assert '"passed": false' in done.stdout and '"description_differences": [' in done.stdout

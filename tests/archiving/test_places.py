"""Where outputs cannot be written: a read-only folder, a full disk, a folder that another archive writes to; and a source that is the target."""

import os
import subprocess
import time

import pytest

from archiving.scenes import folder_of_scenes, outputs, require_table_is_disk, rows
from cli.shell import command, environment, invoke

pytestmark = pytest.mark.slow


@pytest.fixture
def mounted(tmp_path):
    """Mounts a small file system in memory; what it gives changes it afterwards."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(*options):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", place], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("file systems can be mounted by root alone")
        return place

    yield mount
    while os.path.ismount(place):
        subprocess.run(["umount", place], check=True)


def test_a_full_disk_ends_it_with_words_and_room_lets_it_go_on(tmp_path, mounted):
    source, out = folder_of_scenes(tmp_path / "in", 60), mounted("size=240k") / "out"
    done = invoke("archive", source, out, "--workers", 2, "--effort", 0, "--quiet")
    assert done.code == 1, done.stderr
    assert "full" in done.stderr and len(done.stderr.splitlines()) < 15
    before = outputs(out)
    assert 5 < len(before) < 60
    subprocess.run(["mount", "-o", "remount,size=20m", out.parent], check=True)
    done = invoke("archive", source, out, "--workers", 2, "--effort", 0, "--quiet")
    assert (done.code, done.stderr) == (0, "")
    assert len(outputs(out)) == 60
    require_table_is_disk(out, source)


def test_a_read_only_target(tmp_path, mounted):
    source, out = folder_of_scenes(tmp_path / "in", 2), mounted("size=1m,ro")
    done = invoke("archive", source, out)
    assert (done.code, done.stderr) == (
        2,
        f"sarcodec: cannot write to {out} (Read-only file system); take another folder\n",
    )
    done = invoke("archive", source, out / "new")
    assert done.code == 2 and "cannot make the folder" in done.stderr


def test_a_read_only_archive_can_be_read_again_and_restored(tmp_path, mounted):
    source, out = folder_of_scenes(tmp_path / "in", 2), mounted("size=5m")
    assert invoke("archive", source, out).code == 0
    subprocess.run(["mount", "-o", "remount,ro", out], check=True)
    assert invoke("archive", "--verify", out).code == 0
    assert invoke("archive", "--restore", out, tmp_path / "back").code == 0


def test_a_target_that_is_a_file(tmp_path):
    source = folder_of_scenes(tmp_path / "in", 1)
    (tmp_path / "out").write_bytes(b"")
    done = invoke("archive", source, tmp_path / "out")
    assert done.code == 2 and "is a file; expected the name of a folder" in done.stderr


def test_two_archives_at_once_onto_one_folder(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 40), tmp_path / "out"
    words = command("archive", source, out, "--workers", 2, "--quiet")
    first = subprocess.Popen(words, env=environment(), stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while not outputs(out) and time.monotonic() < end:
        time.sleep(0.02)
    others = [command("archive", source, out), command("archive", source, out, "--shard", "1/2")]
    others = [subprocess.Popen(words, env=environment(), stderr=subprocess.PIPE, text=True) for words in others]
    for other in others:
        _, stderr = other.communicate(timeout=60)
        assert other.returncode == 2
        assert f"another archive is writing to {out} (process {first.pid} on " in stderr
    _, stderr = first.communicate(timeout=120)
    assert (first.returncode, stderr) == (0, b"")
    require_table_is_disk(out, source)


def test_two_shards_at_once(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 20), tmp_path / "out"
    runs = [
        subprocess.Popen(
            command("archive", source, out, "--workers", 1, "--shard", f"{number}/2", "--quiet"),
            env=environment(),
            stderr=subprocess.PIPE,
        )
        for number in (1, 2)
    ]
    for run in runs:
        _, stderr = run.communicate(timeout=120)
        assert (run.returncode, stderr) == (0, b"")
    tables = [rows(out, f"archive-{number}-of-2.sqlite") for number in (1, 2)]
    assert not set(tables[0]) & set(tables[1]) and set(tables[0]) | set(tables[1]) == outputs(out)
    assert len(outputs(out)) == 20


def test_an_archive_beside_its_sources(tmp_path):
    folder = folder_of_scenes(tmp_path / "in", 3)
    for _ in range(2):
        done = invoke("archive", folder, folder)
        assert (done.code, done.stderr) == (0, "")
    require_table_is_disk(folder, folder)

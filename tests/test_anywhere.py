"""Every verb works where nothing but the folder of the output can be written: no home, no cache, a read-only installation."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sarcodec
from api.scenes import amplitude, store

ROOT = Path(__file__).resolve().parents[1]
VERBS = (
    ("compress", "in.tif", "{out}/new.sarc", "--effort", "0"),
    ("decompress", "in.sarc", "{out}/back.tif"),
    ("info", "in.sarc"),
    ("verify", "in.sarc", "--against", "in.tif"),
    ("evaluate", "in.tif", "in.tif", "--report", "{out}/page.html"),
    ("simulate", "{out}/scene.tif", "--size", "64"),
    ("models", "list"),
    ("stac", "in.sarc", "--datetime", "2024-05-31T05:43:21Z"),
)
GUARDED = """
import errno, os, sys
allowed = os.path.realpath(sys.argv.pop(1))
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC

def refuse(path):
    if isinstance(path, (str, bytes, os.PathLike)):
        name = os.path.realpath(os.fsdecode(path))
        if not name.startswith((allowed + os.sep, "/dev/")):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), name)

def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
        refuse(arguments[0])
    elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.utime", "os.truncate", "os.symlink", "os.link"):
        refuse(arguments[0])
    elif event == "os.rename":
        refuse(arguments[0]), refuse(arguments[1])

sys.addaudithook(watch)
import runpy
sys.argv[0] = "sarcodec"
runpy.run_module("sarcodec", run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("anywhere")
    store(folder / "in.tif", amplitude(1, 60, 70), descriptions=("VV",))
    sarcodec.compress(folder / "in.tif", folder / "in.sarc", effort=0, threads=1)
    return folder


def bare() -> dict[str, str]:
    """An environment without a home."""
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": path}


def ends_well(done: subprocess.CompletedProcess) -> None:
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert all(line.startswith("sarcodec: note: ") for line in done.stderr.splitlines()), done.stderr


@pytest.mark.parametrize("words", VERBS, ids=lambda words: words[0])
def test_no_verb_writes_elsewhere(here, tmp_path, words):
    """Python itself refuses it, whoever runs the test."""
    words = [word.format(out=tmp_path) for word in words]
    ends_well(
        subprocess.run(
            [sys.executable, "-c", GUARDED, tmp_path, *words], cwd=here, env=bare(), capture_output=True, text=True
        )
    )


def test_the_guard_refuses(here, tmp_path):
    """A test that cannot fail shows nothing."""
    words = ["compress", "in.tif", here / "elsewhere.sarc"]
    done = subprocess.run(
        [sys.executable, "-c", GUARDED, tmp_path, *words], cwd=here, env=bare(), capture_output=True, text=True
    )
    assert done.returncode == 2 and "elsewhere.sarc" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def read_only(tmp_path):
    """Words that run a command where every file system but that of /dev/shm is read-only."""
    if not shutil.which("unshare") or not os.path.isdir("/dev/shm"):
        pytest.skip("needs unshare and /dev/shm")
    made = "mount -t tmpfs none /dev/shm && mount --bind / / && mount -o remount,bind,ro /"
    words = ["unshare", "-m", "sh", "-c", f'{made} && touch {tmp_path} 2>/dev/null; test $? -ne 0 && exec "$@"', "sh"]
    if subprocess.run([*words, "true"], capture_output=True).returncode:
        pytest.skip("needs the right to mount file systems")
    return words


def test_a_read_only_system_without_a_home(here, read_only):
    """As in a container: GDAL and the C library too."""
    steps = [
        " ".join([sys.executable, "-m", "sarcodec", *words]).format(out="/dev/shm")
        for words in VERBS
    ]  # fmt: skip
    ends_well(
        subprocess.run(
            [*read_only, "sh", "-e", "-c", "\n".join(steps)], cwd=here, env=bare(), capture_output=True, text=True
        )
    )

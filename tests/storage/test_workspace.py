"""Temporary folders of dead processes go; those of living ones stay."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sarcodec.storage import Output, workspace
from sarcodec.storage.workspace import Workspace

pytestmark = pytest.mark.skipif(workspace.fcntl is None, reason="no locks: nothing is cleared")

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import sys
from sarcodec.storage import Output
output = Output(sys.argv[1])
output.part.write_bytes(bytes(1000))
print("ready", flush=True)
sys.stdin.read()
"""


def holder(target):
    """A process that has begun to write `target`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert process.stdout.readline() == b"ready\n"
    return process


def end(process, how):
    with process:
        getattr(process, how)()


def test_what_a_killed_process_leaves_goes_at_the_next_output(tmp_path):
    dead, alive = holder(tmp_path / "a.tif"), holder(tmp_path / "b.tif")
    end(dead, "kill")
    assert len(os.listdir(tmp_path)) == 2
    with Output(tmp_path / "c.tif"):
        assert len(os.listdir(tmp_path)) == 2
    assert len(os.listdir(tmp_path)) == 1
    end(alive, "kill")
    Output(tmp_path / "c.tif").close()
    assert os.listdir(tmp_path) == []


def test_an_output_of_this_process_stays(tmp_path):
    with Output(tmp_path / "a.tif") as first, Output(tmp_path / "b.tif") as second:
        assert first.folder.is_dir() and second.folder.is_dir()


def leftover(beside, lock=None, age=0.0, name=".sarcodec-0123456789ab.part"):
    folder = beside / name
    folder.mkdir()
    (folder / "part.tif").write_bytes(b"x")
    if lock is not None:
        (folder / "lock").write_bytes(lock)
        os.utime(folder / "lock", (time.time() - age,) * 2)
    os.utime(folder, (time.time() - age,) * 2)
    return folder


@pytest.mark.parametrize(
    "lock, age, goes",
    [
        (workspace._machine(), 0, True),
        (b"", 0, True),
        (b"another machine", 7200, False),  # where locks are seen by one machine alone
        (b"another machine", 100_000, True),
    ],
)
def test_what_has_no_living_owner_goes(tmp_path, lock, age, goes):
    folder = leftover(tmp_path, lock, age)
    Workspace(tmp_path).close()
    assert folder.exists() != goes


def test_a_folder_is_told_dead_at_every_step_of_its_life(tmp_path):
    (tmp_path / ".sarcodec-0123456789ab.part").mkdir()
    Workspace(tmp_path).close()
    assert os.listdir(tmp_path) == []
    living = Workspace(tmp_path)
    os.truncate(living.folder / "lock", 0)
    Workspace(tmp_path).close()
    assert os.listdir(living.folder) == ["lock"]
    living.close()


@pytest.mark.parametrize("step", ["open", "flock"])
def test_a_folder_that_is_cleared_while_it_is_made_is_made_again(tmp_path, monkeypatch, step):
    """Between two system calls a living folder looks dead."""
    owner = workspace.os if step == "open" else workspace.fcntl
    true, calls = getattr(owner, step), []

    def cleared_first(*words):
        if not calls:
            calls.append(words)
            monkeypatch.undo()
            workspace.clear_leftovers(tmp_path)
            assert os.listdir(tmp_path) == []
        return true(*words)

    monkeypatch.setattr(owner, step, cleared_first)
    made = Workspace(tmp_path)
    assert calls and os.listdir(made.folder) == ["lock"] and os.listdir(tmp_path) == [made.folder.name]
    made.close()


def test_folders_of_others_stay(tmp_path):
    names = ".sarcodec-photos.part", "sarcodec-0123456789ab.part", ".sarcodec-0123456789abc.part"
    for name in names:
        leftover(tmp_path, workspace._machine(), 100_000, name)
    (tmp_path / ".sarcodec-ba9876543210.part").write_bytes(b"a file of today")
    Workspace(tmp_path).close()
    assert len(os.listdir(tmp_path)) == 4


def test_links_are_not_followed(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "precious").write_bytes(b"x")
    (tmp_path / "far" / "lock").write_bytes(workspace._machine())
    here = tmp_path / "here"
    here.mkdir()
    (here / ".sarcodec-0123456789ab.part").symlink_to(tmp_path / "far")
    folder = leftover(here, workspace._machine(), 0, ".sarcodec-aaaaaaaaaaaa.part")
    (folder / "inside").symlink_to(tmp_path / "far")
    Workspace(here).close()
    assert os.listdir(here) == [".sarcodec-0123456789ab.part"]
    assert sorted(os.listdir(tmp_path / "far")) == ["lock", "precious"]


def test_old_files_of_earlier_versions_go(tmp_path):
    old = ".back.tif.0123456789ab.part", ".sarcodec-0123456789abcdef.part", ".sarcodec-k3_x9q2z.part"
    for name in (*old, "own.part", ".own.part"):
        (tmp_path / name).write_bytes(b"x")
    Workspace(tmp_path).close()
    assert len(os.listdir(tmp_path)) == 5
    for path in tmp_path.iterdir():
        os.utime(path, (time.time() - 100_000,) * 2)
    Workspace(tmp_path).close()
    assert sorted(os.listdir(tmp_path)) == [".own.part", "own.part"]


def test_without_locks_nothing_is_cleared(tmp_path, monkeypatch):
    def refuses(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(workspace.fcntl, "flock", refuses)
    living, dead = Workspace(tmp_path), leftover(tmp_path, workspace._machine(), 100_000)
    monkeypatch.undo()
    os.utime(living.folder, (time.time() - 100_000,) * 2)
    Workspace(tmp_path).close()  # on a machine that sees locks
    assert living.folder.exists() and not dead.exists()
    living.close()
    assert os.listdir(tmp_path) == []


def test_a_fork_that_ends_leaves_the_folder_of_its_parent(tmp_path):
    with Output(tmp_path / "a.tif") as output:
        child = os.fork()
        if not child:
            output._workspace.close()
            os._exit(0)
        os.waitpid(child, 0)
        assert output.folder.is_dir()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("how", ["terminate", "interrupt"])
def test_interrupts_leave_nothing(tmp_path, how):
    script = HOLD.replace(
        "import sys", "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))", 1
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "a.tif")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert process.stdout.readline() == b"ready\n"
    with process:
        process.send_signal(15 if how == "terminate" else 2)
    assert os.listdir(tmp_path) == []

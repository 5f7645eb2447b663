"""Archives by the workers of a real Dask cluster: the same end as with processes of our own, also where workers and the scheduler are killed."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

import sarcodec
from archiving.scenes import folder_of_scenes, outputs, require_table_is_disk, rows
from cli.shell import command, environment, invoke
from sarcodec.archiving.cluster import cluster
from sarcodec.errors import InvalidArgument

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def local():
    """A cluster of two processes; workers that are killed come back."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as found:
        yield found


def processes(local) -> list[int]:
    with local.get_client() as client:
        return list(client.run(os.getpid).values())


def test_by_the_command_line(local, tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 12, bad=(5,)), tmp_path / "out"
    done = invoke("archive", source, out, "--scheduler", local.scheduler_address, "--effort", 0)
    assert done.code == 0 and "11 of 12 scenes are done; 0 failed, 1 refused" in done.stdout
    require_table_is_disk(out, source)
    done = invoke("archive", "--verify", out, "--scheduler", local.scheduler_address)
    assert done.code == 0 and "11 of 11" in done.stdout
    done = invoke("archive", "--restore", out, tmp_path / "back", "--scheduler", local.scheduler_address)
    assert done.code == 0 and len(list((tmp_path / "back").rglob("scene-*"))) == 11


def test_workers_that_are_killed_cost_nothing_but_time(local, tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 24), tmp_path / "out"
    words = command("archive", source, out, "--scheduler", local.scheduler_address, "--effort", 0, "--quiet")
    run = subprocess.Popen(words, env=environment(), stderr=subprocess.PIPE)
    draw, end = random.Random(3), time.monotonic() + 240
    for wanted in (2, 7, 13):
        while len(outputs(out)) < wanted and run.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        assert run.poll() is None, "it ended before the last was killed"
        os.kill(draw.choice(processes(local)), signal.SIGKILL)
        local.wait_for_workers(2, timeout=60)
    _, stderr = run.communicate(timeout=240)
    assert (run.returncode, stderr) == (0, b"")
    require_table_is_disk(out, source)
    assert len(rows(out)) == 24 and sarcodec.archive(source, out, effort=0).kept == 24


def test_what_a_worker_does_not_see_is_said(local, tmp_path):
    with cluster(local.scheduler_address) as (executor, at_once):
        assert at_once == 2
        with pytest.raises(InvalidArgument, match="does not see .*none"):
            executor.require(str(tmp_path / "none"))
        executor.require(str(tmp_path))


def test_nobody_answers(tmp_path, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("sarcodec.archiving.cluster.PATIENCE_S", 1)
    from sarcodec.errors import Unreachable

    with (
        pytest.raises(Unreachable, match="no Dask scheduler answers at tcp://127.0.0.1:9"),
        cluster("tcp://127.0.0.1:9"),
    ):
        pass


def test_a_scheduler_that_is_killed_ends_the_run_with_words(tmp_path):
    pytest.importorskip("distributed")
    started = [_start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", tmp_path / "s.json")]
    try:
        while not (tmp_path / "s.json").exists():
            time.sleep(0.1)
        address = _address(tmp_path / "s.json")
        started.append(_start("dask_worker", address, "--nworkers", "2", "--nthreads", "1", "--death-timeout", "10"))
        source, out = folder_of_scenes(tmp_path / "in", 30), tmp_path / "out"
        words = command("archive", source, out, "--scheduler", address, "--effort", 0, "--quiet")
        quick = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s"}
        run = subprocess.Popen(words, env=environment() | quick, stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + 120
        while len(outputs(out)) < 4 and time.monotonic() < end and run.poll() is None:
            time.sleep(0.05)
        started[0].kill()
        _, stderr = run.communicate(timeout=120)
        assert run.returncode == 1 and "the executor takes no work any more" in stderr, stderr
        assert len(stderr.splitlines()) < 5 and "start again" in stderr
    finally:
        for process in started[::-1]:
            process.terminate()
            process.wait(30)
    done = invoke("archive", source, out, "--effort", 0, "--quiet")
    assert done.code == 0
    require_table_is_disk(out, source)
    assert len(outputs(out)) == 30


def _start(module: str, *words: object) -> subprocess.Popen:
    line = [sys.executable, "-m", f"distributed.cli.{module}", *map(str, words), "--no-dashboard"]
    return subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _address(path) -> str:
    import json

    while not path.read_text().strip().endswith("}"):
        time.sleep(0.1)
    return json.loads(path.read_text())["address"]

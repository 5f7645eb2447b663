"""Whatever is killed, and whenever: the table equals the disk, nothing is done twice, nothing is lost, nothing is left behind."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from archiving.scenes import folder_of_scenes, outputs, require_table_is_disk, rows
from cli.shell import command, environment

pytestmark = pytest.mark.slow

SCENES, KILLS, BAD = 60, 10, 30


def children(pid: int) -> list[int]:
    """Worker processes of a run: not the tracker that Python starts beside them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes()
            if b"resource_tracker" not in words:
                found.append(int(child))
    return found


def start(source: Path, out: Path) -> subprocess.Popen:
    words = command("archive", source, out, "--workers", 2, "--quiet", "--effort", 0)
    return subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def kill_somebody(process: subprocess.Popen, draw: random.Random) -> bool:
    """The run itself, one time in three, or one of its workers. True where it was the run."""
    try:
        workers = children(process.pid)
    except OSError:
        workers = []
    whole = draw.random() < 1 / 3 or not workers
    try:
        os.kill(process.pid if whole else draw.choice(workers), signal.SIGKILL)
    except ProcessLookupError:  # it was quicker
        return False
    return whole


def test_killed_again_and_again_it_comes_to_the_same_end(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", SCENES, (BAD,)), tmp_path / "out"
    draw, killed, written = random.Random(7), 0, {}
    process = start(source, out)
    end = time.monotonic() + 150
    while killed < KILLS:
        _wait_for_more(process, out, len(written) + draw.randint(1, 5))
        time.sleep(draw.uniform(0, 0.1))
        assert time.monotonic() < end
        for name in outputs(out):
            written.setdefault(name, (out / name).stat().st_mtime_ns)
        killed += 1
        if kill_somebody(process, draw) or process.poll() is not None:
            process.wait(10)
            process.stderr.close()
            process = start(source, out)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode in (0, 1), stderr
    assert len(written) < SCENES - 1, "all was done before the last was killed"
    last = start(source, out)  # what a killed worker had three times in a row is tried again
    _, stderr = last.communicate(timeout=120)
    assert last.returncode == 0, stderr
    assert len(outputs(out)) == SCENES - 1
    require_table_is_disk(out, source)
    assert [row["exit_code"] for row in rows(out).values() if row["state"] != "done"] == [3]
    again = {name for name, when in written.items() if (out / name).stat().st_mtime_ns != when}
    assert not again, f"compressed twice: {again}"


def _wait_for_more(process: subprocess.Popen, out: Path, count: int) -> None:
    end = time.monotonic() + 5
    while len(outputs(out)) < count and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)


def test_workers_end_with_a_run_that_is_killed(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 12), tmp_path / "out"
    process = start(source, out)
    workers, end = [], time.monotonic() + 30
    while (len(workers) < 2 or not outputs(out)) and time.monotonic() < end:
        workers = children(process.pid)
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert len(workers) == 2
    while any(map(_lives, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(_lives, workers))


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_an_interrupt_ends_it_and_the_next_start_goes_on(tmp_path):
    source, out = folder_of_scenes(tmp_path / "in", 24), tmp_path / "out"
    process = start(source, out)
    end = time.monotonic() + 30
    while len(outputs(out)) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.decode().strip() == "sarcodec: interrupted"
    before = rows(out)
    last = start(source, out)
    _, stderr = last.communicate(timeout=120)
    assert last.returncode == 0, stderr
    assert len(outputs(out)) == 24
    require_table_is_disk(out, source)
    after = rows(out)
    assert all(after[name]["at"] == row["at"] for name, row in before.items() if row["state"] == "done")

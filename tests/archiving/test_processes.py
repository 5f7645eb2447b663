"""Workers that die one by one, and end when they are told to."""

import os
import signal
import time
from concurrent.futures import wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import pytest

from sarcodec.archiving.processes import Processes

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Named:
    """A task's first argument."""

    target: str


def who(named: Named, pause_s: float = 0) -> int:
    time.sleep(pause_s)
    return os.getpid()


def die(named: Named) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 2])
def test_tasks_of_one_name_run_in_different_processes(workers):
    with Processes(workers) as crew:
        for number in range(6):
            name = Named(f"{number % 2}")
            first, second = crew.submit(who, name).result(), crew.submit(who, name).result()
            assert len({first, second, os.getpid()}) == 3


def test_no_more_at_once_than_were_asked_for():
    with Processes(1) as crew:
        began = time.monotonic()
        wait([crew.submit(who, Named(str(number)), 0.1) for number in range(4)])
        assert time.monotonic() - began >= 0.4


def test_a_death_costs_one_task():
    with Processes(2) as crew:
        futures = [crew.submit(die if number in (3, 7) else who, Named(str(number))) for number in range(12)]
        errors = [type(future.exception()) for future in futures]
    assert [number for number, error in enumerate(errors) if error is BrokenProcessPool] == [3, 7]
    assert errors.count(type(None)) == 10


def test_a_worker_that_died_while_it_waited_costs_nothing():
    with Processes(2) as crew:
        for _ in range(3):
            pids = {crew.submit(who, Named(str(number))).result() for number in range(8)}
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
        assert crew.submit(who, Named("last")).result() not in pids


def test_stop_ends_what_is_under_way():
    crew = Processes(2)
    pids = {crew.submit(who, Named(str(number))).result() for number in range(8)}
    crew.submit(who, Named("slow"), 60)
    time.sleep(0.2)
    began = time.monotonic()
    crew.stop()
    assert time.monotonic() - began < 5
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    with pytest.raises(RuntimeError, match="shut down"):
        crew.submit(who, Named("late"))

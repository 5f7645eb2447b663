"""Worker processes that may die one by one: each has a pool of its own, so that the death of one costs the task that it was at, and no other.

The standard pool of several processes breaks as a whole and does not say whose fault it was. Knows nothing of what is worked on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

_Done = TypeVar("_Done")
_REMEMBERED = 64  # scenes, for each worker
_LAST_S = 10


class _Lane:
    """A process, and the next one where it dies. Only for one task at a time."""

    def __init__(self) -> None:
        self.busy = False
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)

    def submit(self, task: _Task) -> Future[Any]:
        self.busy = True
        try:
            return self.pool.submit(_called, task.function, task.args)
        except BrokenProcessPool:  # It died while it waited.
            self.renew()
            return self.pool.submit(_called, task.function, task.args)

    def renew(self) -> None:
        self.pool.shutdown(wait=False)
        self._start()

    def processes(self) -> list[Any]:
        return list((getattr(self.pool, "_processes", None) or {}).values())


class _Task:
    """A call that waits for a lane. key: tasks of the same one follow each other in different processes."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.function, self.args, self.future = function, args, Future[Any]()
        self.key = getattr(args[0], "target", None) if args else None


class Processes(Executor):
    """So many tasks at once, in one process more if it is one. Tasks whose first argument has the same `target` run in different processes one after
    the other. Where a process dies, its task ends in BrokenProcessPool, and another process takes its place."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._lock = threading.RLock()
        self._lanes = [_Lane() for _ in range(max(2, workers))]
        self._last: OrderedDict[object, _Lane] = OrderedDict()  # by key: where its last task ran
        self._waiting: deque[_Task] = deque()
        self._closed = False

    def submit(self, function: Callable[..., _Done], /, *args: Any, **kwargs: Any) -> Future[_Done]:
        """As any executor; without keywords."""
        task = _Task(function, args)
        with self._lock:
            if self._closed:
                raise RuntimeError("no task can be given to processes that were shut down")
            self._waiting.append(task)
            self._feed()
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """As any executor."""
        with self._lock:
            self._closed = True
            while cancel_futures and self._waiting:
                self._waiting.popleft().future.cancel()
        for lane in self._lanes:
            lane.pool.shutdown(wait=wait, cancel_futures=cancel_futures)

    def stop(self) -> None:
        """End what is under way: processes are told to clean up and end, and are killed if they do not."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            processes = [process for lane in self._lanes for process in lane.processes()]
        for process in processes:
            with suppress(OSError, ValueError):
                process.terminate()
        for lane in self._lanes:
            lane.pool.shutdown(wait=False, cancel_futures=True)
        end = time.monotonic() + _LAST_S
        for process in processes:
            with suppress(OSError, ValueError, AssertionError):
                process.join(max(0.0, end - time.monotonic()))
                process.kill()

    def _feed(self) -> None:
        while sum(lane.busy for lane in self._lanes) < self.workers and (chosen := self._chosen()):
            task, lane = chosen
            self._waiting.remove(task)
            if task.future.set_running_or_notify_cancel():
                self._remember(task.key, lane)
                lane.submit(task).add_done_callback(partial(self._ended, lane, task))

    def _chosen(self) -> tuple[_Task, _Lane] | None:
        """The first task for which a process is free, and not the one that worked on the same scene last."""
        free = [lane for lane in self._lanes if not lane.busy]
        pairs = ((task, lane) for task in self._waiting for lane in free if self._last.get(task.key) is not lane)
        return next(pairs, None)

    def _remember(self, key: object, lane: _Lane) -> None:
        if key is not None:
            self._last.pop(key, None)
            self._last[key] = lane
        while len(self._last) > _REMEMBERED * self.workers:
            self._last.popitem(last=False)

    def _ended(self, lane: _Lane, task: _Task, inner: Future[Any]) -> None:
        error = inner.exception() if not inner.cancelled() else None
        with self._lock:
            lane.busy = False
            if isinstance(error, BrokenProcessPool) and not self._closed:
                lane.renew()
            if not self._closed:
                self._feed()
        if inner.cancelled() or error is not None:
            task.future.set_exception(error or BrokenProcessPool("the process was shut down"))
        else:
            task.future.set_result(inner.result())


def _called(function: Callable[..., _Done], args: tuple[Any, ...]) -> _Done:
    return function(*args)


def _begin() -> None:
    """In a new worker: Ctrl-C is the parent's business; an end that is asked for runs through what cleans up; and nobody outlives the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    for _ in range(_LAST_S):  # The first ends a task, whose temporary files go; the next one the wait for more.
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
    os._exit(1)

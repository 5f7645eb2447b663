"""Tiles beside each other: an ordered map over a few threads with a bounded number of tiles in flight."""

import operator
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from threadpoolctl import LibController, ThreadpoolController

from sarcodec.errors import InvalidArgument, SarcodecError

AHEAD = 2
"""How many items a thread may wait while a result is not taken."""
_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


def thread_count(threads: int | None) -> int:
    """The number of worker threads: as asked, or one a core that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        number = 0 if isinstance(threads, (bool, np.bool_)) else operator.index(threads)
    except TypeError:
        number = 0
    if number < 1:
        raise InvalidArgument(f"threads is {threads!r}, expected a whole number of 1 or more")
    return number


class Workers:
    """A pool of threads, each of which computes alone (matrix products use one thread inside)."""

    def __init__(self, threads: int | None) -> None:
        self.threads = thread_count(threads)
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="sarcodec")

    def map(self, work: Callable[[_Item], _Done], items: Iterable[_Item]) -> Iterator[_Done]:
        """work(item) for every item, in order; at most AHEAD a thread wait. The first error ends it."""
        waiting: deque[Future[_Done]] = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(_worked, work, item))
                if len(waiting) > AHEAD * self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def _worked(work: Callable[[_Item], _Done], item: _Item) -> _Done:
    """An error that was not meant for the user's eyes says at which item it happened."""
    try:
        return work(item)
    except SarcodecError:
        raise
    except Exception as error:
        error.add_note(f"sarcodec was at {item}")
        raise


class _Limit:
    """BLAS held to one thread for as long as anybody is inside, however many are: the first in sets it, the last out restores it.

    Each `threadpool_limits` restores what it found: two that overlap in time would leave BLAS as the first had set it.
    """

    def __init__(self) -> None:
        self.lock, self._inside = threading.Lock(), 0
        self._held: list[tuple[LibController, int]] = []

    def enter(self) -> int:
        """The process that entered, for `leave`."""
        with self.lock:
            if not self._inside:
                self._held = _hold()
            self._inside += 1
            return os.getpid()

    def leave(self, process: int) -> None:
        """Whoever came in before a fork has nothing to leave after it."""
        with self.lock:
            if process != os.getpid():
                return
            self._inside -= 1
            if not self._inside:
                _restore(self._held)

    def after_fork(self) -> None:
        """Nobody is inside in a forked process but the thread that forked it, which computes without the limit from here."""
        self.lock = threading.Lock()
        if self._inside:
            self._inside = 0
            _restore(self._held)


def _hold() -> list[tuple[LibController, int]]:
    """The libraries that now have one thread, and how many they had. Not those of OpenMP, where each thread has its own number."""
    held = []
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        threads = library.get_num_threads() or 1
        if threads > 1 and getattr(library, "threading_layer", None) != "openmp":
            library.set_num_threads(1)
            if library.get_num_threads() == 1:
                held.append((library, threads))
    return held


def _restore(held: list[tuple[LibController, int]]) -> None:
    """What somebody else has changed meanwhile stays as it is."""
    for library, threads in held:
        if library.get_num_threads() != 1:
            continue
        # From threadpoolctl 3.8 on only the thread that has set a number may set it again, unless it gives that up.
        give_up = getattr(library, "clear_controlling_thread", lambda force=False: None)
        give_up(force=True)
        library.set_num_threads(threads)
        give_up()


_LIMIT = _Limit()
if hasattr(os, "register_at_fork"):
    # Taken before a fork, so that no process is copied while another thread is between counting and setting.
    os.register_at_fork(
        before=lambda: _LIMIT.lock.acquire(),
        after_in_parent=lambda: _LIMIT.lock.release(),
        after_in_child=_LIMIT.after_fork,
    )


@contextmanager
def workers(threads: int | None) -> Iterator[Workers]:
    """Workers for the length of a `with`, BLAS held to one thread each."""
    pool = Workers(threads)
    process = _LIMIT.enter()
    try:
        yield pool
    finally:
        try:
            pool.close()
        finally:
            _LIMIT.leave(process)

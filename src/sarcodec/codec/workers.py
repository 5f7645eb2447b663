"""Tiles beside each other: an ordered map over a few threads with a bounded number of tiles in flight."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from sarcodec.errors import InvalidArgument


def thread_count(threads: int | None) -> int:
    """The number of worker threads: as asked, or one a core that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads < 1:
        raise InvalidArgument(f"threads is {threads}, expected 1 or more")
    return threads


class Workers:
    """A pool of threads, each of which computes alone (matrix products use one thread inside)."""

    def __init__(self, threads: int | None):
        self.threads = thread_count(threads)
        self._pool = ThreadPoolExecutor(self.threads)

    def map(self, work: Callable, items: Iterable) -> Iterator:
        """work(item) for every item, in order; at most two tiles a thread wait. The first error ends it."""
        waiting = deque()
        try:
            for item in items:
                waiting.append(self._pool.submit(work, item))
                if len(waiting) > 2 * self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self):
        self._pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def workers(threads: int | None) -> Iterator[Workers]:
    """Workers for the length of a `with`, BLAS held to one thread each."""
    with threadpool_limits(limits=1, user_api="blas"):
        pool = Workers(threads)
        try:
            yield pool
        finally:
            pool.close()

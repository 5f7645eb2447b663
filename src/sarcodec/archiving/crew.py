"""Who works: processes of our own, or an executor that was given; and a bounded number of tasks in flight, of tasks that need no more than an answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import contextmanager
from typing import TypeVar

from sarcodec.archiving.cluster import ClusterWorkers
from sarcodec.archiving.processes import Processes
from sarcodec.archiving.tasks import DIED, Answer, Job
from sarcodec.decoding.workers import thread_count
from sarcodec.errors import InvalidArgument
from sarcodec.storage.objects import is_object

AHEAD = 2
"""Scenes in flight for each worker."""
_Kept = TypeVar("_Kept")


def worker_count(workers: int | None) -> int:
    """As asked, or one a core. Raises InvalidArgument."""
    if isinstance(workers, int) and workers < 1:
        raise InvalidArgument(f"workers is {workers}; expected 1 or more scenes at once")
    return thread_count(workers)


@contextmanager
def crew(executor: Executor | None, workers: int, sees: str | os.PathLike[str]) -> Iterator[Executor]:
    """Processes of our own end with the block, at once where it ends in an error. sees: a path that workers on other machines have to see too."""
    if isinstance(executor, ClusterWorkers):
        executor.require(os.curdir if is_object(sees) else os.path.abspath(sees))
    if executor is not None:
        yield executor
        return
    own = Processes(workers)
    try:
        yield own
    except BaseException:
        own.stop()
        raise
    own.shutdown()


def answered(future: Future[Answer]) -> Answer:
    """Tasks raise nothing: what comes out of a future as an error is the end of a worker."""
    error = None if future.cancelled() else future.exception()
    if future.cancelled() or error is not None:
        said = f" ({type(error).__name__})" if error is not None else ""
        return Answer(
            code=DIED, error=f"its worker process died{said}: it was killed, or had not enough memory", again=True
        )
    return future.result()


def each(
    executor: Executor, work: Callable[[Job], Answer], jobs: Iterable[tuple[_Kept, Job]], window: int
) -> Iterator[tuple[_Kept, Answer]]:
    """What `work` answers for each job, as they come; beside each job, what is given back with its answer."""
    flying: dict[Future[Answer], _Kept] = {}
    todo = iter(jobs)
    try:
        while True:
            while len(flying) < window and (one := next(todo, None)) is not None:
                flying[executor.submit(work, one[1])] = one[0]
            if not flying:
                return
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                yield flying.pop(future), answered(future)
    finally:
        for future in flying:
            future.cancel()

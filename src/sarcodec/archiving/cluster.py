"""The workers of a Dask cluster as an executor. In: the address of its scheduler; out: an Executor, and how many tasks its workers take at once.

Needs the package distributed (the extra `dask`). Knows nothing of what is worked on.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from typing import Any, TypeVar

from sarcodec.errors import InvalidArgument, Unreachable
from sarcodec.storage.refusals import shown
from sarcodec.version import installed_version

_Done = TypeVar("_Done")
PATIENCE_S = 30


class ClusterWorkers(Executor):
    """Tasks of the workers of a client. A client that has lost its scheduler is a broken executor."""

    def __init__(self, client: Any) -> None:
        self._client = client
        # Every submission is a task of its own: Dask takes the same function of the same scene for the same result, also where it is tried again.
        self._inner = client.get_executor(pure=False)

    def submit(self, function: Callable[..., _Done], /, *args: Any, **kwargs: Any) -> Future[_Done]:
        """As any executor."""
        try:
            if self._client.status != "running":
                raise ConnectionError("the connection to the Dask scheduler is lost")
            found: Future[_Done] = self._inner.submit(function, *args, **kwargs)
        except Exception as error:
            raise BrokenExecutor(str(error)) from error
        return found

    def require(self, path: str) -> None:
        """Whether the workers that are there now can work on what lies at `path`; of those that come later their first scene tells. Raises InvalidArgument where one has
        no sarcodec or another release of it, or does not see the path."""
        try:
            answers = self._client.run(_seen, path)
        except Exception as error:
            raise InvalidArgument(
                f"a worker of the cluster cannot run sarcodec ({type(error).__name__}: {error}); install this release there: {installed_version()}"
            ) from error
        for worker, (version, sees) in answers.items():
            if version != installed_version():
                raise InvalidArgument(
                    f"the worker {worker} has sarcodec {version}, and this is {installed_version()}; install one release everywhere"
                )
            if not sees:
                raise InvalidArgument(
                    f"the worker {worker} does not see {shown(path)}; it has to be on a disk that all workers share, under this name"
                )


@contextmanager
def cluster(address: str) -> Iterator[tuple[ClusterWorkers, int]]:
    """Raises InvalidArgument where distributed is missing, Unreachable where no scheduler answers within half a minute, or one without workers."""
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise InvalidArgument(
            f"{error.name} is not installed, which a scheduler needs; pip install 'sarcodec[dask]', or '.[dask]' in a copy of the repository"
        ) from error
    for name in ("distributed", "distributed.client"):  # What goes wrong is said by the run, in a sentence.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=PATIENCE_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable(
            f"no Dask scheduler answers at {shown(address)}; check the address, tcp://HOST:8786"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError as error:
            raise Unreachable(f"the Dask scheduler at {shown(address)} has no workers; start some") from error
        yield ClusterWorkers(client), sum(client.nthreads().values())


def _seen(path: str) -> tuple[str, bool]:
    return installed_version(), os.path.exists(path)

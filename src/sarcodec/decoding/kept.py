"""Results that cost much, each made once however many threads ask for it, the youngest ones kept within a number of bytes.

The oldest goes first, however often it was asked for: in a walk over a scene a tile is asked for last when those of the row below
are asked for, and what was asked for lately is no sign of what will be. Nothing of it is copied into a forked process: there a
result that another thread was making would never come, and a lock that another thread held would never open.
"""

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
_ALL: "weakref.WeakSet[Kept[Any]]" = weakref.WeakSet()


def _one(result: object) -> int:
    return 1


class Kept(Generic[Result]):
    """The youngest results by key, whose sizes are at most `room` together. Safe for threads and forks.

    size: of a result, in the unit of `room`; without it each counts 1. A result that is larger than `room` is given, and not kept.
    """

    def __init__(self, room: int, size: Callable[[Result], int] = _one) -> None:
        self._room, self._size = room, size
        self._forget()
        _ALL.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._futures: dict[Hashable, Future[Result]] = {}
        self._sizes: OrderedDict[Hashable, int] = (
            OrderedDict()
        )  # of those that are made, in the order in which they were
        self._used = 0

    @property
    def used(self) -> int:
        """The sizes of all that is kept."""
        return self._used

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """What `make` gives, made now unless it is kept or another thread is at it. An error is not kept."""
        future, mine = self._future(key)
        if mine:
            try:
                result = make()
            except BaseException as error:
                with self._lock:
                    self._futures.pop(key, None)
                future.set_exception(error)
            else:
                future.set_result(result)
                self._keep(key, future, self._size(result))
        return future.result()

    def _future(self, key: Hashable) -> tuple[Future[Result], bool]:
        """The future of a key, and whether it is the caller who has to fulfil it."""
        with self._lock:
            future = self._futures.get(key)
            if future is not None:
                return future, False
            future = self._futures[key] = Future()
            return future, True

    def _keep(self, key: Hashable, future: Future[Result], size: int) -> None:
        with self._lock:
            if self._futures.get(key) is not future:  # forgotten by a fork while it was made
                return
            if size > self._room:
                del self._futures[key]
                return
            self._sizes[key] = size
            self._used += size
            while self._used > self._room:
                oldest, freed = self._sizes.popitem(last=False)
                self._used -= freed
                del self._futures[oldest]


def _forget_all() -> None:
    for kept in _ALL:
        kept._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)

"""Results that cost much, each made once however many threads ask for it, the most recent ones kept.

Nothing of it is copied into a forked process: there a result that another thread was making would never come, and a lock that
another thread held would never open.
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


class Kept(Generic[Result]):
    """The last `room` results by key. Safe for threads and forks."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._forget()
        _ALL.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._futures: OrderedDict[Hashable, Future[Result]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """What `make` gives, made now unless it is kept or another thread is at it. An error is not kept."""
        future, mine = self._future(key)
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:
                with self._lock:
                    self._futures.pop(key, None)
                future.set_exception(error)
        return future.result()

    def _future(self, key: Hashable) -> tuple[Future[Result], bool]:
        """The future of a key, and whether it is the caller who has to fulfil it."""
        with self._lock:
            future = self._futures.get(key)
            if future is not None:
                self._futures.move_to_end(key)
                return future, False
            future = self._futures[key] = Future()
            while len(self._futures) > self._room:
                self._futures.popitem(last=False)
            return future, True


def _forget_all() -> None:
    for kept in _ALL:
        kept._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)

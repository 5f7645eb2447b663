"""Results that cost much, each made once however many threads ask for it, the most recent ones kept within a number of bytes.

Nothing of it is copied into a forked process: there a result that another thread was making would never come, and a lock that
another thread held would never open.
"""

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")
_ALL: "weakref.WeakSet[Kept[Any]]" = weakref.WeakSet()


def _one(result: object) -> int:
    return 1


class Kept(Generic[Result]):
    """The results that were asked for last, by key, whose sizes are at most `room` together. Safe for threads and forks.

    size: of a result, in the unit of `room`; without it each counts 1. A result that is larger than `room` is given, and not kept.
    """

    def __init__(self, room: int, size: Callable[[Result], int] = _one) -> None:
        self._room, self._size = room, size
        self._forget()
        _ALL.add(self)

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._futures: OrderedDict[Hashable, Future[Result]] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}  # of those that are made
        self._used = 0

    @property
    def room(self) -> int:
        """The largest sum of sizes."""
        return self._room

    @property
    def used(self) -> int:
        """The sizes of all that is kept."""
        return self._used

    def get(self, key: Hashable, make: Callable[[], Result]) -> Result:
        """What `make` gives, made now unless it is kept or another thread is at it. An error is not kept, and is nobody's but of the
        thread that met it: the others, which may read from another place, make it themselves."""
        while True:
            future, mine = self._future(key)
            if mine:
                return self._made(key, future, make)
            if future.exception() is None:
                return future.result()

    def _made(self, key: Hashable, future: Future[Result], make: Callable[[], Result]) -> Result:
        try:
            result = make()
        except BaseException as error:
            with self._lock:
                if self._futures.get(key) is future:
                    del self._futures[key]
            future.set_exception(error)
            raise
        future.set_result(result)
        self._keep(key, future, self._size(result))
        return result

    def _future(self, key: Hashable) -> tuple[Future[Result], bool]:
        """The future of a key, and whether it is the caller who has to fulfil it."""
        with self._lock:
            future = self._futures.get(key)
            if future is not None:
                self._futures.move_to_end(key)
                return future, False
            future = self._futures[key] = Future()
            return future, True

    def _keep(self, key: Hashable, future: Future[Result], size: int) -> None:
        with self._lock:
            if self._futures.get(key) is not future:  # forgotten by a fork while it was made
                return
            room = self.room
            if size > room:
                del self._futures[key]
                return
            self._sizes[key] = size
            self._used += size
            while self._used > room:
                self._drop(next(key for key in self._futures if key in self._sizes))

    def _drop(self, key: Hashable) -> None:
        self._used -= self._sizes.pop(key)
        del self._futures[key]

    def forget(self, keys: Iterable[Hashable]) -> None:
        """Keep these no longer, whichever of them are kept."""
        with self._lock:
            for key in keys:
                if key in self._sizes:
                    self._drop(key)


def _forget_all() -> None:
    for kept in _ALL:
        kept._forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)

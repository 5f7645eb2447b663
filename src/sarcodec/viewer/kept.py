"""Arrays that were costly to make, kept within a number of bytes; who asks for one that is being made waits for it. Knows no pixels."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from numpy.typing import NDArray


class Kept:
    """room: bytes of all arrays that are kept; those that were not asked for the longest go first. Safe for threads."""

    def __init__(self, room: int) -> None:
        self._room, self._bytes = room, 0
        self._arrays: OrderedDict[Hashable, Future[NDArray[Any]]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        """The array of a key, made where it is not there. What `make` raises is raised to all who wait, and made again when it is asked again."""
        with self._lock:
            found = self._arrays.get(key)
            mine = found is None
            if found is None:
                found = self._arrays[key] = Future()
            self._arrays.move_to_end(key)
        if mine:
            self._make(key, found, make)
        return found.result()

    def _make(self, key: Hashable, place: Future[NDArray[Any]], make: Callable[[], NDArray[Any]]) -> None:
        try:
            array = make()
        except BaseException as error:
            with self._lock:
                self._arrays.pop(key, None)
            place.set_exception(error)
            return
        place.set_result(array)
        with self._lock:
            self._bytes += array.nbytes
            others = [one for one, made in self._arrays.items() if made.done() and one != key]
            while self._bytes > self._room and others:
                self._bytes -= self._arrays.pop(others.pop(0)).result().nbytes

"""Results that several owners keep together: whoever asks for one, the others have it too.

In: an owner, a key, and how much it may keep; out: a Kept, the same for all owners of that key who are alive. It holds as much as the one of them who may keep
most, so that several together never take more than each alone. When the last owner is gone, so are the results.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from sarcodec.decoding.kept import Kept, Result

_LOCK = threading.Lock()
_SHARED: WeakValueDictionary[Hashable, Shared[Any]] = WeakValueDictionary()


class Shared(Kept[Result]):
    """A Kept of several owners."""

    def __init__(self, size: Callable[[Result], int]) -> None:
        super().__init__(0, size)
        self._rooms: WeakKeyDictionary[object, int] = WeakKeyDictionary()

    def hold(self, owner: object, room: int) -> None:
        """owner: who keeps up to `room`, for as long as it lives; held weakly."""
        with self._lock:  # `room` is asked under it
            self._rooms[owner] = room

    @property
    def room(self) -> int:
        """Of the owner who may keep most."""
        return max(self._rooms.values(), default=0)


def kept_for(owner: object, key: Hashable | None, room: int, size: Callable[[Result], int]) -> Kept[Result]:
    """What `owner` keeps, together with all others who have asked with this key; alone where it is None."""
    if key is None:
        return Kept(room, size)
    with _LOCK:
        found = _SHARED.get(key)
        if found is None:
            found = _SHARED[key] = Shared(size)
        found.hold(owner, room)
        return found


def _after_fork() -> None:
    """Another thread may have held the lock."""
    global _LOCK
    _LOCK = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

"""A scene at which somebody looks, zooming and moving: what is read for reduced pictures stays, and serves those of all sides."""

from __future__ import annotations

from typing import Any

from sarcodec.api.asked import asked_window
from sarcodec.api.scene import Scene
from sarcodec.api.view import View
from sarcodec.decoding.reduced_scene import REDUCTIONS, overviews, reduced_window
from sarcodec.format.reader import FileReader

_ROOM_BYTES = 96 << 20


class LookedAt(Scene):
    """A Scene whose base payloads are read once, all of them with the first reduced picture: a page begins with one of the whole scene."""

    def __init__(self, file: FileReader, **options: Any) -> None:
        super().__init__(file, **options)
        self._overviews = overviews(self._decoder, REDUCTIONS, _ROOM_BYTES)

    def _view(self, window: object, reduce: object) -> View:
        decoder = self._overviews.get(reduce) if isinstance(reduce, int) else None
        if decoder is None:
            return super()._view(window, reduce)
        place = asked_window(window, self._info.rows, self._info.cols)
        return View(decoder, reduced_window(place, decoder.side))

"""Where pixels are read: a window of a scene as it is, or of a reduced picture of it."""

from __future__ import annotations

from dataclasses import dataclass

from sarcodec.decoding.reduced_scene import ReducedSceneDecoder, checked_reduction, reduced_window
from sarcodec.decoding.scene import SceneDecoder
from sarcodec.format.tiling import Window


@dataclass(frozen=True)
class View:
    """A decoder and a window in its pixels."""

    decoder: SceneDecoder | ReducedSceneDecoder
    window: Window


def reduced_view(decoder: SceneDecoder, window: Window, reduce: object, room: int) -> View:
    """The reduced pixels that a window of pixels touches; room: bytes of tiles that are kept. Raises InvalidArgument for what is no reduction."""
    side = checked_reduction(reduce)
    return View(ReducedSceneDecoder(decoder, side, window, room), reduced_window(window, side))

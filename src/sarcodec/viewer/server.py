"""The page of `sarcodec view`: a server of one file, and of the raster that it was made of.

In: open files; out: the page, tiles, values and profiles, on this machine alone unless told otherwise. An URL leads to no path: the page's own files are
known by name, all else is numbers. Read-only. What it takes is bounded: requests at once, bytes that are kept, cells that a request is about.

| Path | Answer |
|---|---|
| `/` and the page's files | as they are |
| `/scene.json` | what the file says of itself |
| `/tiles/KIND/BAND/SIDE/X/Y` | 256 x 256 levels of a band (from 1) in cells of SIDE x SIDE pixels: float32, little-endian, NaN for none and outside |
| `/values/ROW/COL` | pixels and levels of all bands at a place |
| `/profile/BAND/ROW/COL/ROW/COL` | levels along a line |
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from sarcodec.decoding.workers import thread_count
from sarcodec.doors.local import LOCALHOST, LocalHandler, LocalServer
from sarcodec.errors import SarcodecError
from sarcodec.viewer.profile import profile
from sarcodec.viewer.pyramid import TILE_CELLS
from sarcodec.viewer.shown import Shown

PORT = 8766
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_DATA, _JSON = "application/octet-stream", "application/json"
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
"""A browser that keeps to it asks no other host for anything."""
_MOST_DIGITS = 9
log = logging.getLogger("sarcodec.view")


class Server(LocalServer):
    """Use in a `with`, and call serve_forever. port 0: any that is free, see `server_port`. Raises OSError."""

    def __init__(self, shown: Shown, host: str = LOCALHOST, port: int = PORT, requests: int | None = None) -> None:
        self.shown, self.page = shown, _page()
        super().__init__(Handler, host, port, requests or max(2, thread_count(None)))


class Handler(LocalHandler):
    """Answers one connection."""

    server: Server

    def answer(self) -> None:
        """The page, or what it asks for."""
        name, *rest = urlsplit(self.path).path.removeprefix("/").split("/")
        if not rest and (found := self.server.page.get(name or "index.html")):
            self.send_all(*found, {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})
            return
        try:
            with self.server.turn():
                if self.has_gone():
                    self.close_connection = True
                    return
                data = self._data(name, rest)
        except (SarcodecError, OSError) as error:
            log.error("%s: %s", self.path, error)
            self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
            return
        if data is None:
            self.refuse(HTTPStatus.NOT_FOUND, "there is no such thing")
        else:
            self.send_all(data, _DATA if name == "tiles" else _JSON, {"Cache-Control": "no-store"})

    def _data(self, name: str, rest: list[str]) -> bytes | None:
        shown = self.server.shown
        kind = rest.pop(0) if name == "tiles" and rest else ""
        if not all(word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS for word in rest):
            return None
        numbers = [int(word) for word in rest]
        if name == "scene.json" and not numbers:
            return _json(shown.about)
        if name == "tiles" and len(numbers) == 4:
            band, side, x, y = numbers
            return _tile_bytes(shown.pyramid.tile(kind, band - 1, side, x, y))
        if name == "values" and len(numbers) == 2 and shown.holds(0, *numbers):
            return _json(shown.values(*numbers))
        if name == "profile" and len(numbers) == 5 and shown.holds(numbers[0] - 1, *numbers[1:]):
            band, *places = numbers
            return _json(asdict(profile(shown.pyramid, band - 1, (places[0], places[1]), (places[2], places[3]))))
        return None


def _page() -> dict[str, tuple[bytes, str]]:
    """The page's files by their names, and their media types."""
    found = (one for one in files("sarcodec.viewer").joinpath("page").iterdir() if one.is_file())
    kinds = {one.name: _KINDS.get("." + one.name.rpartition(".")[2]) for one in found}
    folder = files("sarcodec.viewer").joinpath("page")
    return {
        name: (folder.joinpath(name).read_bytes(), f"{kind}; charset=utf-8") for name, kind in kinds.items() if kind
    }


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode("ascii")


def _tile_bytes(tile: np.ndarray | None) -> bytes | None:
    """A whole tile, NaN outside the scene."""
    if tile is None:
        return None
    whole = np.full((TILE_CELLS, TILE_CELLS), np.nan, "<f4")
    whole[: tile.shape[0], : tile.shape[1]] = tile
    return whole.tobytes()

"""A folder of compressed files as a web folder of GeoTIFFs: for QGIS, GDAL (/vsicurl/), R, GeoServer, and whatever reads ranges over HTTP.

In: a folder; out: a server, on this machine alone unless told otherwise. /NAME.tif is NAME.sarc, decoded as its bytes are asked for;
/ is a list. Read-only. What it takes is bounded: requests at once, files open at once, memory of each; bytes are sent in pieces.
"""

from __future__ import annotations

import html
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from sarcodec.doors.local import LOCALHOST, LocalHandler, LocalServer
from sarcodec.doors.ranges import Unsatisfiable, wanted
from sarcodec.doors.virtual_geotiff import MASK_FILE, SIDE_FILE, VirtualGeotiff
from sarcodec.errors import InvalidArgument, SarcodecError

PORT = 8765
_PIECE_BYTES = 1 << 18
_ENDING, _COMPRESSED = ".tif", ".sarc"
_TEXT, _TIFF, _XML = "text/html; charset=utf-8", "image/tiff", "application/xml"
log = logging.getLogger("sarcodec.serve")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """requests: that are answered at once, others wait; files: that stay open; file_memory: bytes that each of them may take."""

    requests: int = 8
    files: int = 4
    file_memory: int = 256 << 20


class Folder:
    """Virtual GeoTIFFs of the compressed files below a folder, by their names as paths of an URL. Safe for threads."""

    def __init__(self, root: str | os.PathLike[str], limits: Limits) -> None:
        self._root, self._limits = Path(root).resolve(strict=True), limits
        self._open: OrderedDict[tuple[Path, bool, int, int], VirtualGeotiff] = OrderedDict()
        self._lock = threading.Lock()

    def names(self) -> Iterator[str]:
        """URL paths of all GeoTIFFs."""
        for path in sorted(self._root.rglob("*" + _COMPRESSED)):
            name = path.relative_to(self._root)
            if not any(part.startswith(".") for part in name.parts) and self._inside(path):
                yield name.with_suffix(_ENDING).as_posix()

    def find(self, name: str, kind: str) -> VirtualGeotiff | None:
        """The GeoTIFF of an URL path without its slash, or the file of its masks; None where there is none. Raises what sarcodec.open does."""
        path = self.path(name)
        if path is None:
            return None
        found = path.stat()
        key = path, kind == MASK_FILE, found.st_mtime_ns, found.st_size
        with self._lock:
            if key not in self._open:
                self._open[key] = VirtualGeotiff(path, masks=kind == MASK_FILE, memory=self._limits.file_memory)
            self._open.move_to_end(key)
            while len(self._open) > self._limits.files:
                self._open.popitem(last=False)  # closed when the last answer from it has been sent
            return self._open[key]

    def path(self, name: str) -> Path | None:
        """The compressed file of an URL path, or None where there is none: it lies in the folder behind all links; no name with a dot in front is served."""
        parts = name.split("/")
        if not name.endswith(_ENDING) or "\0" in name or "\\" in name or any(not p or p.startswith(".") for p in parts):
            return None
        path = self._root.joinpath(*parts[:-1], parts[-1].removesuffix(_ENDING) + _COMPRESSED)
        return path.resolve() if self._inside(path) else None

    def _inside(self, path: Path) -> bool:
        try:
            real = path.resolve()
        except (OSError, RuntimeError):  # links in a circle
            return False
        return real.is_relative_to(self._root) and real.is_file()


class Server(LocalServer):
    """Use in a `with`, and call serve_forever. port 0: any that is free, see `server_port`. Raises OSError."""

    def __init__(
        self, root: str | os.PathLike[str], host: str = LOCALHOST, port: int = PORT, limits: Limits = Limits()
    ) -> None:
        self.folder = Folder(root, limits)
        super().__init__(Handler, host, port, limits.requests)


class Handler(LocalHandler):
    """Answers one connection."""

    server: Server

    def answer(self) -> None:
        """A GeoTIFF, or a piece of one; a side file; the list."""
        name = unquote(urlsplit(self.path).path, errors="replace").removeprefix("/")
        try:
            if not name:
                self.send_all(self._list().encode("utf-8", "replace"), _TEXT)
                return
            kind = next((kind for kind in (SIDE_FILE, MASK_FILE) if name.endswith(_ENDING + kind)), "")
            with self.server.turn():
                tiff = self.server.folder.find(name.removesuffix(kind), kind if kind == MASK_FILE else "")
        except (SarcodecError, OSError) as error:
            if kind == MASK_FILE and isinstance(error, InvalidArgument):  # a scene without masks of single bands
                self.refuse(HTTPStatus.NOT_FOUND, str(error))
                return
            log.error("%s: %s", name, error)
            self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
            return
        if tiff is None or (kind == SIDE_FILE and tiff.side_file is None):
            self.refuse(HTTPStatus.NOT_FOUND, "there is no such file")
        elif kind == SIDE_FILE:
            self.send_all(tiff.side_file or b"", _XML)
        else:
            self._send_range(tiff)

    def _send_range(self, tiff: VirtualGeotiff) -> None:
        etag = f'"{tiff.etag}"'
        if self.headers.get("If-None-Match") == etag:
            self.head(HTTPStatus.NOT_MODIFIED, None, ETag=etag)
            return
        asked = self.headers.get("Range") if self.headers.get("If-Range") in (None, etag) else None
        try:
            place = wanted(asked, tiff.size)
        except Unsatisfiable:
            self.head(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, **{"Content-Range": f"bytes */{tiff.size}"})
            return
        whole = place is None
        place = place if place is not None else range(tiff.size)
        fields = {"Content-Type": _TIFF, "ETag": etag}
        if not whole:
            fields["Content-Range"] = f"bytes {place.start}-{place.stop - 1}/{tiff.size}"
        self._send_pieces(tiff, place, HTTPStatus.OK if whole else HTTPStatus.PARTIAL_CONTENT, fields)

    def _send_pieces(self, tiff: VirtualGeotiff, place: range, status: HTTPStatus, fields: dict[str, str]) -> None:
        """The first piece is decoded before anything is said, so that damage there has a status of its own. Damage that comes later ends
        the connection early, which is the only thing that can be said by then."""
        started = False
        for at in range(place.start, place.stop if self.command == "GET" else place.start + 1, _PIECE_BYTES):
            size = min(_PIECE_BYTES, place.stop - at) if self.command == "GET" else 0
            try:
                with self.server.turn():
                    data = tiff.read(at, size)
            except Exception as error:
                log.error("%s: %s", tiff.name, error or type(error).__name__)
                self.close_connection = True
                if not started:
                    self.refuse(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
                return
            if not started:
                self.head(status, len(place), **fields)
                started = True
            self.wfile.write(data)

    def _list(self) -> str:
        items = "".join(
            f'<li><a href="/{quote(name)}">{html.escape(name)}</a></li>' for name in self.server.folder.names()
        )
        return f"<!DOCTYPE html><title>sarcodec</title><ul>{items}</ul>\n"

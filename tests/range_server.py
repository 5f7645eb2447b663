"""A web server of bytes for tests: ranges, entity tags, and faults by command."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Served:
    """Files by path; tag: of all of them; asked: (path, range) of every request. fault: called with the number of the request from 1; gives a status, 'cut', 'whole'
    (ranges are not known), 'hang', or None."""

    files: dict[str, bytes]
    tag: str | None = '"one"'
    fault: Any = None
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Served]:
    """A server on localhost, while the block runs."""
    served = Served(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *words: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(*self._found())

        def _found(self) -> tuple[Any, ...]:
            asked = self.headers.get("Range")
            served.asked.append((self.path, asked))
            fault = served.fault(len(served.asked)) if served.fault else None
            data = served.files.get(self.path.partition("?")[0])
            if isinstance(fault, int) or data is None:
                return (fault if isinstance(fault, int) else 404), b"no"
            if served.tag and self.headers.get("If-Match", served.tag) != served.tag:
                return 412, b"other"
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
            if not wanted or fault == "whole":
                return 200, data, {}, fault == "cut"
            first, last = int(wanted[1]), min(int(wanted[2] or len(data)), len(data) - 1)
            if first >= len(data):
                return 416, b"", {"Content-Range": f"bytes */{len(data)}"}
            part = data[first : last + 1]
            return 206, part, {"Content-Range": f"bytes {first}-{last}/{len(data)}"}, fault == "cut"

        def _answer(self, status: int, body: bytes, more: dict[str, str] | None = None, cut: bool = False) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), "Accept-Ranges": "bytes", **(more or {})}.items():
                self.send_header(name, value)
            if served.tag:
                self.send_header("ETag", served.tag)
            self.send_header("Last-Modified", "Mon, 30 Nov 2026 01:00:00 GMT")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            if cut:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()

"""What servers of ours share: on this machine alone unless told otherwise, called by a name of their own, so many requests at once, and nothing to change.

In: a handler of answers; out: a server in threads. Only GET and HEAD are answered. Knows no file.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

LOCALHOST = "127.0.0.1"
_SECONDS = 60  # that a client may be silent
_OWN_NAMES = ("127.0.0.1", "localhost", "[::1]", "::1")
log = logging.getLogger("sarcodec.serve")


class LocalServer(ThreadingHTTPServer):
    """requests: that are worked at at once, others wait. port 0: any that is free, see `server_port`. Raises OSError."""

    daemon_threads = True

    def __init__(self, handler: type[LocalHandler], host: str, port: int, requests: int) -> None:
        self._busy = threading.BoundedSemaphore(requests)
        self._connections = threading.BoundedSemaphore(8 * requests)
        self._alone = host in _OWN_NAMES
        super().__init__((host, port), handler)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{self.server_address[0]!s}:{self.server_port}/"

    def is_called(self, host: str) -> bool:
        """Whether a Host header names this machine, where the server is on this machine alone: a page from elsewhere could otherwise
        have a browser read what is served, by a name of its own that leads here."""
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return not self._alone or name.lower() in _OWN_NAMES

    @contextmanager
    def turn(self) -> Iterator[None]:
        """While decoding: so many requests at once, others wait."""
        with self._busy:
            yield

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread, unless too many are connected: then nobody is listened to until one has gone."""
        self._connections.acquire()
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._connections.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """As the base class does it."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who goes away in the middle of an answer is no error."""
        log.debug("a client went away", exc_info=True)


class LocalHandler(BaseHTTPRequestHandler):
    """Answers one connection: subclasses say how, in `answer`."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "sarcodec", ""
    timeout = _SECONDS
    server: LocalServer

    def answer(self) -> None:
        """What is sent for `self.path`."""
        raise NotImplementedError

    def do_GET(self) -> None:
        """Whatever `answer` sends."""
        self._answer_own()

    def do_HEAD(self) -> None:
        """The same without its bytes."""
        self._answer_own()

    def _answer_own(self) -> None:
        if self.server.is_called(self.headers.get("Host", "")):
            self.answer()
        else:
            self.refuse(HTTPStatus.MISDIRECTED_REQUEST, "this server answers on this machine alone, by its own name")

    def has_gone(self) -> bool:
        """Whether the client has closed the connection: browsers do with what they do not want any more."""
        ready, _, _ = select.select([self.connection], [], [], 0)
        return bool(ready) and not self.connection.recv(1, socket.MSG_PEEK)

    def send_all(self, data: bytes, kind: str, fields: Mapping[str, str] = MappingProxyType({})) -> None:
        """An answer in one piece; kind: its media type."""
        self.head(HTTPStatus.OK, len(data), **{"Content-Type": kind, **fields})
        if self.command == "GET":
            self.wfile.write(data)

    def refuse(self, status: HTTPStatus, words: str) -> None:
        """A line of text."""
        data = (words + "\n").encode("utf-8", "replace")
        self.head(status, len(data), **{"Content-Type": "text/plain; charset=utf-8"})
        if self.command == "GET":
            self.wfile.write(data)

    def head(self, status: HTTPStatus, length: int | None, **fields: str) -> None:
        """The status and the fields of an answer; length None: it has no body."""
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """To the log, not to stderr."""
        log.info("%s %s", self.headers.get("Range", "") if hasattr(self, "headers") else "", format % arguments)

"""A web server that goes wrong in one way of many, from one request on, for one or for all: for tests and `benchmarks/network_faults.py`.

A Plan says what goes wrong; a Case is a plan under an address of its own, so that many run at once on one server.
"""

from __future__ import annotations

import gzip
import random
import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUSES = (301, 400, 401, 403, 404, 408, 410, 412, 416, 429, 500, 502, 503, 504, 599)
KINDS = (
    "cut", "short", "fewer", "long", "shifted", "other range", "no range", "whole", "total", "garbage", "bit", "zeros", "page", "status", "loop",
    "stall", "silent", "drip", "reset", "no http", "chunks", "packed", "no length", "replaced", "grown", "shrunk",
)  # fmt: skip
"""What may go wrong with an answer:

cut, short, fewer: less than half of it comes and the connection ends; a body of fewer bytes whose head says so, beside the range that was asked for; a smaller range, said as
such. long: more bytes than asked for. shifted: bytes of another place under the right head. other range, no range, total: a head that says another range, none, or another size of the file.
whole: the whole file. garbage, bit, zeros: as many bytes, of no sense, or one bit of them wrong. page: a page that says an error, as if all was well. status: one of STATUSES.
loop: sent to where it came from. stall, silent: nothing more comes, after half or from the start. drip: it comes slowly, but it comes. reset: the connection is reset. no http: an answer in no
protocol. chunks: in chunks, the last of which is broken. packed: compressed by gzip on the way. no length: a body that ends with the connection, early. replaced, grown, shrunk: from here on
there is another file in its place, of the same size, longer or shorter.
"""
SILENCE_S = 6.0
DATE = "Mon, 30 Nov 2026 01:00:00 GMT"


@dataclass(frozen=True)
class Plan:
    """kind: one of KINDS; first: the request from which on it goes wrong, from 1; times: how often; tag: what entity tags are ('strong', 'weak', '');
    told: whether a file that is replaced gets another tag and date; seed: of all that is drawn."""

    kind: str
    first: int
    times: int
    tag: str
    told: bool
    seed: int


def drawn(number: int, seed: int) -> Plan:
    """The plan of this number."""
    rng = random.Random(f"{seed} {number}")
    return Plan(
        KINDS[number % len(KINDS)],
        rng.choice((1, 1, 2, 2, 2, 3)),
        rng.choice((1, 1, 2, 1000)),
        rng.choice(("strong", "strong", "weak", "")),
        rng.random() < 0.5,
        rng.getrandbits(32),
    )


@dataclass
class Case:
    """A plan with the file and the one that may take its place; asked: requests so far."""

    plan: Plan
    data: bytes
    other: bytes
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self) -> int:
        with self.lock:
            self.asked += 1
            return self.asked


@dataclass
class Faulty:
    """A server that runs: address, and cases by their paths."""

    address: str = ""
    cases: dict[str, Case] = field(default_factory=dict)

    def add(self, name: str, case: Case) -> str:
        """The address of a case."""
        self.cases[f"/{name}"] = case
        return f"{self.address}/{name}"


@dataclass
class Answer:
    """What will be sent: status, what of which file, how the head describes it."""

    status: int
    body: bytes
    head: dict[str, str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    faulty: Faulty

    def log_message(self, *words: object) -> None:
        pass

    def do_GET(self) -> None:
        case = self.faulty.cases[self.path.partition("?")[0]]
        number, plan = case.next(), case.plan
        wrong = plan.first <= number < plan.first + plan.times
        replaced = plan.kind in ("replaced", "grown", "shrunk") and number >= plan.first
        data = _in_its_place(plan.kind, case) if replaced else case.data
        answer = self._right(data, plan, replaced and plan.told)
        if wrong and not replaced and answer.status == 206:
            rng = random.Random(f"{plan.seed} {number}")
            getattr(self, f"_{plan.kind.replace(' ', '_')}", self._changed)(plan.kind, answer, data, rng)
        else:
            self._send(answer)

    def _right(self, data: bytes, plan: Plan, told: bool) -> Answer:
        tag = {"strong": '"one"', "weak": 'W/"one"', "": ""}[plan.tag]
        tag = tag.replace("one", "two") if told else tag
        head = {"Last-Modified": DATE.replace("01:00", "02:00") if told else DATE, **({"ETag": tag} if tag else {})}
        if plan.tag == "strong" and self.headers.get("If-Match", tag) != tag:
            return Answer(412, b"other", head)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2]), len(data) - 1)) if asked else (0, len(data) - 1)
        if first >= len(data):
            return Answer(416, b"", {**head, "Content-Range": f"bytes */{len(data)}"})
        return Answer(206, data[first : last + 1], {**head, "Content-Range": f"bytes {first}-{last}/{len(data)}"})

    def _send(self, answer: Answer, length: int | None = None, late: bytes = b"") -> None:
        """length: what the head says, -1 for nothing."""
        self.send_response(answer.status)
        length = len(answer.body) if length is None else length
        for name, value in {**answer.head, **({"Content-Length": str(length)} if length >= 0 else {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body + late)
        if length != len(answer.body):
            self.close_connection = True

    def _changed(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        """Other bytes, or another head, in an answer that is sound as such."""
        first, last, size = map(int, re.findall(r"\d+", answer.head["Content-Range"]))
        body = bytearray(answer.body)
        fewer = rng.randrange(len(body))
        if kind == "garbage":
            body = bytearray(rng.randbytes(len(body)))
        elif kind == "zeros":
            body = bytearray(len(body))
        elif kind == "bit":
            body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
        elif kind == "shifted":
            at = rng.randrange(max(1, len(data) - len(body)))
            body = bytearray(data[at : at + len(body)]).ljust(len(body), b"\0")
        elif kind == "short":
            body = body[:fewer]
        elif kind == "fewer":
            body = body[: fewer + 1]
            answer.head["Content-Range"] = f"bytes {first}-{first + fewer}/{size}"
        elif kind == "long":
            body += rng.randbytes(rng.choice((1, 100, 70_000)))
        elif kind == "other range":
            moved = rng.choice((1, 512, size))
            answer.head["Content-Range"] = f"bytes {first + moved}-{last + moved}/{size + moved}"
        elif kind == "total":
            answer.head["Content-Range"] = f"bytes {first}-{last}/{rng.choice((last + 1, size * 2, 2**63 + 7))}"
        elif kind == "no range":
            del answer.head["Content-Range"]
        elif kind == "whole":
            answer, body = Answer(200, data, {k: v for k, v in answer.head.items() if k != "Content-Range"}), bytearray(data)  # fmt: skip
        elif kind == "page":
            answer, body = Answer(200, b"", {"Content-Type": "text/html"}), bytearray(b"<html>error</html>" * 4000)
        elif kind == "packed":
            answer.head["Content-Encoding"] = "gzip"
            body = bytearray(gzip.compress(bytes(body)))
        self._send(Answer(answer.status, bytes(body), answer.head))

    def _status(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        self._send(Answer(rng.choice(STATUSES), b"no", {}))

    def _loop(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        self._send(Answer(302, b"", {"Location": self.path}))

    def _cut(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        whole = len(answer.body)
        self._send(Answer(answer.status, answer.body[: rng.randrange(whole // 2 + 1)], answer.head), whole)

    def _no_length(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        self._send(Answer(answer.status, answer.body[: rng.randrange(len(answer.body))], {**answer.head, "Connection": "close"}), -1)  # fmt: skip

    def _stall(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        whole = len(answer.body)
        self._send(Answer(answer.status, answer.body[: whole // 2], answer.head), whole)
        self.wfile.flush()
        self._wait()

    def _silent(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        self._wait()

    def _wait(self) -> None:
        """Until the other side gives up."""
        self.close_connection = True
        self.connection.settimeout(SILENCE_S)
        with suppress(OSError):
            self.connection.recv(1)

    def _drip(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        body, part = answer.body, len(answer.body) // 10 + 1
        self._send(Answer(answer.status, body[:part], answer.head), len(body))
        for at in range(part, len(body), part):
            threading.Event().wait(0.02)
            self.wfile.write(body[at : at + part])
        self.close_connection = False

    def _reset(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        if rng.random() < 0.5:
            self.wfile.write(b"HTTP/1.1 206 Partial Content\r\nContent-Le")
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _no_http(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        self.wfile.write(rng.choice((b"220 ready\r\n", rng.randbytes(600), b"HTTP/1.1 abc\r\n\r\n")))
        self.close_connection = True

    def _chunks(self, kind: str, answer: Answer, data: bytes, rng: random.Random) -> None:
        self.send_response(206)
        for name, value in {**answer.head, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        half = answer.body[: len(answer.body) // 2]
        self.wfile.write(b"%x\r\n%s\r\n" % (len(half), half) if half else b"")
        self.wfile.write(rng.choice((b"zz\r\n", b"0\r\n\r\n", b"ffffffffffffffffff\r\n")))
        self.close_connection = True


def _in_its_place(kind: str, case: Case) -> bytes:
    if kind == "replaced":
        return case.other
    return case.data + b"more" * 20 if kind == "grown" else case.data[: len(case.data) * 3 // 4]


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that ended is what is tried here."""


@contextmanager
def faulty_server() -> Iterator[Faulty]:
    """A server on localhost, while the block runs."""
    faulty = Faulty()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"faulty": faulty}))
    faulty.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield faulty
    finally:
        server.shutdown()
        server.server_close()

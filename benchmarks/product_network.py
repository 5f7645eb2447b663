"""A window and an overview of a product over HTTP and S3: sarcodec's file beside COGs through GDAL. Called by `product_codecs.py`.

nginx serves the files, and stands before moto's S3 server, so that its log counts the requests and bytes of both in the same way. Each read is a fresh process, which says
how long it took from opening to the last pixel, the imports not counted; once straight, and once through a relay that lets every answer wait, as
a distant server does.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from large import say

NGINX = """daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;
events {{}}
http {{ log_format counted '$status $bytes_sent'; access_log {0}/access.log counted; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0};
uwsgi_temp_path {0}; scgi_temp_path {0};
server {{ listen 127.0.0.1:{1}; root {0}/files; }}
server {{ listen 127.0.0.1:{2}; location / {{ proxy_pass http://127.0.0.1:{3}; proxy_set_header Host $http_host; proxy_http_version 1.1; proxy_buffering off; }} }} }}
"""
SIDE_PX = 512
WHATS = ("window", "overview 1/8", "overview 1/16")
OURS = """
import sys, time, sarcodec, numpy, obstore
what, *names = sys.argv[1:]
import sarcodec.api.scene, sarcodec.decoding.reduced_scene, rasterio
began = time.perf_counter()
with sarcodec.open(names[0]) as scene:
    middle = scene.height // 2, scene.width // 2
    window = tuple((at, at + {side}) for at in middle)
    pixels = scene.read(window=window) if what == "window" else scene.read(reduce=int(what.partition("/")[2]))
print(time.perf_counter() - began, pixels.shape)
"""
GDALS = """
import sys, time, rasterio
from rasterio.windows import Window
what, *names = sys.argv[1:]
level = int(what.partition("/")[2] or 0).bit_length() - 2
with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_NUM_THREADS=2):
    began = time.perf_counter()
    for name in names:
        with rasterio.open(name, **({{"overview_level": level}} if level >= 0 else {{}})) as scene:
            window = Window(scene.width // 2, scene.height // 2, {side}, {side})
            pixels = scene.read(1, window=window if what == "window" else None)
    print(time.perf_counter() - began, pixels.shape)
"""
MOST_START_S = 60


@dataclass(frozen=True)
class Read:
    """One read in a fresh process. seconds: straight from the server; delayed: where every answer waits."""

    file: str
    what: str
    road: str
    requests: int
    bytes: int
    seconds: float
    delayed: float


def over_the_network(packed: Path, cogs: list[Path], delay: float, folder: Path) -> list[dict[str, object]]:
    """All reads, printed as a table. delay: seconds that each answer waits in the last column."""
    reads = []
    with ExitStack() as stack:
        http, s3, log = stack.enter_context(servers(packed, cogs, folder))
        far = {port: stack.enter_context(relayed(port, delay)) for port in (http, s3)}
        for what in WHATS:
            for road, port in (("HTTP", http), ("S3", s3)):
                for file, program, names in (("sarcodec", OURS, [packed]), ("COG, ZSTD", GDALS, cogs)):
                    reads.append(_read(file, what, road, (port, far[port]), (program, names), log))
                    say(str(reads[-1]))
    print(_table(reads, delay))
    return [asdict(read) for read in reads]


def _read(file: str, what: str, road: str, ports: tuple[int, int], how: tuple[str, list[Path]], log: Path) -> Read:
    program, paths = how
    program = program.format(side=SIDE_PX)
    seconds, before = [], counted(log)
    for port in ports:
        names = [_name(file, road, port, path) for path in paths]
        done = subprocess.run([sys.executable, "-c", program, what, *names], env=_environment(port), capture_output=True, text=True, timeout=600)  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        seconds.append(float(done.stdout.split()[0]))
        if port == ports[0]:
            requests, size = (now - then for now, then in zip(counted(log), before, strict=True))
    return Read(file, what, road, requests, size, *seconds)


def _name(file: str, road: str, port: int, path: Path) -> str:
    if road == "HTTP":
        address = f"http://127.0.0.1:{port}/{path.name}"
        return address if file == "sarcodec" else f"/vsicurl/{address}"
    return f"s3://bucket/{path.name}" if file == "sarcodec" else f"/vsis3/bucket/{path.name}"


def _environment(port: int) -> dict[str, str]:
    """Of both, for the bucket behind a port."""
    ours = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1"}
    theirs = {"AWS_S3_ENDPOINT": f"127.0.0.1:{port}", "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE"}
    return {**os.environ, **ours, **theirs, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


def counted(log: Path) -> tuple[int, int]:
    """Requests and bytes, heads of answers among them, so far."""
    time.sleep(0.3)
    lines = re.findall(r"(?m)^\d{3} (\d+)$", log.read_text())
    return len(lines), sum(map(int, lines))


@contextmanager
def servers(packed: Path, cogs: list[Path], folder: Path) -> Iterator[tuple[int, int, Path]]:
    """nginx with the files, and before a bucket with them: both ports, and the log of the requests."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        sys.exit("nginx is not installed (Debian's nginx-light)")
    root, ports = folder / "nginx", [free_port() for _ in range(3)]
    (root / "files").mkdir(parents=True)
    for path in (packed, *cogs):
        os.link(path, root / "files" / path.name)
    for above in (root, *root.parents):
        above.chmod(above.stat().st_mode | 0o055) if os.access(above, os.W_OK) else None
    (root / "conf").write_text(NGINX.format(root, *ports))
    with ExitStack() as stack:
        stack.enter_context(_started([sys.executable, "-m", "moto.server", "-p", str(ports[2])], ports[2]))
        stack.enter_context(_started([program, "-c", str(root / "conf"), "-p", str(root)], ports[1]))
        _put(ports[2], "bucket", None)
        for path in (packed, *cogs):
            _put(ports[2], f"bucket/{path.name}", path)
        yield ports[0], ports[1], root / "access.log"


def _put(port: int, name: str, path: Path | None) -> None:
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(path.stat().st_size if path else 0)}
    with ExitStack() as stack:
        body = stack.enter_context(open(path, "rb")) if path else b""
        put = urllib.request.Request(f"http://127.0.0.1:{port}/{name}", body, headers, method="PUT")
        urllib.request.urlopen(put, timeout=600).close()


def free_port() -> int:
    """Of this machine."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _started(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        began = time.monotonic()
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() - began > MOST_START_S:
                raise RuntimeError(f"{command[0]} does not answer")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def relayed(port: int, delay: float) -> Iterator[int]:
    """A port that leads to another; what is asked there arrives `delay` seconds later, and a connection takes as long to be made."""
    loop = asyncio.new_event_loop()

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, late: float) -> None:
        try:
            while data := await reader.read(1 << 16):
                await asyncio.sleep(late)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay)
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pipe(reader, back, delay), pipe(there, writer, 0), return_exceptions=True)

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


def _table(reads: list[Read], delay: float) -> str:
    lines = [f"| what | over | file | requests | MB | s | s, answers {1000 * delay:.0f} ms later |", "|---" * 7 + "|"]
    for r in reads:
        lines.append(f"| {r.what} | {r.road} | {r.file} | {r.requests} | {r.bytes / 1e6:.2f} | {r.seconds:.2f} | {r.delayed:.2f} |")  # fmt: skip
    return "\n".join(lines)

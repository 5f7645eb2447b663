"""Files on real servers: nginx (Debian's) and moto's S3, as `make test-tools` finds them. Pixels are those of the file on disk; requests and bytes are counted."""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from sarcodec.errors import InvalidArgument
from sarcodec.format.reader import FileReader

WINDOW = (slice(600, 1112), slice(900, 1412))
NGINX = """daemon off; master_process off; pid {0}/pid; error_log {0}/error.log;
events {{}}
http {{ access_log {0}/access.log; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};
server {{ listen 127.0.0.1:{1}; root {0}/files; }} }}
"""


@pytest.fixture(scope="module")
def packed() -> bytes:
    rng = np.random.default_rng(1)
    return sarcodec.encode(
        rng.gamma(5, 40, (2, 1700, 2600)).astype(np.uint16), quality=30, effort=0, domain="amplitude"
    )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server did not answer in 30 s")


@pytest.fixture(scope="module")
def nginx(packed, tmp_path_factory):
    if not (program := shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")):
        pytest.skip("nginx is not installed (Debian's nginx-light)")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    (folder / "files").mkdir()
    folder.chmod(0o755)
    (folder / "files" / "a scene.sarc").write_bytes(packed)
    (folder / "conf").write_text(NGINX.format(folder, port))
    process = subprocess.Popen([program, "-c", str(folder / "conf"), "-p", str(folder)])
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}", folder
    finally:
        process.terminate()
        process.wait(10)


def asked(folder: Path) -> list[tuple[int, int]]:
    """Status and bytes of each request so far."""
    time.sleep(0.2)
    return [(int(s), int(n)) for s, n in re.findall(r'" (\d{3}) (\d+) "', (folder / "access.log").read_text())]


def test_a_window_and_an_overview_from_nginx(nginx, packed):
    address, folder = nginx
    with sarcodec.open(packed) as scene:
        expected = scene.read(window=WINDOW), scene.read(reduce=8)
    before = len(asked(folder))
    with sarcodec.open(f"{address}/a%20scene.sarc") as scene:
        np.testing.assert_array_equal(scene.read(window=WINDOW), expected[0])
    window = asked(folder)[before:]
    assert len(window) <= 3 and {status for status, _ in window} == {206}
    with sarcodec.open(f"{address}/a%20scene.sarc") as scene:
        np.testing.assert_array_equal(scene.read(reduce=8), expected[1])
    assert len(asked(folder)) - before - len(window) <= 2


def test_nginx_tells_when_a_file_was_replaced(nginx, packed):
    address, folder = nginx
    (folder / "files" / "b.sarc").write_bytes(packed)
    with sarcodec.open(f"{address}/b.sarc") as scene:
        os.utime(folder / "files" / "b.sarc", (1, 1))  # another entity tag
        with pytest.raises(sarcodec.errors.CorruptFile, match="was replaced"):
            scene.read(window=WINDOW)


@pytest.fixture(scope="module")
def bucket(packed, tmp_path_factory):
    if importlib.util.find_spec("moto") is None or importlib.util.find_spec("flask") is None:
        pytest.skip("moto[server] is not installed (sarcodec[tools])")
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", str(port)], stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(port, process)
        for path, body in (("bucket", b""), ("bucket/deep/a.sarc", packed)):
            headers = {"Content-Type": "application/octet-stream"}  # a form, as urllib calls it, moto would take apart
            put = urllib.request.Request(f"{address}/{path}", body, headers, method="PUT")
            urllib.request.urlopen(put, timeout=60).close()
        yield address
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def credentials(bucket, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": bucket, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", ["s3://bucket/deep/a.sarc", "/vsis3/bucket/deep/a.sarc"])
def test_a_window_from_a_bucket(credentials, packed, name):
    with FileReader(name) as file, sarcodec.open(packed) as local:
        scene = sarcodec.api.scene.Scene(file)
        np.testing.assert_array_equal(scene.read(window=WINDOW), local.read(window=WINDOW))
        traffic = file.traffic
    assert traffic.requests <= 3 and traffic.rounds <= 3 and traffic.bytes < len(packed) + (1 << 16)


def test_what_is_not_in_the_bucket(credentials):
    with pytest.raises(InvalidArgument, match="is not there"):
        sarcodec.open("s3://bucket/deep/b.sarc")


def test_the_command_line_reads_a_bucket(credentials, tmp_path):
    words = ["decompress", "s3://bucket/deep/a.sarc", str(tmp_path / "a.tif"), "--reduce", "8"]
    assert subprocess.run([sys.executable, "-m", "sarcodec", *words]).returncode == 0

"""`sarcodec serve`: ranges as HTTP has them, nothing outside the folder, damage as a status or a cut answer, and GDAL's view of it."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from sarcodec.doors.ranges import Unsatisfiable, wanted
from sarcodec.doors.server import Limits, Server
from sarcodec.doors.virtual_geotiff import VirtualGeotiff
from sarcodec.raster.description import read_info

pytestmark = pytest.mark.tools
GDALINFO = shutil.which("gdalinfo")
CURL = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif"}


@pytest.fixture
def served(scene, tmp_path):
    """A server of a folder in a folder that holds other things too, and the folder."""
    folder = tmp_path / "outer" / "scenes"
    (folder / "below").mkdir(parents=True)
    shutil.copy(scene[0], folder / "a scene ü.sarc")
    shutil.copy(scene[0], folder / "below" / "b.sarc")
    shutil.copy(scene[0], folder.parent / "secret.sarc")
    (folder / ".hidden.sarc").write_bytes(scene[0].read_bytes())
    (folder / "notes.txt").write_text("private")
    (folder / "link.sarc").symlink_to(folder.parent / "secret.sarc")
    with Server(folder, port=0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server, folder
        server.shutdown()
        thread.join()


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    try:
        return answer, answer.read()
    finally:
        connection.close()


def test_ranges_are_pieces_of_the_whole(served, scene):
    server, _ = served
    with VirtualGeotiff(scene[0]) as tiff:
        whole = tiff.read(0, tiff.size)
    size = len(whole)
    answer, data = ask(server, "/below/b.tif")
    assert (answer.status, data) == (200, whole) and answer.headers["Accept-Ranges"] == "bytes"
    for header, piece in {
        "bytes=0-0": whole[:1],
        "bytes=100-70000": whole[100:70001],
        f"bytes={size - 5}-{size + 99}": whole[-5:],
        "bytes=-7": whole[-7:],
        f"bytes={size - 9}-": whole[-9:],
    }.items():
        answer, data = ask(server, "/below/b.tif", Range=header)
        assert (answer.status, data) == (206, piece), header
        first = (
            size - len(piece)
            if header[6] == "-" or int(header[6:].split("-")[0]) > 9999
            else int(header[6:].split("-")[0])
        )
        assert answer.headers["Content-Range"] == f"bytes {first}-{first + len(piece) - 1}/{size}"


def test_heads_and_conditions(served):
    server, _ = served
    answer, data = ask(server, "/below/b.tif", "HEAD")
    etag = answer.headers["ETag"]
    assert answer.status == 200 and data == b"" and int(answer.headers["Content-Length"]) > 700 * 1100 * 4
    assert ask(server, "/below/b.tif", If_None_Match=etag)[0].status == 304
    assert ask(server, "/below/b.tif", Range="bytes=0-3", If_Range=etag)[0].status == 206
    assert ask(server, "/below/b.tif", "HEAD", Range="bytes=0-3", If_Range='"other"')[0].status == 200
    answer, _ = ask(server, "/below/b.tif", Range="bytes=999999999-")
    assert answer.status == 416 and answer.headers["Content-Range"].startswith("bytes */")
    assert ask(server, "/below/b.tif", "POST")[0].status == 501


def test_the_list_names_what_is_served(served):
    answer, data = ask(served[0], "/")
    assert answer.status == 200
    assert b"below/b.tif" in data and b"/a%20scene%20%C3%BC.tif" in data
    assert b"secret" not in data and b"hidden" not in data and b"link" not in data


@pytest.mark.parametrize(
    "path",
    "/absent.tif /../secret.tif /%2e%2e/secret.tif /below/../../secret.tif /..%2fsecret.tif //secret.tif /link.tif /.hidden.tif /notes.txt"
    " /below/b.sarc /below /%00.tif /..%5csecret.tif /a%FF.tif /below/b.tif/x.tif /below/b.tif.aux.xml /below/b.tif.msk".split(),
)
def test_nothing_else_is_served(served, path):
    answer, data = ask(served[0], path)
    assert answer.status in (404, 500) and b"II" not in data[:2]
    assert answer.status == 404


def test_an_absolute_path_is_not_one_of_the_system(served):
    _, folder = served
    assert ask(served[0], f"/{folder.parent}/secret.tif")[0].status == 404


def test_only_its_own_name_is_answered_to(served):
    assert ask(served[0], "/", Host="evil.example:80")[0].status == 421
    assert ask(served[0], "/", Host="localhost:1")[0].status == 200


@pytest.mark.parametrize(
    "noise", [b"\0" * 99 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G" * 70000, b""]
)
def test_noise_does_not_stop_it(served, noise):
    server, _ = served
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        while line.recv(4096):
            pass
    assert ask(server, "/")[0].status == 200


def test_damage_is_a_status_or_a_cut_answer(served, caplog):
    server, folder = served
    data = bytearray((folder / "below" / "b.sarc").read_bytes())
    data[-200] ^= 255
    (folder / "bad.sarc").write_bytes(data)
    (folder / "text.sarc").write_bytes(b"text" * 99)
    assert ask(server, "/text.tif")[0].status == 500
    with VirtualGeotiff(folder / "bad.sarc") as tiff:
        whole, start = tiff._layout.images[0], tiff._layout.starts[0]
    damaged = start + (whole.blocks - 3) * whole.block_bytes  # of the last band, to which the last payload belongs
    answer, said = ask(server, "/bad.tif", Range=f"bytes={damaged}-{damaged + 9}")
    assert answer.status == 500 and b"checksum" in said
    with pytest.raises(http.client.IncompleteRead):
        ask(server, "/bad.tif")
    with rasterio.Env(**CURL, GDAL_HTTP_TIMEOUT="20", GDAL_HTTP_MAX_RETRY="0"):
        opened = rasterio.open(f"/vsicurl/{server.url}bad.tif")
        with opened as dataset, pytest.raises(rasterio.errors.RasterioIOError):
            dataset.read()
    assert "checksum" in caplog.text


def test_requests_wait_for_their_turn(scene, tmp_path, monkeypatch):
    shutil.copy(scene[0], tmp_path / "s.sarc")
    inside, most, read = [], [], VirtualGeotiff.read

    def counted(self, place, size):
        inside.append(1)
        most.append(len(inside))
        try:
            return read(self, place, size)
        finally:
            inside.pop()

    monkeypatch.setattr(VirtualGeotiff, "read", counted)
    with Server(tmp_path, port=0, limits=Limits(requests=2)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        jobs = [threading.Thread(target=ask, args=(server, "/s.tif")) for _ in range(8)]
        [job.start() for job in jobs], [job.join() for job in jobs]
        server.shutdown()
    assert max(most) <= 2 and len(most) >= 8


@given(st.text(max_size=30) | st.from_regex(r"bytes=[0-9]{0,5}-[0-9]{0,5}", fullmatch=True), st.integers(1, 9999))
def test_any_range_is_within_the_file_or_refused(header, size):
    try:
        found = wanted(header, size)
    except Unsatisfiable:
        return
    assert found is None or (0 <= found.start < found.stop <= size)


def test_rasterio_over_http_has_what_decompress_writes(served, scene):
    server, _ = served
    with (
        rasterio.Env(**CURL),
        rasterio.open(f"/vsicurl/{server.url}below/b.tif") as found,
        rasterio.open(scene[0].with_suffix(".back.tif")) as wanted_,
    ):
        np.testing.assert_array_equal(found.read(), scene[1])
        assert read_info(found) == read_info(wanted_)


@pytest.mark.skipif(GDALINFO is None, reason="gdalinfo is not installed: apt-get install gdal-bin")
def test_gdal_itself_reads_it(served, scene, tmp_path):
    server, _ = served
    url, environment = f"/vsicurl/{server.url}below/b.tif", {**os.environ, **CURL}

    def told(path):
        done = subprocess.run(
            [GDALINFO, "-json", "-checksum", path], env=environment, capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout)
        for key in ("description", "files"):
            found.pop(key)
        found["metadata"].pop("IMAGE_STRUCTURE")  # of compression
        for band in found["bands"]:
            band.pop("overviews", None)  # `decompress` writes none
        for stac in ("file:size", "created"):
            found.get("stac", {}).pop(stac, None)
        return found

    assert told(url) == told(str(scene[0].with_suffix(".back.tif")))
    subprocess.run(["gdal_translate", "-q", url, tmp_path / "copy.tif"], env=environment, check=True)
    with rasterio.open(tmp_path / "copy.tif") as copy:
        np.testing.assert_array_equal(copy.read(), scene[1])


def test_the_verb_serves_until_it_is_told_to_stop(scene, tmp_path):
    shutil.copy(scene[0], tmp_path / "s.sarc")
    command = [sys.executable, "-m", "sarcodec", "serve", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().split(" is at ")[1].split(";")[0]
        with rasterio.Env(**CURL), rasterio.open(f"/vsicurl/{url}s.tif") as dataset:
            assert dataset.read(1, window=rasterio.windows.Window(0, 0, 5, 5)).tolist() == scene[1][0, :5, :5].tolist()
        process.terminate()
        assert process.wait(20) == 143


def test_the_verb_refuses_what_it_cannot_serve(scene, capsys):
    from sarcodec.__main__ import main

    assert main(["serve", str(scene[0])]) == 2
    assert "is no folder" in capsys.readouterr().err

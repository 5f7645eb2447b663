"""The server of `sarcodec view`: its own page, numbers in its URLs and no path, this machine alone, work that is bounded."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from sarcodec.viewer.pyramid import TILE_CELLS
from viewer.conftest import served


def ask(server, path, method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    try:
        return answer, answer.read()
    finally:
        connection.close()


def test_the_page_is_there_and_names_nothing_elsewhere(server):
    answer, page = ask(server, "/")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "http" not in policy
    names = re.findall(r'(?:src|href)="([^"]+)"', page.decode())
    assert {"ol.js", "ol.css", "view.css", "main.js"} <= set(names)
    for name in names:
        if not name.startswith("data:"):
            assert ask(server, f"/{name}")[0].status == 200, name
    own = [name for name in server.page if name.endswith((".js", ".css", ".html")) and not name.startswith("ol.")]
    for name in own:
        text = server.page[name][0].decode().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text and "https:" not in text, name


def test_scene_json(server, pair):
    _, data = ask(server, "/scene.json")
    about = json.loads(data)
    assert (about["name"], about["original"]) == (pair[0].name, pair[1].name)
    assert (about["rows"], about["cols"], [band["name"] for band in about["bands"]]) == (700, 1100, ["VV", "VH"])
    assert about["claims"]["bands"][0]["rmse_db"] > 0 and about["bytes"] == pair[0].stat().st_size
    assert str(pair[0].parent) not in data.decode()


def test_a_tile_is_filled_up_with_nan(server):
    answer, data = ask(server, "/tiles/decoded/1/1/4/2")
    levels = np.frombuffer(data, "<f4").reshape(TILE_CELLS, TILE_CELLS)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    inside = np.isfinite(levels)
    assert inside[: 700 - 512, : 1100 - 1024].all() and inside.sum() == (700 - 512) * (1100 - 1024)


def test_values_and_profile(server):
    assert json.loads(ask(server, "/values/300/400")[1])["row"] == 300
    assert json.loads(ask(server, "/profile/2/300/400/310/420")[1])["side"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "/../../etc/passwd", "/%2e%2e/pyproject.toml", "/..%2f..%2fetc", "//etc/passwd", "/page/main.js", "/ol.js/", "/server.py",
        "/tiles", "/tiles/decoded/1/1/0", "/tiles/decoded/0/1/0/0", "/tiles/decoded/3/1/0/0", "/tiles/decoded/1/3/0/0", "/tiles/decoded/1/1/-1/0",
        "/tiles/decoded/1/1/0/99", "/tiles/decoded/1/1/0/1e1", "/tiles/decoded/1/1/0/%C2%B2", "/tiles/../1/1/0/0", "/tiles/decoded/1/1/0/9999999999",
        "/values/700/0", "/values/0/1100", "/values/1", "/profile/1/0/0/700/0", "/profile/1/0/0/0", "/profile/0/0/0/1/1", "/scene.json/1",
    ],
)  # fmt: skip
def test_what_is_not_there_is_404(server, path):
    answer, data = ask(server, path)
    assert answer.status == 404 and data == b"there is no such thing\n", path


def test_another_name_for_this_machine_is_refused(server):
    for path in ("/", "/scene.json", "/tiles/decoded/1/1/0/0"):
        assert ask(server, path, Host="evil.example")[0].status == 421
        assert ask(server, path, Host=f"localhost:{server.server_port}")[0].status == 200


def test_nothing_can_be_written(server):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(server, "/scene.json", method)[0].status == 501


def test_head_has_no_body(server):
    answer, data = ask(server, "/tiles/decoded/1/1/0/0", "HEAD")
    assert answer.status == 200 and data == b"" and int(answer.headers["Content-Length"]) == 4 * TILE_CELLS**2


def test_a_damaged_tile_is_an_error_with_words(pair, tmp_path):
    data = bytearray(pair[0].read_bytes())
    data[-3000:-2000] = bytes(1000)
    (tmp_path / "damaged.sarc").write_bytes(data)
    with served(tmp_path / "damaged.sarc") as server:
        found = [ask(server, f"/tiles/decoded/{band}/1/{x}/{y}") for band in (1, 2) for x in range(5) for y in range(3)]
    wrong = [data for answer, data in found if answer.status == 500]
    assert wrong and all(b"damaged" in data for data in wrong)
    assert {answer.status for answer, _ in found} == {200, 500}


def test_who_has_gone_costs_nothing(pair):
    """Requests that wait for their turn are dropped where the browser has closed the connection: it pans on."""
    with served(*pair, requests=1) as server:
        asked = []
        original = server.shown.pyramid.tile
        server.shown.pyramid.tile = lambda *place: asked.append(place) or original(*place)
        with server.turn():
            for x in range(5):
                with socket.create_connection(("127.0.0.1", server.server_port)) as gone:
                    gone.sendall(b"GET /tiles/decoded/1/1/%d/0 HTTP/1.1\r\nHost: localhost\r\n\r\n" % x)
                    time.sleep(0.1)
        assert ask(server, "/tiles/decoded/1/1/0/1")[0].status == 200
        assert asked == [("decoded", 0, 1, 0, 1)]


def test_many_at_once_give_the_same(server):
    found, threads = {}, []
    for number in range(24):
        place = f"/tiles/{('decoded', 'original', 'error', 'ratio')[number % 4]}/1/1/{number % 3}/{number % 2}"
        thread = threading.Thread(
            target=lambda place=place, n=number: found.update({n: (place, ask(server, place)[1])})
        )
        threads.append(thread)
        thread.start()
    for thread in threads:
        thread.join()
    for place, data in found.values():
        assert data == ask(server, place)[1], place


def test_the_verb_says_where_and_ends(pair):
    words = [sys.executable, "-m", "sarcodec", "view", *map(str, pair), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            host, port = re.search(r"shown at http://([\d.]+):(\d+)/\. Ctrl-C", line).groups()
            connection = http.client.HTTPConnection(host, int(port), timeout=60)
            connection.request("GET", "/scene.json")
            assert connection.getresponse().status == 200 and host == "127.0.0.1"
            connection.close()
            process.terminate()
            assert process.wait(30) == 143
        finally:
            process.kill()


@pytest.mark.parametrize(
    "words, said",
    [(["nowhere.sarc"], "nowhere.sarc"), (["FILE", "--port", "70000"], "the port is 70000"), (["FILE", "FILE"], "")],
)
def test_the_verb_refuses_in_one_line(pair, words, said):
    named = [str(pair[0]) if word == "FILE" else word for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "sarcodec", "view", *named], capture_output=True, text=True, timeout=60
    )
    assert done.returncode in (2, 3) and said in done.stderr and done.stderr.count("\n") == 1, done


def test_openlayers_is_that_of_its_package():
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, root / "tools/openlayers.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "OpenLayers 10.11.0" in (root / "NOTICE").read_text(encoding="utf-8")

"""Files on the network: the pixels of the file on disk, in few requests; what goes wrong there is said, and no wrong pixel comes."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sarcodec
from range_server import serving
from sarcodec.api.scene import Scene
from sarcodec.errors import CorruptFile, InvalidArgument, NotSarcodec, Unreachable
from sarcodec.format import ranged, remote
from sarcodec.format.reader import FileReader
from sarcodec.storage import objects

pytest.importorskip("obstore", reason="the extra `remote` is not installed")


@pytest.fixture(scope="module")
def packed() -> bytes:
    """Six by four tiles of two bands."""
    rng = np.random.default_rng(1)
    return sarcodec.encode(
        rng.gamma(5, 40, (2, 1700, 2600)).astype(np.uint16), quality=30, effort=0, domain="amplitude"
    )


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """No test waits long."""
    monkeypatch.setattr(objects, "RETRIES", 2)


@pytest.fixture
def server(packed):
    with serving({"/scenes/a.sarc": packed}) as served:
        yield served


def test_all_pixels_come_in_few_requests(server, packed):
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        np.testing.assert_array_equal(scene.read(), sarcodec.decode(packed))
        assert scene.name.endswith("/scenes/a.sarc")
    assert len(server.asked) <= 4


def test_a_window_takes_at_most_three_requests(server, packed):
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        window = (slice(600, 1112), slice(900, 1412))
        found = scene.read(window=window)
    assert len(server.asked) <= 3
    np.testing.assert_array_equal(found, sarcodec.decode(packed)[:, 600:1112, 900:1412])


def test_rows_that_lie_far_apart_are_asked_for_at_once(server, packed, monkeypatch):
    """As in a full scene, where a row of tiles takes megabytes: some requests, but nobody waits more than twice."""
    monkeypatch.setattr(ranged, "GAP_BYTES", 1 << 10)
    with FileReader(f"{server.address}/scenes/a.sarc") as file:
        window = (slice(600, 1112), slice(900, 1412))
        found = Scene(file).read(window=window)
        traffic = file.traffic
    np.testing.assert_array_equal(found, sarcodec.decode(packed)[:, 600:1112, 900:1412])
    assert traffic.rounds == 2 and traffic.requests == len(server.asked) and 5 <= traffic.requests <= 9


@pytest.mark.parametrize("gap", [1 << 8, 1 << 19])
def test_an_overview_of_a_part_waits_twice(server, packed, monkeypatch, gap):
    monkeypatch.setattr(ranged, "GAP_BYTES", gap)
    monkeypatch.setattr("sarcodec.decoding.base_region.FAR_GAP_BYTES", gap)
    monkeypatch.setattr(remote, "FIRST_BYTES", 5000)
    monkeypatch.setattr("sarcodec.format.reader.FIRST_BYTES", 5000)
    window = (slice(0, 1700), slice(1600, 1700))
    with FileReader(f"{server.address}/scenes/a.sarc") as file, sarcodec.open(packed) as local:
        found = Scene(file).read(window=window, reduce=8)
        np.testing.assert_array_equal(found, local.read(window=window, reduce=8))
        assert file.traffic.rounds == 2 and (file.traffic.requests == 2) == (gap == 1 << 19)


def test_blocks_of_the_index_that_a_window_needs_are_asked_for_at_once(monkeypatch):
    """Where the index is not among the first bytes: head, blocks, payloads."""
    data = (Path(__file__).parents[1] / "golden" / "v1-of-many-blocks.sarc").read_bytes()
    with FileReader(data) as file:
        head = file._places[0].offset
        assert len(file._places) == 2
    for module in ("remote", "reader"):
        monkeypatch.setattr(f"sarcodec.format.{module}.FIRST_BYTES", head)
    with serving({"/a": data}) as server, FileReader(f"{server.address}/a") as file:
        np.testing.assert_array_equal(Scene(file).read(), sarcodec.decode(data))
        assert file.traffic.rounds == 3


def test_an_overview_takes_at_most_two(server, packed):
    with sarcodec.open(packed) as scene:
        expected = scene.read(reduce=8)
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        np.testing.assert_array_equal(scene.read(reduce=8), expected)
    assert len(server.asked) <= 2


def test_opening_takes_one(server):
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        assert scene.shape == (1700, 2600)
    assert server.asked == [("/scenes/a.sarc", "bytes=0-65535")]


def test_gdals_name_and_a_signed_address(server, packed):
    with FileReader(f"/vsicurl/{server.address}/scenes/a.sarc?sig=a%2Fb&x=1") as file:
        assert file.size == len(packed) and "sig" not in file.name
    assert server.asked[0][0] == "/scenes/a.sarc?sig=a%2Fb&x=1"


def test_a_pickle_opens_the_address_again(server):
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene, pickle.loads(pickle.dumps(scene)) as again:
        window = (slice(0, 9), slice(0, 9))
        np.testing.assert_array_equal(again.read(window=window), scene.read(window=window))


def test_verify_takes_few_requests(server):
    report = sarcodec.verify(f"{server.address}/scenes/a.sarc")
    assert report.passed and report.tiles == 48 and len(server.asked) <= 3


def test_large_files_are_fetched_in_parts(server, packed, monkeypatch):
    monkeypatch.setattr("sarcodec.decoding.scene.AHEAD_BYTES", 200_000)
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        np.testing.assert_array_equal(scene.read(), sarcodec.decode(packed))
    assert 6 < len(server.asked) < 40
    server.asked.clear()
    assert sarcodec.verify(f"{server.address}/scenes/a.sarc").passed
    assert 3 < len(server.asked) < 16


def test_the_command_line_reads_addresses(server, tmp_path):
    name = f"{server.address}/scenes/a.sarc"
    run = lambda *words: subprocess.run([sys.executable, "-m", "sarcodec", *words], capture_output=True, text=True)
    told = run("info", "--json", name)
    assert told.returncode == 0 and "2600" in told.stdout
    assert run("decompress", name, str(tmp_path / "back.tif"), "--window", "0", "0", "40", "30").returncode == 0
    assert run("verify", name).returncode == 0
    missing = run("info", f"{server.address}/scenes/b.sarc")
    assert missing.returncode == 2 and "is not there" in missing.stderr and len(missing.stderr.splitlines()) == 1


def test_what_may_pass_is_tried_again(server):
    server.fault = lambda n: 503 if n < 3 else None
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        assert scene.count == 2
    assert len(server.asked) == 3


def test_a_server_that_stays_ill_is_named(server):
    server.fault = lambda n: 500
    with pytest.raises(Unreachable, match="could not be read, after 2 retries"):
        sarcodec.open(f"{server.address}/scenes/a.sarc")


def test_no_server(server):
    with pytest.raises(Unreachable, match="could not be read"):
        sarcodec.open("http://127.0.0.1:9/a.sarc")


def test_an_answer_that_is_cut_short_is_never_taken(server, packed):
    server.fault = lambda n: "cut" if n == 2 else None
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        np.testing.assert_array_equal(scene.read(), sarcodec.decode(packed))
    server.fault, server.asked = (lambda n: "cut" if n > 1 else None), []
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene, pytest.raises(Unreachable):
        scene.read()


@pytest.mark.parametrize("tag", ['"two"', 'W/"weak"', None])
def test_a_file_that_is_replaced_is_noticed(server, packed, tag):
    """By its entity tag, a weak one too, or by its size where there is none."""
    server.tag = '"one"' if tag else None
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene:
        server.tag = tag
        server.files["/scenes/a.sarc"] = packed + (b"" if tag else b"longer")
        with pytest.raises(CorruptFile, match="was replaced while it was open"):
            scene.read(window=(slice(0, 9), slice(0, 9)))


def test_a_server_without_ranges_is_named(server):
    server.fault = lambda n: "whole"
    with pytest.raises(Unreachable, match="gives no ranges"):
        sarcodec.open(f"{server.address}/scenes/a.sarc")


@pytest.mark.parametrize("status, words", [(404, "is not there"), (403, "may not be read"), (401, "may not be read")])
def test_refusals_say_what_to_do(server, status, words):
    server.fault = lambda n: status
    with pytest.raises(InvalidArgument, match=words):
        sarcodec.open(f"{server.address}/scenes/a.sarc")


def test_other_files_are_told(server):
    server.files["/scenes/a.sarc"] = b"II*\0" + bytes(100)
    with pytest.raises(NotSarcodec):
        sarcodec.open(f"{server.address}/scenes/a.sarc")


def test_a_damaged_payload_is_refused(server, packed):
    damaged = bytearray(packed)
    damaged[-2000] ^= 1
    server.files["/scenes/a.sarc"] = bytes(damaged)
    with sarcodec.open(f"{server.address}/scenes/a.sarc") as scene, pytest.raises(CorruptFile, match="checksum"):
        scene.read()


def test_a_bucket_without_a_file_in_it():
    with pytest.raises(InvalidArgument, match="names a bucket"):
        sarcodec.open("s3://bucket")


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(InvalidArgument, match=r"sarcodec\[remote\]"):
        sarcodec.open("https://example.org/a.sarc")


@pytest.mark.parametrize("name", ["https", "a/http://b", "s3:/x", "/vsizip/a.zip/b", "ftp://a/b", "http:///a"])
def test_names_of_files_are_no_addresses(name):
    assert objects.address_of(name) is None

"""Scenes from buckets and outputs into them, against moto's S3: nothing half-written, the same end after kills, few requests."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
import urllib.request

import pytest

import sarcodec
from api.scenes import amplitude, store
from archiving.scenes import folder_of_scenes, rows
from cli.shell import command, environment, invoke
from doors.test_remote_servers import bucket, credentials, packed  # noqa: F401  # fixtures
from products.small_safe import make_product
from sarcodec.archiving.places import BucketPlace
from sarcodec.archiving.records import bring
from sarcodec.errors import CorruptFile, FormatError, InvalidArgument, OutputExists
from sarcodec.format.reader import FileReader
from sarcodec.storage import objects
from sarcodec.storage.fetched import fetched

pytestmark = [pytest.mark.tools, pytest.mark.usefixtures("credentials")]


def put_folder(folder, address):
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        objects.put(path, f"{address}/{path.relative_to(folder).as_posix()}", overwrite=True)


def names(address):
    return sorted(one.address[len(address) + 1 :] for one in objects.listed(address))


@pytest.fixture
def scene(tmp_path):
    return store(tmp_path / "a.tif", amplitude(1, 64, 64))


def test_compress_from_and_into_a_bucket(scene, tmp_path):
    objects.put(scene, "s3://bucket/one/a.tif", overwrite=True)
    words = ("compress", "s3://bucket/one/a.tif", "s3://bucket/one/a.sarc")
    done = invoke(*words)
    assert done.code == 0, done.stderr
    sarcodec.compress(scene, tmp_path / "a.sarc")
    with FileReader("s3://bucket/one/a.sarc") as there, FileReader(tmp_path / "a.sarc") as here:
        assert there.head_digest == here.head_digest and there.size == here.size
    assert invoke(*words).code == 6 and invoke(*words, "--overwrite").code == 0
    assert sarcodec.verify("s3://bucket/one/a.sarc", against="s3://bucket/one/a.tif").passed
    done = invoke("compress", scene, "s3://bucket/one/")
    assert done.code == 2 and "expected the name of an object" in done.stderr
    done = invoke("compress", "s3://bucket/one/none.tif", tmp_path / "b.sarc")
    assert (done.code, done.stderr) == (2, "sarcodec: s3://bucket/one/none.tif is not there; check the address\n")
    assert sorted(os.listdir(tmp_path)) == ["a.sarc", "a.tif"]


def test_an_address_without_an_archive_is_refused(tmp_path):
    for words in (("--verify", "s3://bucket/slip"), ("--restore", "s3://bucket/slip", tmp_path / "back")):
        done = invoke("archive", *words)
        assert done.code == 2 and "s3://bucket/slip holds neither a table nor an output" in done.stderr
    assert not (tmp_path / "back").exists()


def test_an_error_names_the_address_and_not_the_copy(tmp_path):
    (tmp_path / "no.tif").write_bytes(b"this is no scene")
    objects.put(tmp_path / "no.tif", "s3://bucket/one/no.tif", overwrite=True)
    done = invoke("compress", "s3://bucket/one/no.tif", tmp_path / "b.sarc")
    assert done.code == 3 and done.stderr.startswith("sarcodec: cannot open s3://bucket/one/no.tif: it is a text file")
    assert ".sarcodec-" not in done.stderr
    done = invoke("decompress", "s3://bucket/deep/a.sarc", "s3://bucket/deep/a.tif")
    assert done.code == 2 and "only compressed files are put" in done.stderr


def test_what_is_there_is_not_replaced_and_what_is_changed_is_noticed(scene, tmp_path):
    objects.put(scene, "s3://bucket/two/a.tif", overwrite=False)
    with pytest.raises(OutputExists):
        objects.put(scene, "s3://bucket/two/a.tif", overwrite=False)
    first = objects.found("s3://bucket/two/a.tif")
    assert first.size == scene.stat().st_size and objects.found("s3://bucket/two/b.tif") is None
    objects.remove("s3://bucket/two/a.tif")
    objects.remove("s3://bucket/two/a.tif")
    assert not names("s3://bucket/two")


def test_a_large_object_goes_in_parts_and_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(objects, "_AT_ONCE", 1 << 20)
    monkeypatch.setattr(objects, "_PART", 5 << 20)
    data = os.urandom(11 << 20)
    (tmp_path / "large").write_bytes(data)
    objects.put(tmp_path / "large", "s3://bucket/large", overwrite=False)
    with pytest.raises(OutputExists):
        objects.put(tmp_path / "large", "s3://bucket/large", overwrite=False)
    with fetched("s3://bucket/large", tmp_path) as copy:
        assert copy.name == "large" and copy.read_bytes() == data
    assert os.listdir(tmp_path) == ["large"]


def test_an_answer_that_is_cut_is_fetched_on(tmp_path):
    from range_server import serving

    data = os.urandom(3 << 20)
    with serving({"/a": data}) as server:
        server.fault = lambda number: "cut" if number == 1 else None
        objects.fetch(f"{server.address}/a", tmp_path / "a")
        assert (tmp_path / "a").read_bytes() == data and len(server.asked) == 2


@pytest.mark.parametrize("large", [False, True])
def test_an_upload_that_is_killed_leaves_nothing_that_reads_as_whole(tmp_path, monkeypatch, large):
    """Killed at many moments: the object is whole, or not there, or at least no file that can be opened."""
    (tmp_path / "x").write_bytes(os.urandom(24 << 20))
    size = "1 << 20" if large else "64 << 20"
    code = (
        "import sys, pathlib\nfrom sarcodec.storage import objects\n"
        f"objects._AT_ONCE, objects._PART = {size}, 5 << 20\nprint('go', flush=True)\n"
        "objects.put(pathlib.Path(sys.argv[1]), 's3://bucket/cut/x', overwrite=True)\n"
    )
    import sys

    for pause in (0.0, 0.02, 0.05, 0.1, 0.2):
        process = subprocess.Popen(
            [sys.executable, "-c", code, tmp_path / "x"], env=environment(), stdout=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        there = objects.found("s3://bucket/cut/x")
        assert there is None or there.size == 24 << 20
        objects.remove("s3://bucket/cut/x")


def test_half_a_file_in_a_bucket_is_no_output(scene, tmp_path):
    sarcodec.compress(scene, tmp_path / "a.sarc")
    (tmp_path / "half.sarc").write_bytes((tmp_path / "a.sarc").read_bytes()[:-100])
    objects.put(tmp_path / "half.sarc", "s3://bucket/half/out/a.sarc", overwrite=True)
    objects.put(scene, "s3://bucket/half/in/a.tif", overwrite=True)
    with pytest.raises(FormatError):
        sarcodec.verify("s3://bucket/half/out/a.sarc")
    report = sarcodec.archive("s3://bucket/half/in", "s3://bucket/half/out", table=tmp_path / "t", workers=1)
    assert report.failed == 1 and "already there, and not what would be made" in report.problems[0].error


def test_an_archive_from_bucket_to_bucket(tmp_path):
    source = folder_of_scenes(tmp_path / "in", 5, bad=(3,))
    product = make_product(source / "b")
    put_folder(source, "s3://bucket/arch/in")
    words = ("archive", "s3://bucket/arch/in", "s3://bucket/arch/out", "--table", tmp_path / "t", "--effort", 0)
    done = invoke(*words)
    assert done.code == 0 and "5 of 6 scenes are done; 0 failed, 1 refused" in done.stdout, done
    expected = [f"b/{product.stem}.sarc", "a/deep/scene-001.sarc", "a/deep/scene-004.sarc", "a/scene-000.sarc", "b/scene-002.sarc"]  # fmt: skip
    found = names("s3://bucket/arch/out")
    assert [name for name in found if name.endswith(".sarc")] == sorted(expected)
    assert {"archive.sqlite"} < set(found) and any(name.startswith("items.") for name in found)
    table = rows(tmp_path / "t")
    assert {n for n, row in table.items() if row["state"] == "done"} == set(expected)
    for name in expected:
        there = objects.found(f"s3://bucket/arch/out/{name}")
        assert (there.size, there.tag) == (table[name]["bytes_out"], table[name]["tag"])
    done = invoke(*words)
    assert done.code == 0 and "5 of them before" in done.stdout
    done = invoke("archive", "--verify", "s3://bucket/arch/out")
    assert done.code == 0 and "5 of 5" in done.stdout, done
    done = invoke("archive", "--restore", "s3://bucket/arch/out", tmp_path / "back")
    assert done.code == 0 and (tmp_path / "back" / "b" / product.name / "manifest.safe").exists(), done
    # On another machine: the table comes from the bucket.
    done = invoke(*(tmp_path / "elsewhere" if word == tmp_path / "t" else word for word in words))
    assert done.code == 0 and "5 of them before" in done.stdout
    # Another object under the name of an output is seen, and made again.
    objects.put(source / "a" / "scene-000.TIFF", "s3://bucket/arch/out/a/scene-000.sarc", overwrite=True)
    done = invoke(*words)
    assert done.code == 0 and "4 of them before" in done.stdout, done
    assert sarcodec.verify("s3://bucket/arch/out/a/scene-000.sarc").passed


def test_marks_of_folders_are_no_files_of_a_product(bucket, tmp_path):  # noqa: F811
    product = make_product(tmp_path)
    put_folder(product, f"s3://bucket/marked/{product.name}")
    for name in ("", "annotation/", "annotation/calibration/"):  # as the console of S3 makes them
        mark = urllib.request.Request(f"{bucket}/bucket/marked/{product.name}/{name}", b"", method="PUT")
        urllib.request.urlopen(mark, timeout=60).close()
    report = sarcodec.archive("s3://bucket/marked", tmp_path / "out", workers=1)
    assert (report.done, report.failed) == (1, 0)
    sarcodec.compress(product, tmp_path / "here.sarc")
    with FileReader(tmp_path / "here.sarc") as here, FileReader(next((tmp_path / "out").glob("*.sarc"))) as there:
        assert there.head_digest == here.head_digest


def test_a_list_of_addresses_into_a_folder(scene, tmp_path):
    objects.put(scene, "s3://bucket/list/a.tif", overwrite=True)
    (tmp_path / "list").write_text("s3://bucket/list/a.tif\ns3://bucket/list/none.tif\n")
    report = sarcodec.archive(tmp_path / "list", tmp_path / "out", workers=1, effort=0)
    assert (report.done, report.failed) == (1, 1) and (tmp_path / "out/bucket/list/a.sarc").exists()
    assert sarcodec.archive(tmp_path / "list", tmp_path / "out", workers=1, effort=0).kept == 1
    objects.put(store(tmp_path / "b.tif", amplitude(2, 64, 64)), "s3://bucket/list/a.tif", overwrite=True)
    report = sarcodec.archive(tmp_path / "list", tmp_path / "out", workers=1, effort=0)
    assert (report.done, report.kept) == (1, 0)
    assert sarcodec.verify(tmp_path / "out/bucket/list/a.sarc", against=tmp_path / "b.tif").passed


def test_words_that_do_not_go_together(tmp_path):
    folder_of_scenes(tmp_path / "in", 1)
    done = invoke("archive", tmp_path / "in", "s3://bucket/none")
    assert done.code == 2 and "--table FOLDER" in done.stderr
    done = invoke("archive", tmp_path / "in", tmp_path / "out", "--table", tmp_path / "t")
    assert done.code == 2 and "lies in it" in done.stderr
    done = invoke("archive", "s3://bucket/in", tmp_path / "out", "--delete-source")
    assert done.code == 2 and "in a bucket are not deleted" in done.stderr
    done = invoke("archive", "s3://bucket/nothing/here", tmp_path / "out")
    assert done.code == 2 and "s3://bucket/nothing/here holds no scene" in done.stderr
    with pytest.raises(InvalidArgument, match="folder of this machine"):
        sarcodec.restore_archive(tmp_path / "in", "s3://bucket/back")


def test_killed_on_the_way_into_a_bucket(tmp_path):
    source = folder_of_scenes(tmp_path / "in", 16)
    words = command("archive", source, "s3://bucket/killed", "--table", tmp_path / "t", "--effort", 0, "--quiet")
    for wanted in (3, 8):
        run = subprocess.Popen(words, env=environment(), stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while len(names("s3://bucket/killed")) < wanted and run.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        run.kill()
        run.wait()
    before = {one.address: one.tag for one in objects.listed("s3://bucket/killed")}
    with contextlib.suppress(sqlite3.Error):
        assert len(rows(tmp_path / "t")) <= len(before)
    done = invoke("archive", source, "s3://bucket/killed", "--table", tmp_path / "t", "--effort", 0)
    assert done.code == 0 and "16 of 16 scenes are done" in done.stdout, done
    place = BucketPlace("s3://bucket/killed")
    table = rows(tmp_path / "t")
    assert set(place) == set(table) and len(table) == 16
    after = {one.address: (one.size, one.tag) for one in objects.listed("s3://bucket/killed")}
    for name, row in table.items():
        assert after[f"s3://bucket/killed/{name}"] == (row["bytes_out"], row["tag"])
    assert all(after[name][1] == tag for name, tag in before.items()), "put twice"


def test_a_source_that_is_replaced_while_it_is_fetched(scene, tmp_path, monkeypatch):
    from range_server import serving

    data = os.urandom(3 << 20)
    with serving({"/a": data}) as server:

        def fault(number):
            if number == 1:
                return "cut"
            server.tag = '"two"'
            return None

        server.fault = fault
        with pytest.raises(CorruptFile, match="was replaced"):
            objects.fetch(f"{server.address}/a", tmp_path / "a")


def test_the_newest_table_is_worked_on(tmp_path):
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / "archive.sqlite"
    path.write_bytes(b"old")
    objects.put(path, "s3://bucket/tables/archive.sqlite", overwrite=True)
    os.utime(path, (1, 1))
    path.write_bytes(b"mine")
    bring("s3://bucket/tables", tmp_path / "a")
    os.utime(path, (1, 1))
    journal = tmp_path / "a" / "archive.sqlite-wal"
    journal.write_bytes(b"")
    bring("s3://bucket/tables", tmp_path / "a")
    assert path.read_bytes() == b"mine"
    journal.unlink()
    bring("s3://bucket/tables", tmp_path / "a")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path / "a") == ["archive.sqlite"]

"""Files are read by place: after a fork, in threads, after they were pickled; and say what became of them."""

import copy
import gc
import io
import multiprocessing
import os
import pickle
import threading
import warnings

import pytest

from sarcodec.errors import CorruptFile, InvalidArgument, TruncatedFile
from sarcodec.format.bands import BandField
from sarcodec.format.container import Header
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import Payload, Section, pack_tile
from sarcodec.format.writer import FileWriter

BANDS = (BandField(domain="db"), BandField(domain="db", offset_q=7, reference=0))
HEADER = Header(40, 20, "float32", 4, "m", b"12345678", 100, BANDS, b"where")


def payloads(salt: int = 0) -> list[Payload]:
    return [pack_tile([Section(8, bytes([i + salt]) * 20000), Section(10, b"mask")]) for i in range(12)]


def write(path, salt: int = 0):
    with FileWriter(path, overwrite=True) as writer:
        for payload in payloads(salt):
            writer.append(payload, 100)
        writer.finish(HEADER)
    return path


@pytest.fixture
def path(tmp_path):
    return write(tmp_path / "scene.sarc")


def one(reader: FileReader, tile: int, band: int) -> Payload:
    return Payload(reader.base_payload(tile, band), reader.payload(tile, band))


def read_all(reader: FileReader) -> list[bytes]:
    return [one(reader, tile, band) for tile in range(6) for band in range(2)]


@pytest.mark.parametrize("kind", ["path", "bytes", "object"])
def test_a_closed_reader_says_so_and_names_its_file(path, kind):
    file = path.open("rb")
    reader = FileReader({"path": path, "bytes": path.read_bytes(), "object": file}[kind])
    assert not reader.closed
    reader.close()
    reader.close()
    assert reader.closed and reader.header == HEADER and reader.size == path.stat().st_size
    with pytest.raises(InvalidArgument, match="closed") as caught:
        reader.payload(0, 0)
    assert reader.name in str(caught.value) and (kind == "bytes" or "scene.sarc" in str(caught.value))
    with pytest.raises(InvalidArgument, match="closed"):
        pickle.dumps(reader)
    assert not file.closed
    file.close()


@pytest.mark.parametrize("copied", [lambda r: pickle.loads(pickle.dumps(r)), copy.copy, copy.deepcopy])
def test_copies_read_for_themselves(path, copied):
    for source in (path, path.read_bytes()):
        with FileReader(source) as reader:
            other = copied(reader)
        with other:
            assert reader.closed and other.header == HEADER and read_all(other) == payloads()


def test_a_pickled_reader_finds_its_file_from_another_folder(path, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(path.parent)
    pickled = pickle.dumps(FileReader(path.name))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert read_all(pickle.loads(pickled)) == payloads()


def test_a_pickled_reader_refuses_another_file(path):
    pickled = pickle.dumps(FileReader(path))
    os.utime(path, (0, 0))  # a copy of the file has another time, and the same head
    assert read_all(pickle.loads(pickled)) == payloads()
    write(path, salt=1)
    with pytest.raises(CorruptFile, match="scene.sarc is another file than the one that was pickled"):
        pickle.loads(pickled)
    path.unlink()
    with pytest.raises(InvalidArgument, match="cannot be opened"):
        pickle.loads(pickled)


def test_a_file_object_is_not_pickled_and_not_shared_with_a_fork(path):
    with path.open("rb") as file:
        reader = FileReader(file)
        for attempt in (pickle.dumps, copy.copy):
            with pytest.raises(InvalidArgument, match="file object"):
                attempt(reader)
        assert "forked" in in_fork(lambda: reader.payload(0, 0)) and one(reader, 0, 0) == payloads()[0]
        assert in_fork(lambda: FileReader(io.BytesIO(path.read_bytes())).payload(0, 0) and "") == ""


def in_fork(work) -> str:
    """What `work` gives in a forked process, or what its error says."""
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def run():
        try:
            answers.put(work())
        except Exception as error:
            answers.put(str(error))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on forks beside threads
        process = context.Process(target=run)
        process.start()
    try:
        process.join(60)
        assert process.exitcode == 0, "the process hangs or fell"
        return answers.get()
    finally:
        process.kill()


def test_forked_processes_read_at_once(path):
    reader = FileReader(path)
    context = multiprocessing.get_context("fork")
    begin = context.Event()

    def work():
        begin.wait(30)
        os._exit(not all(read_all(reader) == payloads() for _ in range(40)))

    processes = [context.Process(target=work) for _ in range(4)]
    for process in processes:
        process.start()
    begin.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4 and read_all(reader) == payloads()


def test_bytes_in_memory_survive_a_fork_while_they_are_read(path):
    file = FileReader(io.BytesIO(path.read_bytes()))
    file._source._lock.acquire()  # as another thread would hold it
    assert in_fork(lambda: "" if one(file, 0, 0) == payloads()[0] else "other bytes") == ""


def test_closing_beside_a_reading_thread_never_reads_another_file(path, tmp_path):
    """The number of a closed file is given to the next one that is opened."""
    other = tmp_path / "other"
    other.write_bytes(bytes(path.stat().st_size))
    wrong = []

    def read(reader):
        try:
            while True:
                if one(reader, 5, 1) != payloads()[-1]:
                    wrong.append("bytes")
        except InvalidArgument:
            pass
        except Exception as error:
            wrong.append(error)

    for _ in range(20):
        reader = FileReader(path)
        threads = [threading.Thread(target=read, args=(reader,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        reader.close()
        with other.open("rb"), other.open("rb"):
            for thread in threads:
                thread.join(30)
    assert not wrong


def test_a_file_that_is_cut_or_written_anew_in_its_place(path):
    reader, size = FileReader(path), path.stat().st_size
    os.truncate(path, size // 2)
    assert one(reader, 0, 0) == payloads()[0]
    with pytest.raises(TruncatedFile, match="scene.sarc had .* when it was opened"):
        reader.payload(5, 1)
    write(path, salt=3)
    reader = FileReader(path)
    other = write(path.with_name("other.sarc"), salt=4).read_bytes()
    with path.open("r+b") as file:  # the same inode and size, other bytes
        file.write(other)
    os.utime(path, ns=(1, 1))
    with pytest.raises(CorruptFile, match="scene.sarc was changed while it was open"):
        reader.payload(0, 0)


def test_a_file_that_is_replaced_is_read_as_it_was(path):
    with FileReader(path) as reader:
        write(path, salt=5)
        assert read_all(reader) == payloads()
    with FileReader(path) as reader:
        assert read_all(reader) == payloads(5)


def test_nothing_but_files_is_opened(path, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for source, words in ((tmp_path / "pipe", "a pipe"), (tmp_path, "a directory"), ("/dev/null", "a device")):
        with pytest.raises(InvalidArgument, match=words):
            FileReader(source)
    for source in (3, None, 1.5, "a\0b", "", ["x"]):
        with pytest.raises(InvalidArgument):
            FileReader(source)
    with os.fdopen(os.pipe()[0], "rb") as pipe, pytest.raises(InvalidArgument, match="by place"):
        FileReader(pipe)
    with pytest.raises(InvalidArgument, match="binary mode"):
        FileReader(io.StringIO(path.read_bytes().decode("latin-1")))


def test_a_file_object_that_its_owner_closes(path):
    with path.open("rb") as file:
        reader = FileReader(file)
    with pytest.raises(InvalidArgument, match="scene.sarc cannot be read any more.*closed"):
        reader.payload(0, 0)


def test_a_reader_that_is_forgotten_gives_its_file_back(path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        FileReader(path)
    with pytest.raises(CorruptFile):
        FileReader(write(path.with_name("long.sarc")).read_bytes() + b"x")
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) == before

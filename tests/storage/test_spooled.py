"""Standard input and pipes as files; standard output for bytes."""

import io
import os
import sys
import tempfile
import threading

import pytest

from sarcodec.errors import InvalidArgument, OutputExists, SarcodecError
from sarcodec.storage import Output, input_for, local_input, local_inputs, spooled
from sarcodec.storage.forms import SARCODEC


class Stream(io.TextIOWrapper):
    """A text stream over bytes in memory, as Python's standard streams are."""

    terminal = False

    def isatty(self):
        return self.terminal


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_standard_input_becomes_a_file(temporary, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stream(io.BytesIO(b"\xff\n" * 5)))
    with local_input("-") as path:
        assert path.read_bytes() == b"\xff\n" * 5 and path.is_relative_to(temporary)
    assert os.listdir(temporary) == []


def test_errors_name_standard_input(temporary, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Stream(io.BytesIO(b"x")))
    with pytest.raises(SarcodecError, match="^standard input is wrong$"), local_input("-") as path:
        raise SarcodecError(f"{path} is wrong")
    assert os.listdir(temporary) == []


def test_another_name_is_itself(tmp_path):
    with local_inputs(tmp_path / "none", None, "./-") as paths:
        assert paths == (tmp_path / "none", None, "./-")
    with pytest.raises(InvalidArgument, match="given twice"), local_inputs("-", "-"):
        pass


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_a_pipe_becomes_a_file(temporary, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    writer = threading.Thread(target=(tmp_path / "fifo").write_bytes, args=(b"sent",))
    writer.start()
    with local_input(tmp_path / "fifo") as path:
        assert path.read_bytes() == b"sent"
    writer.join()


@pytest.mark.parametrize("what", ["none", "closed", "terminal", "text"])
def test_standard_streams_that_do_not_serve(temporary, monkeypatch, what):
    stream = Stream(io.BytesIO())
    stream.terminal = what == "terminal"
    if what == "closed":
        stream.close()
    stream = {"none": None, "text": io.StringIO()}.get(what, stream)
    monkeypatch.setattr(sys, "stdin", stream)
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(InvalidArgument, match="standard input"), local_input("-"):
        pass
    with pytest.raises(InvalidArgument, match="standard output"):
        Output("-")
    assert os.listdir(temporary) == []


def test_a_full_place_for_temporary_files_is_named(temporary, monkeypatch):
    def refuses(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdin", Stream(io.BytesIO(b"x")))
    monkeypatch.setattr(spooled, "open", lambda *_: Full(), raising=False)
    with pytest.raises(SarcodecError, match=f"{temporary} .*TMPDIR.*disk is full"), local_input("-"):
        pass
    monkeypatch.undo()


class Full(io.BytesIO):
    def write(self, _):
        raise OSError(28, "No space left on device")


def test_what_would_refuse_the_output_is_said_before_the_stream_is_read(tmp_path, temporary, monkeypatch):
    (tmp_path / "there").write_bytes(b"old")
    monkeypatch.setattr(sys, "stdin", Stream(io.BytesIO(b"x")))
    with pytest.raises(OutputExists), input_for("-", tmp_path / "there", False, SARCODEC):
        pass
    with pytest.raises(InvalidArgument, match=".sarc"), input_for("-", tmp_path / "a.tif", False, SARCODEC):
        pass
    assert sys.stdin.buffer.read() == b"x"


def test_bytes_go_to_standard_output(temporary, tmp_path, monkeypatch):
    stream = Stream(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.chdir(tmp_path)
    with Output("-") as output:
        assert output.is_stdout and output.path is None and output.folder.parent == temporary
        output.require_space(1)
        output.part.write_bytes(b"\xffnew")
        output.publish({".msk": output.part})
    assert stream.buffer.getvalue() == b"\xffnew" and os.listdir(tmp_path) == ["temporary"]
    assert os.listdir(temporary) == []


def test_a_reader_that_went_away_is_no_other_error(temporary, monkeypatch):
    class Gone(io.BytesIO):
        def write(self, _):
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sys, "stdout", Stream(Gone()))
    with pytest.raises(BrokenPipeError):
        Output("-").write(b"new")
    monkeypatch.undo()
    assert os.listdir(temporary) == []

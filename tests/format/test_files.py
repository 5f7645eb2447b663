import dataclasses
import io
import os
import threading

import pytest

from sarcodec.errors import (
    CorruptFile,
    InvalidArgument,
    NewerVersion,
    NotSarcodec,
    OlderVersion,
    OutputExists,
    SarcodecError,
    TruncatedFile,
)
from sarcodec.format.attachments import Attachment, pack_attachments, pack_records, unpack_records, unpacked
from sarcodec.format.bands import BandField
from sarcodec.format.container import Header, head_length
from sarcodec.format.reader import FileReader
from sarcodec.format.sections import Payload, Section, pack_tile
from sarcodec.format.writer import FileWriter

BANDS = (BandField(domain="db"), BandField(domain="db", offset_q=7, reference=0))
HEADER = Header(40, 20, "float32", 4, "m", b"12345678", 100, BANDS, b"where")
PAYLOADS = [
    Payload() if i == 3 else pack_tile([Section(1, bytes([i]) * (2 + i)), Section(10, b"mask")]) for i in range(12)
]


def _write(path, overwrite=False):
    with FileWriter(path, overwrite) as writer:
        for step, payload in enumerate(PAYLOADS):
            writer.append(payload, 95 + step)
        return writer.finish(HEADER)


def _payload(reader, number):
    return Payload(reader.base_payload(number // 2, number % 2), reader.payload(number // 2, number % 2))


@pytest.fixture
def path(tmp_path):
    _write(tmp_path / "scene.sarc")
    return tmp_path / "scene.sarc"


def test_what_is_written_is_read(path):
    for source in (path, str(path), path.read_bytes(), io.BytesIO(path.read_bytes())):
        with FileReader(source) as reader:
            assert reader.header == HEADER and reader.size == path.stat().st_size
            assert [_payload(reader, number) for number in range(12)] == PAYLOADS
            assert [entry.step for entry in reader.entries()] == list(range(95, 107))
            assert reader.sections(0, 1) == [Section(1, b"\1\1\1"), Section(10, b"mask")]
            assert reader.base_sections(0, 1) == [Section(1, b"\1\1\1")]
            assert reader.sections(1, 1) == []


def test_finish_gives_the_size_and_leaves_only_the_file(tmp_path):
    size = _write(tmp_path / "scene.sarc")
    assert os.listdir(tmp_path) == ["scene.sarc"] and (tmp_path / "scene.sarc").stat().st_size == size


def test_a_given_file_object_stays_open(path):
    source = io.BytesIO(path.read_bytes())
    FileReader(source).close()
    assert not source.closed


def test_short_reads_are_put_together(path):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 3))

    assert _payload(FileReader(Slow(path.read_bytes())), 11) == PAYLOADS[-1]


def test_threads_may_share_a_reader(path):
    wrong = []

    def read(reader):
        for turn in range(300):
            number = turn % len(PAYLOADS)
            if _payload(reader, number) != PAYLOADS[number]:
                wrong.append(number)

    with FileReader(path) as reader:
        threads = [threading.Thread(target=read, args=(reader,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_every_truncation_and_extension_is_an_error(path):
    data = path.read_bytes()
    with pytest.raises(NotSarcodec, match="empty"):
        FileReader(b"")
    for cut in range(1, len(data)):
        with pytest.raises(TruncatedFile):
            FileReader(data[:cut])
    with pytest.raises(CorruptFile, match="its head says"):
        FileReader(data + b"\0")


def test_every_flipped_bit_is_an_error_where_it_counts(path):
    data, first = path.read_bytes(), head_length(path.read_bytes()[:10])
    index = first + FileReader(path).directory.index_bytes
    for bit in range(8 * len(data)):
        damaged = data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]
        if bit < 8 * first:
            with pytest.raises(NotSarcodec if bit < 32 else (OlderVersion, NewerVersion) if bit < 40 else CorruptFile):
                FileReader(damaged)
        else:
            assert _read_or_refused(FileReader(damaged)) == (0 if bit < 8 * index else len(PAYLOADS) - 1)


def _read_or_refused(reader):
    """How many payloads come back unchanged; the others must be refused, never changed."""
    same = 0
    for number, payload in enumerate(PAYLOADS):
        try:
            assert _payload(reader, number) == payload
            same += 1
        except CorruptFile:
            continue
    return same


def test_a_file_that_shrinks_while_open_is_truncated(path):
    source = io.BytesIO(path.read_bytes())
    reader = FileReader(source)
    source.truncate(reader.size - 1)
    assert _payload(reader, 0) == PAYLOADS[0]
    with pytest.raises(TruncatedFile):
        reader.payload(5, 1)


def test_tiles_outside_the_scene_are_refused(path):
    with FileReader(path) as reader:
        for tile, band in ((6, 0), (0, 2), (-1, 0), (0, -1)):
            with pytest.raises(InvalidArgument):
                reader.payload(tile, band)


def test_missing_and_unreadable_paths(tmp_path):
    for source in (tmp_path / "none.sarc", tmp_path):
        with pytest.raises(InvalidArgument):
            FileReader(source)


def test_an_existing_file_is_kept_unless_overwriting(path):
    before = path.read_bytes()
    with pytest.raises(OutputExists):
        FileWriter(path)
    path.write_bytes(b"old")
    _write(path, overwrite=True)
    assert path.read_bytes() == before


def test_a_file_that_appears_meanwhile_is_kept(tmp_path):
    target = tmp_path / "scene.sarc"
    with pytest.raises(OutputExists), FileWriter(target) as writer:
        for payload in PAYLOADS:
            writer.append(payload, 100)
        target.write_bytes(b"theirs")
        writer.finish(HEADER)
    assert target.read_bytes() == b"theirs" and os.listdir(tmp_path) == ["scene.sarc"]


def test_failures_leave_nothing_behind(tmp_path, monkeypatch):
    target = tmp_path / "scene.sarc"
    with pytest.raises(KeyError), FileWriter(target) as writer:
        writer.append(Payload(b"abc"), 1)
        raise KeyError("stop")
    with pytest.raises(InvalidArgument), FileWriter(target) as writer:
        writer.append(Payload(b"abc"), 1)
        writer.finish(HEADER)
    with FileWriter(target) as writer:
        writer.append(Payload(b"abc"), 1)

    def fails(*_):
        raise OSError("disk full")

    for broken in ("replace", "fsync"):
        with monkeypatch.context() as patch, pytest.raises(SarcodecError, match="disk full"):
            patch.setattr(os, broken, fails)
            _write(target)
        assert os.listdir(tmp_path) == []


def test_senseless_targets_are_refused(tmp_path):
    for target in (tmp_path, tmp_path / "none" / "scene.sarc", tmp_path / "scene.tif", tmp_path / "scene.zip"):
        with pytest.raises(InvalidArgument):
            FileWriter(target, overwrite=True)


def test_header_of_another_scene_is_refused(tmp_path):
    with pytest.raises(InvalidArgument), FileWriter(tmp_path / "a.sarc") as writer:
        for payload in PAYLOADS:
            writer.append(payload, 100)
        writer.finish(dataclasses.replace(HEADER, rows=10))


def test_attachments_come_back(tmp_path):
    given = [("annotation/iw-vv.xml", b"<product>" * 500), ("preview/quick-look.png", os.urandom(999)), ("empty", b"")]
    with FileWriter(tmp_path / "a.sarc", attached=pack_attachments(given)) as writer:
        for payload in PAYLOADS:
            writer.append(payload, 100)
        size = writer.finish(HEADER)
    with FileReader(tmp_path / "a.sarc") as reader:
        assert [(a.name, reader.attachment(a.name)) for a in reader.header.attachments] == given
        assert size == reader.size < 2500 and reader.header.attachments[0].length < 100
        with pytest.raises(InvalidArgument, match="annotation/iw-vv.xml"):
            reader.attachment("missing")
    data = bytearray((tmp_path / "a.sarc").read_bytes())
    data[-5] ^= 1
    with pytest.raises(CorruptFile, match="quick-look"):
        FileReader(bytes(data)).attachment("preview/quick-look.png")


@pytest.mark.parametrize(
    "name",
    ["", "/etc/passwd", "../x", "a/../b", "a//b", "a\\b", "C:x", "./a", "a/", "n" * 1025, "\0", "a\nb", "\udc80"],
)
def test_names_of_attachments_that_leave_their_folder_are_refused(name):
    with pytest.raises(InvalidArgument, match="attachment"):
        pack_attachments([(name, b"")])


def test_an_attachment_twice_or_within_another_is_refused():
    with pytest.raises(InvalidArgument, match="once"):
        pack_attachments([("a", b"1"), ("a", b"2")])
    with pytest.raises(InvalidArgument, match="lie in attachment 'a'"):
        pack_attachments([("a/b/c", b"1"), ("a", b"2")])


def test_an_attachment_packed_in_a_later_way_is_no_hindrance_to_the_others():
    records = unpack_records(pack_records([Attachment("new", 3, 5, 0, 0), Attachment("old", 0, 0, 0, 0)]))
    assert unpacked(records[1], b"") == b""
    with pytest.raises(NewerVersion, match="new is packed in way 3"):
        unpacked(records[0], b"")


def test_an_index_of_many_blocks_is_read_by_parts(tmp_path):
    """A hundred thousand tiles: opening reads the first 64 KiB, a tile one block more."""
    header = dataclasses.replace(HEADER, rows=16 * 250, cols=16 * 400, bands=BANDS[:1])
    with FileWriter(tmp_path / "a.sarc") as writer:
        for number in range(100_000):
            writer.append(Payload(bytes([number % 251]), bytes([number % 13]) * (number % 3)), 100)
        writer.finish(header)
    source = Counting((tmp_path / "a.sarc").read_bytes())
    reader = FileReader(source)
    assert source.read_bytes == 1 << 16
    for tile in (99_999, 54_321, 54_322):
        assert reader.base_payload(tile, 0) == bytes([tile % 251])
        assert reader.payload(tile, 0) == bytes([tile % 13]) * (tile % 3)
    assert source.read_bytes < (1 << 16) + 2 * 1024 * 11 + 10


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    read_bytes = 0

    def read(self, size=-1):
        data = super().read(size)
        self.read_bytes += len(data)
        return data

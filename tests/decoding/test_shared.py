"""Decoded tiles that all readers of a file in a process have together."""

import gc
import os
import threading

import numpy as np
import pytest

import sarcodec
from sarcodec.decoding.learned import LearnedDecoder
from sarcodec.decoding.shared import kept_for
from sarcodec.errors import SarcodecError


class Owner:
    pass


def test_owners_of_one_key_have_the_same_and_those_of_another_do_not():
    first, second, third = Owner(), Owner(), Owner()
    kept = kept_for(first, ("a file",), 100, len)
    assert kept_for(second, ("a file",), 50, len) is kept and kept_for(third, ("another",), 50, len) is not kept
    assert kept_for(second, None, 50, len) is not kept_for(second, None, 50, len)


def test_the_room_is_that_of_the_owner_who_may_keep_most_and_is_alive():
    first, second = Owner(), Owner()
    kept = kept_for(first, ("rooms",), 90, len)
    assert kept_for(second, ("rooms",), 30, len).room == 90
    for key in range(3):
        kept.get(key, lambda: bytes(30))
    assert kept.used == 90
    del first
    gc.collect()
    assert kept.room == 30
    kept.get(3, lambda: bytes(30))
    assert kept.used == 30


def test_nothing_stays_when_the_last_owner_is_gone():
    owner = Owner()
    kept_for(owner, ("gone",), 9, len).get(1, lambda: b"old")
    gc.collect()
    assert kept_for(Owner(), ("gone",), 9, len).get(1, lambda: b"new") == b"new"


def test_an_error_of_one_is_not_that_of_another_who_waits():
    """Who meets it may have closed its file; the other reads from its own."""
    kept, begun, go_on, found = kept_for(Owner(), None, 9, len), threading.Event(), threading.Event(), []

    def fails():
        begun.set()
        go_on.wait(30)
        raise SarcodecError("closed")

    def first():
        with pytest.raises(SarcodecError):
            kept.get(0, fails)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    begun.wait(30)
    threads.append(threading.Thread(target=lambda: found.append(kept.get(0, lambda: b"read"))))
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert found == [b"read"]


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "a.sarc"
    path.write_bytes(sarcodec.encode(rng.gamma(5, 40, (1, 700, 700)).astype(np.uint16), domain="amplitude", effort=0))
    return path


@pytest.fixture
def decoded(monkeypatch):
    """Tiles that were decoded."""
    found, read = [], LearnedDecoder._read
    monkeypatch.setattr(LearnedDecoder, "_read", lambda self, *place: found.append(place) or read(self, *place))
    return found


WINDOW = (slice(0, 99), slice(0, 99))


def test_readers_of_a_file_decode_a_tile_once(path, decoded):
    with sarcodec.open(path) as first, sarcodec.open(path) as second:
        pixels = first.read(window=WINDOW)
        assert sorted(decoded) == [(0, 0), (1, 0), (2, 0), (3, 0)]
        np.testing.assert_array_equal(second.read(window=WINDOW), pixels)
        assert len(decoded) == 4


def test_other_wishes_and_other_files_are_decoded_anew(path, decoded, tmp_path):
    """A file of the same bytes is another: what a stranger's file says it holds is not believed of this one."""
    copy = tmp_path / "b.sarc"
    copy.write_bytes(path.read_bytes())
    with sarcodec.open(path) as first, sarcodec.open(path, reconstruct="log") as log, sarcodec.open(copy) as other:
        for scene in (first, log, other):
            scene.read(window=WINDOW)
        assert len(decoded) == 4 + 1 + 4


def test_a_file_that_was_written_since_is_another(path, decoded):
    with sarcodec.open(path) as first:
        first.read(window=WINDOW)
        os.utime(path, (1, 1))
        with sarcodec.open(path) as second:
            second.read(window=WINDOW)
    assert len(decoded) == 8

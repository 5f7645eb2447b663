"""Bytes that wait: the same again, from memory or from a file that nobody sees, and a disk that refuses."""

import os
import threading

import pytest

from sarcodec.errors import SarcodecError
from sarcodec.storage.spool import Spool

PIECES = [bytes([n]) * (100 * n) for n in range(20)]


@pytest.mark.parametrize("room", [0, 5000, 1 << 20])
def test_what_was_added_comes_back(tmp_path, room):
    spool = Spool(room, tmp_path, "pieces")
    places = [spool.add(piece) for piece in PIECES]
    assert [spool.get(place) for place in reversed(places)] == PIECES[::-1]
    in_memory = sum(len(place) for place in places if isinstance(place, bytes))
    assert in_memory <= room and in_memory + spool.in_file == sum(map(len, PIECES))
    assert (spool.in_file == 0) == (room == 1 << 20) and not list(tmp_path.iterdir())


def test_threads_may_add_and_ask_at_once(tmp_path):
    spool, found = Spool(300, tmp_path, "pieces"), {}

    def work(number):
        places = [spool.add(PIECES[number]) for _ in range(50)]
        found[number] = {spool.get(place) for place in places}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {number: {PIECES[number]} for number in range(1, 8)}


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
def test_a_full_disk_is_said(tmp_path):
    spool = Spool(0, tmp_path, "the latents")
    spool._file = open("/dev/full", "r+b", buffering=0)  # noqa: SIM115  # closed by the spool
    with pytest.raises(SarcodecError, match="the latents: the disk is full"):
        spool.add(b"more")
    spool.close()


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SarcodecError, match="cannot write the latents"):
        Spool(0, tmp_path / "none", "the latents").add(b"x")

import os
import threading

import pytest

from sarcodec.decoding.kept import Kept


def test_each_result_is_made_once_and_the_oldest_is_forgotten():
    kept, made = Kept(2), []

    def get(key):
        return kept.get(key, lambda: made.append(key) or -key)

    assert [get(key) for key in (1, 2, 1, 3, 1, 2)] == [-1, -2, -1, -3, -1, -2]
    assert made == [1, 2, 3, 2] and kept.used == 2
    kept.forget([2, 99])
    assert kept.used == 1 and get(2) == -2 and made == [1, 2, 3, 2, 2]


def test_results_are_kept_within_a_number_of_bytes():
    kept = Kept(100, len)
    for key in range(9):
        kept.get(key, lambda: b"x" * 30)
        assert kept.used <= 100
    assert kept.used == 90 and len(kept._futures) == 3
    assert kept.get("large", lambda: b"x" * 101) == b"x" * 101 and kept.used == 90


def test_threads_wait_for_the_one_that_makes_it():
    kept, begun, go_on, made, got = Kept(2), threading.Event(), threading.Event(), [], []

    def make():
        begun.set()
        go_on.wait(30)
        made.append(1)
        return "result"

    threads = [threading.Thread(target=lambda: got.append(kept.get(0, make))) for _ in range(4)]
    for thread in threads:
        thread.start()
    begun.wait(30)
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert made == [1] and got == ["result"] * 4


def test_an_error_is_raised_and_not_kept():
    kept = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get(0, lambda: 1 // 0)
    assert kept.get(0, lambda: 5) == 5


def test_a_forked_process_begins_with_nothing_and_with_a_lock_of_its_own():
    kept = Kept(2)
    kept.get(0, lambda: "old")
    pending, _ = kept._future(1)
    with kept._lock:
        child = os.fork()
        if not child:
            os._exit(kept.get(0, lambda: "new") != "new" or kept.get(1, lambda: "mine") != "mine")
    _, status = os.waitpid(child, 0)
    assert status == 0 and kept.get(0, lambda: "new") == "old" and not pending.done()

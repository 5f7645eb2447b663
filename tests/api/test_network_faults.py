"""Servers that go wrong, a few of each kind (benchmarks/network_faults.py tries a thousand): the right pixels or a sentence, never others, and an end."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import network_faults
from faulty_server import KINDS, Case, Plan, faulty_server
from network_faults import MOST_S, REFUSED, RIGHT, WRONG, Judge, short_waits, small_file
from sarcodec.errors import CorruptFile
from sarcodec.format.reader import FileReader

pytest.importorskip("obstore", reason="the extra `remote` is not installed")


@pytest.fixture(scope="module")
def judge():
    with faulty_server() as faulty, short_waits():
        yield Judge(faulty, small_file(1), small_file(2))


def test_faults_of_every_kind_give_the_right_pixels_or_a_sentence(judge):
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda number: judge.outcome(number, 7), range(3 * len(KINDS))))
    assert {one.kind for one in outcomes} == set(KINDS)
    assert [one for one in outcomes if one.said not in (RIGHT, REFUSED) or one.seconds > MOST_S] == []
    assert sum(one.said == RIGHT for one in outcomes) >= 10 and sum(one.said == REFUSED for one in outcomes) >= 10


def test_the_judge_sees_a_wrong_pixel(judge, monkeypatch):
    def one_off(name):
        found = network_faults.read_window(name).copy()
        found[-1, -1, -1] += 1
        return found

    monkeypatch.setitem(network_faults.ROADS, "window", one_off)
    number = next(n for n in range(0, 500, 5) if network_faults.drawn(n, 7).kind == "drip")
    assert judge.outcome(number, 7).said == WRONG


def test_an_answer_of_more_bytes_than_were_asked_for_is_refused():
    data = np.random.default_rng(1).bytes(9000)
    with faulty_server() as faulty, pytest.raises(CorruptFile, match="its server is at fault"):
        FileReader(faulty.add("a", Case(Plan("long", 1, 1, "strong", False, 1), data, data)))

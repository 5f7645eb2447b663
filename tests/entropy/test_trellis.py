"""The trellis: every state is reached and left, places are distinct, its distance is the best of so many states."""

import heapq
from itertools import product

import numpy as np
import pytest

from format.slow_reader import TRELLISES
from sarcodec.entropy.prior import FRACTION_BITS
from sarcodec.entropy.trellis import HALF_STEP, LARGE, USUAL, Trellis, places

BEST_DISTANCE = {
    4: 9,
    8: 10,
    16: 11,
    32: 13,
    64: 14,
    128: 16,
    256: 17,
}  # Ungerboeck 1982, amplitude modulation, in squared half steps
SYMBOLS = np.arange(-6, 7)


both = pytest.mark.parametrize("trellis", [USUAL, LARGE], ids=["usual", "large"])


def some(trellis: Trellis) -> list[int]:
    return [0, 1, trellis.states // 3, trellis.states - 1]


def test_the_table_is_the_pages():
    assert USUAL.next_state.tolist() == [list(pair) for pair in TRELLISES[False]]
    page = [[(s >> 1) ^ (534 * (s % 2)) ^ (163 * parity) for parity in (0, 1)] for s in range(1024)]
    assert LARGE.next_state.tolist() == page
    for trellis in (USUAL, LARGE):
        assert trellis.quantiser.tolist() == [state % 2 for state in range(trellis.states)]
    assert HALF_STEP / 2**FRACTION_BITS == 21 / 32


@both
def test_a_few_symbols_lead_from_any_state_to_any_other_in_one_way(trellis):
    for state in some(trellis):
        ends = np.array([state])
        for _ in range(trellis.memory_bits):
            ends = trellis.next_state[ends].reshape(-1)
        assert sorted(ends.tolist()) == list(range(trellis.states))


def test_both_quantisers_share_one_grid_and_0():
    even, odd = (places(SYMBOLS, np.full(SYMBOLS.size, q)) for q in (0, 1))
    assert even.dtype == odd.dtype == np.int64
    assert even.tolist() == [-12, -10, -8, -6, -4, -2, 0, 2, 4, 6, 8, 10, 12]
    assert odd.tolist() == [-11, -9, -7, -5, -3, -1, 0, 1, 3, 5, 7, 9, 11]


def test_the_largest_symbols_of_any_width_have_places():
    largest = np.array([(1 << 24) - 1, 1 - (1 << 24)], np.int32)
    assert places(largest, np.array([1, 0], np.int8)).tolist() == [(1 << 25) - 3, 2 - (1 << 25)]


def _between(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Smallest squared distance, in half steps, of places (far from 0) of two (quantiser, parity)."""
    ones = lambda q, parity: set((places(np.arange(20 + parity, 40, 2), np.full(10, q)) % 4).tolist())
    sets = ones(*one), ones(*other)
    return min(min((a - b) % 4, (b - a) % 4) ** 2 for a in sets[0] for b in sets[1])


def nearest(trellis: Trellis, start: int) -> int:
    """Squared distance of the nearest two paths that part at a state and meet again."""
    branches = lambda state: [((int(trellis.quantiser[state]), p), int(trellis.next_state[state, p])) for p in (0, 1)]
    (label, one), (other_label, other) = branches(start)
    distances = {pair: _between(*pair) for pair in product(product((0, 1), (0, 1)), repeat=2)}
    heap, seen = [(distances[label, other_label], one, other)], set()
    while heap[0][1] != heap[0][2]:
        distance, one, other = heapq.heappop(heap)
        if (one, other) not in seen:
            seen.add((one, other))
            for (label, a), (other_label, b) in product(branches(one), branches(other)):
                heapq.heappush(heap, (distance + distances[label, other_label], a, b))
    return heap[0][0]


@pytest.mark.parametrize("start", some(USUAL))
def test_paths_that_part_and_meet_again_differ_by_the_best_distance(start):
    assert nearest(USUAL, start) == BEST_DISTANCE[USUAL.states]

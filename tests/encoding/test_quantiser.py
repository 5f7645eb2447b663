"""The encoder's search: as cheap as trying everything, along the trellis, in any blocks, and near to its residuals."""

import numpy as np
import pytest

from entropy.paired_tables import paired, trellis_path
from native_levels import at_level
from sarcodec.encoding import quantiser
from sarcodec.encoding.quantiser import ERROR_WEIGHT, Quantiser
from sarcodec.entropy import coding as entropy
from sarcodec.entropy import tables
from sarcodec.entropy.trellis import USUAL, places

HALF = 21 / 32
STATES, QUANTISER, NEXT_STATE = USUAL.states, USUAL.quantiser, USUAL.next_state
SOME_STATES = sorted({0, 1, 2, STATES // 3, STATES // 2 + 1, STATES - 1})
PAGES_ERROR = 1.27  # docs/format.md, 9.9: where no bits are spared, in step^2 / 12
SKIPPED = 4
SIGMA = [0.3, 1.0, 4.0, 40.0]  # in the distance of two places of a quantiser; the table behind is skipped
SHIFT = [0, 0, 0, 3, 0]  # the same for both quantisers: the search leaves raw bits out
FIRST = [tables.gaussian_weights(s, r, k) for s, r, k in zip(SIGMA, (2, 5, 24, 30), (0, 0, 0, 3))]
SECOND = [tables.gaussian_weights(1.2 * s, r, k) for s, r, k in zip(SIGMA, (3, 1, 24, 30), (0, 0, 0, 3))]
TABLES = paired([*FIRST, np.zeros(0)], [*SECOND, np.zeros(0)], SHIFT, SHIFT, [])
CENTROIDS = np.zeros((256, 8), np.uint8)
CENTROIDS[:4] = [[0, 6, 4, 3, 2, 2, 9, 1], [0, 3, 2, 2, 8, 1, 5, 0], [0, 1, 1, 0, 9, 0, 7, 0], [0] * 8]
SEARCH = Quantiser(TABLES, CENTROIDS)
TWINS = paired([*FIRST, np.zeros(0)], [*FIRST, np.zeros(0)], SHIFT, SHIFT, [])
PLAIN = Quantiser(TABLES, np.zeros((256, 8), np.uint8))


def residuals(rows, seed: int) -> np.ndarray:
    """As large as their tables expect, float32."""
    sigma = np.append(SIGMA, 0.05)[rows] * 2 * HALF
    return (np.random.default_rng(seed).normal(size=np.shape(rows)) * sigma).astype(np.float32)


def rows_of(shape, seed: int, highest: int = SKIPPED) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, highest + 1, shape)


def latents(symbols, which, rows, centroids) -> np.ndarray:
    """In steps, less the mean (docs/format.md, 9.7)."""
    place = places(symbols, which)
    return (21 * place - np.sign(place) * centroids[rows, np.minimum(np.abs(place), 7)].astype(int)) / 32


def symbol_cost(symbol: int, which: int, row: int, residual: float, weight: float) -> float:
    error = residual - latents(np.array([symbol]), which, np.array([row]), CENTROIDS)[0]
    return tables.cost(TABLES, np.array([row + 256 * which]), np.array([symbol])) + ERROR_WEIGHT * weight * error**2


def cost(symbols, which, rows, residual, weight) -> float:
    each = zip(symbols, which, rows, residual, weight, strict=True)
    return sum(symbol_cost(k, q, row, float(r), float(w)) for k, q, row, r, w in each)


def offered(residual: float, which: int) -> set[int]:
    """The place below, the place above and 0 (9.9), as symbols."""
    size = abs(residual) / HALF
    all_sizes = np.arange(int(size) + 3)
    place = 2 * all_sizes - which * (all_sizes > 0)
    below = int(np.flatnonzero(place <= size).max())
    return {0, *(int(np.copysign(n, residual)) for n in (below, below + 1))}


def cheapest(rows, residual, weight, state: int, choices) -> float:
    """The least cost of any path, by trying all of them, without a trellis of survivors."""
    if not len(rows):
        return 0.0
    if rows[0] == SKIPPED:  # the error of a skipped symbol is nobody's choice
        passed = symbol_cost(0, 0, SKIPPED, float(residual[0]), float(weight[0]))
        return passed + cheapest(rows[1:], residual[1:], weight[1:], state, choices)
    totals, rest, which = [], {}, int(QUANTISER[state])
    for symbol in choices(float(residual[0]), which):
        after = int(NEXT_STATE[state, symbol % 2])
        if after not in rest:
            rest[after] = cheapest(rows[1:], residual[1:], weight[1:], after, choices)
        totals.append(symbol_cost(symbol, which, rows[0], float(residual[0]), float(weight[0])) + rest[after])
    return min(totals)


@pytest.mark.parametrize("seed", range(16))
def test_no_path_of_those_offered_is_cheaper(seed):
    rng = np.random.default_rng(seed)
    count, state = int(rng.integers(6, 9)), int(rng.integers(STATES))
    rows, weight = rows_of(count, seed), np.exp2(rng.uniform(-7, 2, count))
    residual = residuals(rows, seed) * rng.choice(np.float32([1, 3]), count)
    symbols, which, _ = SEARCH.choose(residual, rows, weight, state)
    least = cheapest(rows.tolist(), residual, weight, state, offered)
    assert cost(symbols, which, rows, residual, weight) == pytest.approx(least, rel=1e-5)


def test_little_is_lost_by_offering_three_places_only():
    """Over all symbols near the value, also those beyond its neighbours and of the other sign."""
    near = lambda residual, which: range(*(round(residual / HALF / 2) + reach for reach in (-4, 5)))
    found = least = 0.0
    for seed in range(12):
        rows = rows_of(6, seed, highest=2)
        residual = residuals(rows, seed)
        symbols, which, _ = SEARCH.choose(residual, rows, np.ones(6), seed % STATES)
        found += cost(symbols, which, rows, residual, np.ones(6))
        least += cheapest(rows.tolist(), residual, np.ones(6), seed % STATES, near)
    assert least <= found * (1 + 1e-6) and found <= 1.01 * least


def follow(symbols, which, rows, state: int) -> int:
    """The state at the end, once quantisers are those that a decoder takes."""
    skipped = (rows == SKIPPED).reshape(-1)
    expected, end = trellis_path(symbols.reshape(-1).tolist(), skipped, state)
    np.testing.assert_array_equal(which.reshape(-1)[~skipped], expected[~skipped])
    assert not symbols.reshape(-1)[skipped].any()
    return end


@pytest.mark.parametrize("state", SOME_STATES)
def test_blocks_go_on_in_the_state_where_the_last_one_ended(monkeypatch, state):
    rows, weight = rows_of((51, 20), state, highest=SKIPPED - 1), np.exp2(np.linspace(-1, 1, 20))
    residual = residuals(rows, state)
    whole = SEARCH.choose(residual, rows, weight, state)
    assert follow(*whole[:2], rows, state) == whole[2]
    monkeypatch.setattr(quantiser, "BLOCK", 60)
    with at_level("off"):
        symbols, which, end = SEARCH.choose(residual, rows, weight, state)
    assert follow(symbols, which, rows, state) == end
    parts, now = [], state
    for begin in range(0, 51, 3):
        part = slice(begin, begin + 3)  # 60 symbols
        *choice, now = SEARCH.choose(residual[part], rows[part], weight, now)
        parts.append(choice)
    assert now == end
    np.testing.assert_array_equal(symbols, np.concatenate([p[0] for p in parts]))
    np.testing.assert_array_equal(which, np.concatenate([p[1] for p in parts]))
    weights = np.broadcast_to(weight, rows.shape)
    flat = lambda s, w: cost(*(a.reshape(-1) for a in (s, w, rows, residual, weights)))
    assert flat(*whole[:2]) - 0.25 <= flat(symbols, which) < 1.02 * flat(*whole[:2])  # costs are in 1/64 bit


def test_more_symbols_than_a_block_holds_decode():
    rows = rows_of((70, 1000), 1)
    symbols, which, end = SEARCH.choose(residuals(rows, 1), rows, np.ones(1000), 5)
    assert symbols.shape == which.shape == rows.shape and follow(symbols, which, rows, 5) == end


def test_what_was_chosen_in_passes_is_what_a_decoder_reads():
    state, written, coded_rows = 0, [], []
    calls = [rows_of((cells, 30), cells) for cells in (1, 40, 0, 7)]
    for rows in calls:
        symbols, which, state = SEARCH.choose(residuals(rows, 9), rows, np.ones(30), state)
        written.append((symbols, which))
        coded_rows.append((rows + 256 * which).reshape(-1))
    data = entropy.encode(TABLES, np.concatenate(coded_rows), np.concatenate([s.reshape(-1) for s, _ in written]))
    decoder = entropy.Decoder(TABLES, data)
    for rows, (symbols, which) in zip(calls, written, strict=True):
        found, modes = decoder.decode_dependent(rows.reshape(-1))
        np.testing.assert_array_equal(places(found, modes), places(symbols, which).reshape(-1))
    decoder.finish()


@pytest.mark.parametrize("state", SOME_STATES)
def test_zeros_stay_zeros(state):
    rows = rows_of((9, 11), state)
    search = Quantiser(TWINS, CENTROIDS)
    symbols, which, end = search.choose(np.zeros(rows.shape, np.float32), rows, np.ones(11), state)
    assert not symbols.any() and follow(symbols, which, rows, state) == end


def test_skipped_tables_give_0_and_leave_the_state():
    residual = np.linspace(-30, 30, 24, dtype=np.float32).reshape(4, 6)
    for state in range(STATES):
        symbols, _, end = SEARCH.choose(residual, np.full((4, 6), SKIPPED), np.ones(6), state)
        assert not symbols.any() and end == state
    assert SEARCH.choose(np.zeros((0, 6), np.float32), np.zeros((0, 6), int), np.ones(6), 3)[2] == 3


@pytest.mark.parametrize("row", range(4))
@pytest.mark.parametrize("alone", [False, True])
def test_huge_residuals_come_back_within_two_half_steps(row, alone):
    """A bright target in a quiet place, or many; for cheaper bits a path may take the farther of two neighbours."""
    rng = np.random.default_rng(4)
    residual = np.concatenate([10.0 ** np.arange(1, 7), 10 ** rng.uniform(1, 6, 394)]) * rng.choice([-1, 1], 400)
    huge = np.arange(400) % 20 == 5 if alone else np.ones(400, bool)
    residual, rows = np.where(huge, residual, 0).astype(np.float32), np.full(400, row)
    symbols, which, _ = SEARCH.choose(residual, rows, np.ones(400), 0)
    data = entropy.encode(TABLES, rows + 256 * which, symbols)
    found, modes = entropy.Decoder(TABLES, data).decode_dependent(rows)
    error = np.abs(residual - latents(found.astype(int), modes, rows, CENTROIDS))[huge]
    assert error.max() <= 2 * HALF + 1 / 32 and (error < 1).mean() >= 0.8


def test_without_regard_to_bits_a_path_gains_what_its_states_can():
    """Over one quantiser alone, of the same bits: 1.72 step^2 / 12. The limit of all quantisers is 1.53 dB."""
    residual = np.random.default_rng(5).uniform(-300, 300, (60, 1000)).astype(np.float32)
    rows = np.full(residual.shape, 3)
    symbols, which, _ = PLAIN.choose(residual, rows, np.full(1000, 1e5), 0)
    error = np.abs(residual - HALF * places(symbols, which)) / HALF  # in half steps
    assert error.max() < 2 and (error <= 1.5).mean() > 0.998
    gain = 10 * np.log10((2**2 / 12) / np.mean(error**2))
    assert 1.05 < gain < 1.53
    assert 12 * np.mean((error * HALF) ** 2) == pytest.approx(PAGES_ERROR, abs=0.015)


@pytest.mark.parametrize("state", SOME_STATES)
def test_a_greedy_path_is_one_that_decodes_and_costs_more(state):
    rows, weight = rows_of((40, 25), state), np.exp2(np.linspace(-1, 1, 25))
    residual = residuals(rows, state)
    greedy = Quantiser(TABLES, CENTROIDS, greedy=True)
    symbols, which, end = greedy.choose(residual, rows, weight, state)
    assert follow(symbols, which, rows, state) == end
    coded = (rows != SKIPPED).reshape(-1)
    weights = np.broadcast_to(weight, rows.shape)
    flat = lambda s, w: cost(*(a.reshape(-1)[coded] for a in (s, w, rows, residual, weights)))
    searched = flat(*SEARCH.choose(residual, rows, weight, state)[:2])
    assert searched < flat(symbols, which) < 1.3 * searched
    first = int(np.flatnonzero(coded)[0])  # the first symbol is the cheapest of those offered there
    flat_rows, values, at = rows.reshape(-1), residual.reshape(-1), weights.reshape(-1)
    costs = [
        symbol_cost(k, int(QUANTISER[state]), flat_rows[first], float(values[first]), float(at[first]))
        for k in offered(float(values[first]), int(QUANTISER[state]))
    ]
    chosen = symbol_cost(
        int(symbols.reshape(-1)[first]), int(QUANTISER[state]), flat_rows[first], float(values[first]), float(at[first])
    )
    assert chosen == pytest.approx(min(costs))

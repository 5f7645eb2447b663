"""The compiled search for targets and the fit of their bumps say what their twins in NumPy say, at every level that this processor has."""

import numpy as np
import pytest

from native_levels import LEVELS, at_level
from sarcodec.encoding import target_finding
from sarcodec.encoding.bump_fitting import NOTHING_DB, Bump, BumpTile, _Slow
from sarcodec.encoding.target_finding import find_targets
from sarcodec.encoding.target_fitting import PLACED, Decoded, TargetFit
from sarcodec.encoding.target_worth import taken_out
from sarcodec.native import targets as kernels
from sarcodec.signal.bumps import UNIT_DB, Bumps


def scene(seed: int, rows: int, cols: int, targets: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels in dB of speckle with targets of every kind, at the edges too, and which of them are valid."""
    rng = np.random.default_rng(seed)
    levels = (10 * np.log10(rng.gamma(5, 0.2, (rows, cols)))).astype(np.float32)
    places = np.stack([rng.integers(0, rows, targets), rng.integers(0, cols, targets)], 1)
    numbers = rng.integers(1, 5, targets), rng.integers(0, 4, (targets, 2)), rng.integers(16, 120, targets)
    Bumps.of(places, np.ones(targets, int), *numbers).add_to(levels)
    levels[places[:5, 0], places[:5, 1]] += 40
    return levels, rng.random(levels.shape) > 0.02


def found_at(level: str, seed: int = 1):
    levels, valid = scene(seed, 150, 201, 60)
    with at_level(level):
        return find_targets(levels, valid, 0.5, (20, 21), (110, 150))


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_targets_are_found(level):
    fast, slow = found_at(level), found_at("off")
    assert len(slow) > 30
    np.testing.assert_array_equal(fast.places, slow.places)
    for name in ("excess", "ground", "before", "after", "clutter"):
        np.testing.assert_allclose(getattr(fast, name), getattr(slow, name), rtol=1e-4, atol=1e-3)
    for name in ("widths", "quarters", "amplitudes"):
        np.testing.assert_array_equal(getattr(fast, name), getattr(slow, name))


@pytest.mark.parametrize("level", LEVELS)
def test_peaks_have_room_however_many_there_are(level, monkeypatch):
    expected = found_at(level)
    monkeypatch.setattr(kernels, "FIRST_GUESS", 3)
    np.testing.assert_array_equal(found_at(level).places, expected.places)


@pytest.mark.parametrize("level", [*LEVELS, "off"])
def test_a_flat_top_is_a_peak_in_all_of_its_pixels(level):
    levels = np.zeros((60, 60), np.float32)
    levels[30:32, 30:32] = 30
    with at_level(level):
        found = find_targets(levels, np.ones(levels.shape, bool), 0.0, (0, 0), levels.shape)
    assert found.places.tolist() == [[30, 30], [30, 31], [31, 30], [31, 31]]


@pytest.mark.parametrize("level", [*LEVELS, "off"])
def test_nothing_is_found_where_there_is_nothing(level):
    with at_level(level):
        for levels, valid in ((np.zeros((1, 1)), True), (np.zeros((40, 7)), True), (np.full((40, 40), 50.0), False)):
            some = levels.astype(np.float32)
            assert not len(find_targets(some, np.full(some.shape, valid), 0.0, (0, 0), some.shape))


def test_pixels_that_stand_together_are_counted():
    rng = np.random.default_rng(5)
    places = np.unique(rng.integers(0, 300, (400, 2)), axis=0)
    near = (np.abs(places[:, None] - places[None]).max(2) <= target_finding.CALM_PX).sum(1)
    np.testing.assert_array_equal(target_finding._near(places), near)


def fitted_tile(seed: int = 3):
    """A tile that lost much of its targets, what was found in it and what was taken out."""
    levels, valid = scene(seed, 140, 133, 50)
    found = find_targets(levels, valid, 0.0, (0, 0), levels.shape)
    found = found.chosen(np.all((found.places >= 0) & (found.places < np.array(levels.shape)), axis=1))
    decoded = np.minimum(levels, 6 + 0.3 * levels) + np.random.default_rng(seed).normal(0, 1, levels.shape)
    own = np.ones(levels.shape, bool)
    own[:, :16] = False
    original = np.where(valid, levels, -np.inf).astype(np.float32)
    return original, found, taken_out(found, 6.0), Decoded(levels, decoded.astype(np.float32), own)


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_layer_is_fitted(level):
    layers = []
    for each in (level, "off"):
        with at_level("off"):
            tile = fitted_tile()
        with at_level(each):
            layers.append(TargetFit(*tile).run(4e5))
    fast, slow = ({bump[:2]: bump for bump in (*layer.gains, *layer.placed)} for layer in layers)
    assert len(slow) > 20 and fast.keys() == slow.keys()
    assert sum(fast[place] != slow[place] for place in slow) <= 1  # where two are as good


@pytest.mark.parametrize("level", LEVELS)
def test_no_bump_costs_more_than_the_twins(level):
    with at_level("off"):
        original, found, _, decoded = fitted_tile(7)
    tile = lambda: BumpTile.of(original, decoded.levels, decoded.own, found.ground)
    rows = [
        Bump(row, col, row, col, n, int(n % 2), 1 + n % 3 if n % 2 else 0, n % 4, 2, 30 if n % 2 else 0)
        for n, (row, col) in enumerate(found.places.tolist())
    ]
    for row in rows:
        bumps, excesses, one = np.array([row], np.int32), np.zeros(1), tile()
        with at_level(level):
            one.fit(bumps, excesses, 1, 1)
        chosen, image = Bump(*bumps[0].tolist()), one.image
        if chosen == row:
            continue
        slow = _Slow(tile())
        cost, excess = slow._costs(row)
        at = (chosen.width - row.added * (row.width > 0), chosen.amplitude - 1 if row.added else chosen.amplitude + 166)
        assert cost[at] <= cost.min() + 0.02 + 1e-4
        assert excesses[0] == pytest.approx(excess[at], rel=1e-5, abs=1e-6)
        moved = slow.tile.image.copy()
        slow._add(chosen, 1)
        np.testing.assert_allclose(image, slow.tile.image, atol=1e-4)
        assert (moved != slow.tile.image).any() or not chosen.amplitude


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_errors_are_seen(level):
    with at_level("off"):
        original, found, _, decoded = fitted_tile(9)
        tile = BumpTile.of(original, decoded.levels, decoded.own, found.ground)
        expected = tile.errors(found.places)
    with at_level(level):
        np.testing.assert_allclose(tile.errors(found.places), expected, atol=1e-6)
    assert np.count_nonzero(expected) > 20 and not expected[found.places[:, 1] < 13].any()


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_blocks_address_targets(level):
    with at_level("off"):
        tile = fitted_tile(11)
        slow = TargetFit(*tile)._addresses
    with at_level(level):
        assert TargetFit(*tile)._addresses == slow
    assert 5 < sum(block != PLACED for block, _ in slow) < len(slow)


@pytest.mark.parametrize("level", LEVELS)
def test_a_bump_that_lies_outside_is_refused(level):
    tile = BumpTile.of(np.zeros((20, 20), np.float32), np.zeros((20, 20)), np.ones((20, 20), bool), np.ones(1))
    with at_level(level):
        for wrong in (
            Bump(20, 3, 20, 3, 0, 0),
            Bump(3, -1, 3, 0, 0, 0),
            Bump(3, 3, 3, 3, 1, 0),
            Bump(3, 3, 3, 3, 0, 0, 4),
        ):
            with pytest.raises(ValueError, match="outside"):
                tile.fit(np.array([wrong], np.int32), np.zeros(1), 1, 1)
        with pytest.raises(ValueError, match="outside"):
            tile.errors(np.array([[3, 20]]))


def test_pixels_that_do_not_count_are_nothing():
    tile = BumpTile.of(np.array([[0, -np.inf]], np.float32), np.array([[5.0, 5.0]]), np.ones((1, 2), bool), np.ones(1))
    assert tile.image.tolist() == [[5.0, NOTHING_DB]] and UNIT_DB == 0.5

"""Finding targets: what stands out is found where it is, and the same from whichever tile one looks; spools give it back."""

import dataclasses

import numpy as np

from sarcodec.encoding.target_finding import Found, find_targets
from sarcodec.encoding.target_worth import taken_out
from sarcodec.format.targets import BlockGain, Placed, TargetLayer
from sarcodec.signal.bumps import REACH, Bumps, added_db, added_shapes, bumps_of


def ground(seed: int, rows: int, cols: int) -> np.ndarray:
    return (10 * np.log10(np.random.default_rng(seed).gamma(5, 0.2, (rows, cols)))).astype(np.float32)


def test_a_bump_is_found_as_what_it_is():
    levels = ground(1, 120, 120)
    levels[60 - REACH : 60 + REACH + 1, 70 - REACH : 70 + REACH + 1] += added_db(
        np.float32(45), added_shapes()[3, 1, 2]
    )
    found = find_targets(levels, np.ones(levels.shape, bool), 0.0, (0, 0), levels.shape)
    strongest = found.chosen(found.excess == found.excess.max())
    assert strongest.places.tolist() == [[60, 70]]
    assert strongest.widths.tolist() == [3] and strongest.quarters.tolist() == [[1, 2]]
    assert abs(strongest.amplitudes[0] - 90) <= 4
    assert strongest.after[0] < 0.05 * strongest.before[0]


def test_two_tiles_find_the_same_beside_their_border():
    levels = ground(2, 300, 700) + np.float32(30)
    rng = np.random.default_rng(4)
    for row, col in zip(rng.integers(20, 280, 40), rng.integers(330, 370, 40)):
        levels[row, col] += rng.uniform(12, 60)
    valid = rng.random(levels.shape) > 0.01
    left = find_targets(levels[:, :382], valid[:, :382], 31.0, (0, 0), (300, 350))
    right = find_targets(levels[:, 318:], valid[:, 318:], 31.0, (0, 32), (300, 350))
    near = [
        (f.chosen((f.places[:, 1] + at >= 330) & (f.places[:, 1] + at < 370) & (f.excess >= 10)), at)
        for f, at in ((left, 0), (right, 350))
    ]
    (one, _), (two, shift) = near
    assert len(one) > 20 and (one.places == two.places + [0, shift]).all()
    for field in dataclasses.fields(Found)[1:]:
        np.testing.assert_array_equal(getattr(one, field.name), getattr(two, field.name))
    np.testing.assert_array_equal(taken_out(one, 8.0), taken_out(two, 8.0))


def test_a_spool_gives_it_back():
    levels = ground(3, 200, 200)
    levels[50:150:20, 50:150:20] += 25
    found = find_targets(levels, np.ones(levels.shape, bool), 0.0, (0, 0), levels.shape)
    again = Found.unpack(found.pack())
    assert len(found) >= 25
    for field in dataclasses.fields(Found):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(again, field.name))


def test_a_block_has_its_bump_on_its_brightest_pixel():
    levels = ground(5, 512, 512)
    levels[83, 94] += 20
    layer = TargetLayer((BlockGain(10 * 64 + 11, 2, 8),), (Placed(3, 509, True, 0, (0, 0), 40),))
    image = np.zeros_like(levels)
    bumps_of(layer, levels).add_to(image)
    assert np.unravel_index(image[20:].argmax(), image[20:].shape) == (63, 94)
    assert image[83, 94] == 4 and image[3, 509] == 20 and np.count_nonzero(image[:, 500:]) == 1


def test_bumps_that_reach_in_are_cut():
    some = Bumps.of(np.array([[-2, 5]]), np.array([0]), np.array([3]), np.zeros((1, 2), int), np.array([20]))
    whole, part = np.zeros((40, 40), np.float32), np.zeros((20, 40), np.float32)
    Bumps(some.places + [20, 0], some.images).add_to(whole)
    some.add_to(part)
    np.testing.assert_array_equal(part, whole[20:])

"""A tile at an eighth is the means of the whole synthesis, and powers are pooled as their squares are."""

import numpy as np
import pytest

from native_levels import LEVELS, at_level
from sarcodec.errors import CorruptFile
from sarcodec.format.varint import fold, pack_varint
from sarcodec.models import published
from sarcodec.signal.lapped import CHANNELS, Borders, LappedTransform
from sarcodec.signal.overview import NOTHING, Overview, pooled_power, power_db, unpack_overview, with_overview
from sarcodec.signal.reduced import LOW_CHANNELS, ReducedSynthesis, own_samples


@pytest.fixture(scope="module")
def rotation():
    return published.load(None).transform.rotation


@pytest.mark.parametrize("shape", [(64, 96), (61, 70), (40, 33), (9, 1)])
@pytest.mark.parametrize("ends", [(True, True), (False, True), (False, False)])
def test_reduced_levels_are_means_of_the_synthesis(rotation, shape, ends):
    """All of a tile's neighbours are there; borders at an edge of the scene are not rotated."""
    n, m = (-(-length // 32) for length in shape)
    lapped = [np.array([ends[0], *[True] * (count - 1), ends[1]]) for count in (n, m)]
    low = np.random.default_rng(3).normal(0, 30, (n + 2, m + 2, LOW_CHANNELS)).astype(np.float32)
    latents = np.zeros((n + 2, m + 2, CHANNELS), np.float32)
    latents[:, :, :LOW_CHANNELS] = low
    whole = LappedTransform(rotation).synthesised(latents, Borders(*lapped))[: shape[0], : shape[1]]
    found = ReducedSynthesis(rotation).levels(low, shape, (lapped[0], lapped[1]))
    assert found.shape == tuple(-(-length // 8) for length in shape)
    for row, col in np.ndindex(*found.shape):
        block = whole[8 * row : 8 * row + 8, 8 * col : 8 * col + 8]
        assert found[row, col] == pytest.approx(block.mean(), abs=2e-3)
    own = own_samples(found.shape, (lapped[0], lapped[1]))
    alone = np.zeros_like(low)
    alone[1:-1, 1:-1] = low[1:-1, 1:-1]
    if own is not None:
        by_itself = ReducedSynthesis(rotation).levels(alone, shape, (lapped[0], lapped[1]))
        np.testing.assert_allclose(by_itself[own], found[own], atol=1e-3)


def test_a_narrow_tile_between_borders_has_nothing_of_its_own():
    assert own_samples((64, 2), (np.array([True, True]), np.array([True, False]))) is None
    assert own_samples((64, 3), (np.array([True, True]), np.array([True, False]))) == np.s_[2:62, 2:3]


@pytest.mark.parametrize("side", [2, 3, 4])
def test_pooled_power_is_the_mean_of_what_is_valid(side):
    random = np.random.default_rng(side)
    levels, valid = random.uniform(-30, 60, (11, 14)).astype(np.float32), random.random((11, 14)) < 0.5
    valid[:side, :side] = False
    found = pooled_power(levels, valid, side)
    assert found[0, 0] == 0
    for row, col in np.ndindex(*found.shape):
        place = np.s_[side * row : side * row + side, side * col : side * col + side]
        if valid[place].any():
            mean = (10 ** (levels[place][valid[place]].astype(float) / 10)).mean()
            assert found[row, col] == pytest.approx(10 * np.log10(mean), abs=1e-4)


OVERVIEWS = [
    NOTHING,
    Overview((1, 0, 0, 0, 0)),
    Overview((0,) * 5, (0, 1, 99), (-4095, 0, 4095)),
    Overview((-4095, 4095, -3, 64, 0), (7,), (60,)),
]


@pytest.mark.parametrize("overview", OVERVIEWS)
def test_an_overview_comes_back(overview):
    data = overview.pack()
    assert (unpack_overview(data, 100) if data else NOTHING) == overview


@pytest.mark.parametrize(
    "numbers, complaint",
    [
        ([0] * 5, "say nothing"),
        ([2, 0, 0, 0], "4 numbers"),
        ([2, 0, 0, 0, 0, 5], "6 numbers"),
        ([fold(4096), 0, 0, 0, 0], "4096 or more"),
        ([fold(4000), fold(200), 0, 0, 0], "4096 or more"),
        ([0, 0, 0, 0, 0, 3, fold(-4096)], "4096 or more"),
        ([0, 0, 0, 0, 0, 99, 2, 0, 2], "pixel 100 of 100"),
        ([0, 0, 0, 0, 0, 2**32 - 1, 2], "of 100"),
    ],
)
def test_an_overview_that_no_encoder_writes(numbers, complaint):
    with pytest.raises(CorruptFile, match=complaint):
        unpack_overview(b"".join(map(pack_varint, numbers)), 100)


@pytest.mark.parametrize("data", [b"", b"\x02\x00", b"\x02\x00\x00\x00\x80", b"\x02\x00\x00\x00\x80\x00", b"\xff" * 9])
def test_an_overview_of_other_bytes(data):
    with pytest.raises(CorruptFile):
        unpack_overview(data, 100)


@pytest.mark.parametrize("level", ["off", *LEVELS])
def test_corrections_hold_at_their_knots(level):
    levels = np.linspace(0, 10, 64, dtype=np.float32).reshape(8, 8)
    knots, power = np.array([1.0, 3, 5, 7, 9]), (64, 128, -64, 0, 32)
    wanted = 10 * np.log10(np.interp(levels, knots, 10 ** (np.array(power) / 640)))
    with at_level(level):
        np.testing.assert_allclose(power_db(levels, knots, power), wanted, atol=1e-4)


def test_spots_are_what_they_say_whatever_the_level():
    levels = np.zeros((4, 6), np.float32)
    found = with_overview(levels, None, Overview((64,) * 5, (1, 23), (-8, 100)), 45.5)
    assert found[0, 1] == 43.5 and found[3, 5] == 70.5
    np.testing.assert_allclose(np.delete(found.reshape(-1), [1, 23]), 1, atol=1e-4)
    assert (levels == 0).all()

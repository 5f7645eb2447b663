"""The land: every kind at its level, windows that agree, and presets that are what they are called."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.errors import InvalidArgument
from sarcodec.simulate.land import NOISE_FLOOR_DB, PRESETS, Land

# Median sigma nought in dB of a preset: VV from, to, VH from, to (noise floor of -24 dB added).
LEVELS = {
    "sea": (-18, -12, -24, -20),
    "ships": (-18, -12, -24, -20),
    "fields": (-14, -8, -20, -14),
    "forest": (-10, -7, -15, -11),
    "river": (-14, -7, -20, -12),
    "mountain": (-14, -6, -19, -11),
    "city": (-8, 3, -14, -4),
}


def median_db(image: np.ndarray) -> float:
    return float(10 * np.log10(np.median(image)))


@pytest.mark.parametrize("preset", sorted(LEVELS))
def test_levels_of_each_preset(preset):
    vv, vh = Land(preset, 3).window(1000, 2000, 384, 384)
    low, high, low_vh, high_vh = LEVELS[preset]
    assert low <= median_db(vv) <= high
    assert low_vh <= median_db(vh) <= high_vh
    assert min(vv.min(), vh.min()) > 10 ** (NOISE_FLOOR_DB / 10)


def test_levels_cover_every_preset():
    assert set(LEVELS) | {"mixed", "homogeneous"} == set(PRESETS)


def test_homogeneous_is_one_level_a_band():
    vv, vh = Land("homogeneous", 3).window(-5, 7, 200, 200)
    assert np.unique(vv).size == np.unique(vh).size == 1 and vv[0, 0] > vh[0, 0]


@settings(max_examples=12, deadline=None)
@given(st.integers(-200, 500), st.integers(-200, 500), st.integers(1, 200), st.integers(1, 200))
def test_a_window_equals_the_same_pixels_of_the_whole(row, col, rows, cols):
    alone = Land("mixed", 11).window(row, col, rows, cols)
    assert np.array_equal(alone, _WHOLE[:, row + 200 : row + 200 + rows, col + 200 : col + 200 + cols])


_WHOLE = Land("mixed", 11).window(-200, -200, 900, 900)


def test_mixed_has_sea_land_and_bright_points():
    vv_db = 10 * np.log10(Land("mixed", 7).window(0, 0, 768, 768)[0])
    shares = [(vv_db < -13.5).mean(), ((vv_db > -12) & (vv_db < -6)).mean(), (vv_db > 0).mean()]
    assert shares[0] > 0.1 and shares[1] > 0.1 and 0.001 < shares[2] < 0.2


def test_ships_are_bright_clusters_on_dark_sea():
    vv = Land("ships", 2).window(0, 0, 768, 768)[0]
    bright = vv > 1
    assert 0.0005 < bright.mean() < 0.02
    assert vv.max() > 10**2.5
    neighbours = bright[1:-1, 1:-1] & (bright[:-2, 1:-1] | bright[2:, 1:-1] | bright[1:-1, :-2] | bright[1:-1, 2:])
    assert neighbours.sum() > 0.8 * bright[1:-1, 1:-1].sum()


def test_mountains_are_bright_before_the_crest_and_dark_behind():
    vv_db = 10 * np.log10(Land("mountain", 5).window(0, 0, 512, 512)[0])
    assert np.percentile(vv_db, 98) - np.percentile(vv_db, 2) > 8


def test_seeds_differ_and_repeat():
    first, second = Land("mixed", 1).window(0, 0, 128, 128), Land("mixed", 2).window(0, 0, 128, 128)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, Land("mixed", 1).window(0, 0, 128, 128))
    assert not np.array_equal(first, Land("mixed", 1 + 2**32).window(0, 0, 128, 128))


def test_land_goes_on_far_from_the_origin():
    far = Land("mixed", 1).window(26000, 60000, 130, 130)
    assert np.isfinite(far).all() and not np.array_equal(far, Land("mixed", 1).window(0, 0, 130, 130))


def test_unknown_preset_names_the_known_ones():
    with pytest.raises(InvalidArgument, match="moon.*mixed.*mountain"):
        Land("moon")

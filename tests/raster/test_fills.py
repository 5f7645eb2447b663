"""Fill values that nobody declared are told from measurements."""

import numpy as np
import pytest

from raster.meanings import (
    COLS,
    LOWEST,
    NAN,
    ROWS,
    db,
    dn,
    framed,
    meaning_of,
    power,
    scaled_db,
)
from sarcodec.errors import UnsupportedScene
from sarcodec.raster.distribution import find_fills, hidden_values
from sarcodec.signal.radiometry import Measure, valid_mask


@pytest.mark.parametrize("fill", [-2, -99, -999, -9999, -32768, LOWEST, 1000, 0.125])
def test_fills_are_spikes_or_usual_values_far_away(fill):
    assert find_fills(framed(power(), fill).reshape(-1)) == (fill,)


def test_clipped_and_quantised_values_are_no_fills():
    assert find_fills(np.clip(db(), -25, -5).reshape(-1)) == ()
    assert find_fills(np.clip(dn(dtype="uint8", mean=200), 1, 255).reshape(-1)) == ()
    assert find_fills(np.rint(db()).reshape(-1)) == () and find_fills(np.full(999, 7, np.uint16)) == ()
    assert find_fills(np.repeat(np.array([1, 2, 3], np.uint8), 999)) == () and find_fills(np.zeros(0, np.float32)) == ()


@pytest.mark.parametrize("fill", [1e-30, 1e-10, 1e-5])
@pytest.mark.parametrize("pixels", [25, 240, ROWS * COLS // 2])
def test_a_floor_far_below_all_others_in_db_is_fill(fill, pixels):
    """10 log10 of it would be hundreds of dB below its neighbours."""
    filled = power().reshape(-1)
    filled[:pixels] = fill
    assert find_fills(filled) == (float(np.float32(fill)),)


@pytest.mark.parametrize("fill", [-30, -40, -1, 50])
def test_fill_just_beyond_all_levels(fill):
    assert find_fills(framed(db(), fill).reshape(-1)) == (fill,)
    clipped = np.clip(db(), -19, -8).reshape(-1)
    assert find_fills(clipped) == ()


@pytest.mark.parametrize("fill", [127, 255, 10_000])
def test_a_few_fills_do_not_turn_db_of_dn_into_dn(fill):
    """A value that a thousandth of the pixels have lifts the highest quantiles."""
    levels = (20 * np.log10(dn())).astype(np.float32)
    levels[0, :25] = fill
    with pytest.raises(UnsupportedScene, match="may be amplitudes or dB"):
        meaning_of(levels)


def test_whole_numbers_that_are_kept_as_measurements_are_not_said_to_be_fill():
    (found,) = meaning_of(framed(dn(), 255))
    assert found.measure == Measure("amplitude") and "fill" not in found.why


def test_two_fills_and_few_pixels_of_a_usual_one():
    pixels = framed(db(), -9999)
    pixels[5, 100:102] = -99
    assert find_fills(pixels.reshape(-1)) == (-9999, -99)


@pytest.mark.parametrize("fill", [-9999.0, 0.0, -99.0])
def test_fill_of_db_is_invalid_and_said(fill):
    pixels = framed(db(), fill)
    (found,) = meaning_of(pixels)
    assert found.measure == Measure("db", fills=(fill,)) and f"{fill:g}" in found.why
    assert np.array_equal(valid_mask(pixels, found.measure), pixels != fill)


@pytest.mark.parametrize(
    "dtype, scale, offset, fill",
    [("int16", 0.01, 0.0, 0), ("int16", 0.01, 0.0, -9999), ("int16", 0.01, -20.0, 0), ("uint8", 0.2, -50.0, 255), ("uint8", 0.2, -50.0, 0)],
)  # fmt: skip
@pytest.mark.parametrize("unit", ["dB", None])
def test_undeclared_fill_of_scaled_db(dtype, scale, offset, fill, unit):
    """Also where it lies next to the levels, or among them."""
    pixels = framed(np.minimum(scaled_db(dtype, scale, offset), 245 if dtype == "uint8" else 30_000), fill)
    (found,) = meaning_of(pixels, scales=(scale,), offsets=(offset,), units=(unit,))
    assert found.measure == Measure("db", scale, offset, fills=(float(fill),))
    assert not valid_mask(pixels, found.measure)[:, :20].any()
    assert np.array_equal(valid_mask(pixels, found.measure)[:, 20:], pixels[:, 20:] != fill)


def test_levels_that_are_clipped_are_no_fill():
    for low, high in ((-20, -10), (-17, -5), (-40, -9)):
        pixels = np.clip(np.rint(db() / 0.25), low / 0.25, high / 0.25).astype(np.int16)
        assert find_fills(pixels.reshape(-1)) == ()


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_saturated_pixels_of_a_stretched_image_are_no_fill(step):
    """A stretch leaves gaps between values, and one pixel in thirty at the end of the type."""
    pixels = np.minimum(np.rint(dn(mean=190) / step) * step, 255).astype(np.uint8)
    assert np.mean(pixels == 255) > 0.005
    assert find_fills(pixels.reshape(-1)) == () and meaning_of(pixels)[0].measure == Measure("amplitude")


def test_fill_that_is_invalid_anyway_is_not_listed():
    assert meaning_of(framed(power(), -9999))[0].measure == Measure("power")
    assert meaning_of(framed(dn(dtype="int16"), -9999))[0].measure == Measure("amplitude")
    assert meaning_of(framed(dn(), 65535))[0].measure == Measure("amplitude", fills=(65535.0,))


def test_values_that_a_mask_hides():
    masked = np.zeros((ROWS, COLS), bool)
    masked[:, :20] = True
    (found,) = meaning_of(framed(dn(), 7000), masked=masked)
    assert found.hidden == (7000.0,) and found.measure == Measure("amplitude")
    assert meaning_of(dn(), masked=masked)[0].hidden == ()
    assert np.isnan(hidden_values(np.full(9, NAN, np.float32), np.ones(9, bool))[0])

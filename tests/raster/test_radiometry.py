"""Levels in dB and back: exact where it can be, and no valid pixel ever turns invalid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from sarcodec.errors import InvalidArgument, UnsupportedScene
from sarcodec.raster.radiometry import (
    check_domain,
    fill_invalid,
    guess_domain,
    normalise,
    resolve_domain,
    restore,
    valid_mask,
)

NAN, INF = float("nan"), float("inf")
F32 = np.finfo(np.float32)
PAIRS = [(dtype, domain) for dtype in ("uint8", "uint16", "int16", "float32") for domain in ("amplitude", "power")]
PAIRS.append(("float32", "db"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@pytest.mark.parametrize("domain", ["amplitude", "power"])
def test_every_dn_comes_back_exactly(dtype, domain):
    pixels = np.arange(1, np.iinfo(dtype).max + 1).astype(dtype)[None]
    level_db, valid = normalise(pixels, domain)
    assert valid.all() and level_db.dtype == np.float32
    assert np.array_equal(restore(level_db, domain, dtype), pixels)


def test_level_formula():
    assert normalise(np.array([[100]], np.uint16), "amplitude")[0] == 40
    assert normalise(np.array([[100]], np.float32), "power")[0] == 20
    assert normalise(np.array([[-7.5]], np.float32), "db")[0] == -7.5


@given(npst.arrays(np.float32, (3, 5), elements=st.floats(float(F32.tiny), float(F32.max), width=32)))
def test_positive_floats_come_back_within_1e_5(pixels):
    for domain in ("amplitude", "power"):
        level_db, valid = normalise(pixels, domain)
        assert valid.all()
        assert np.allclose(restore(level_db, domain, "float32"), pixels, rtol=1e-5, atol=0)


@given(npst.arrays(np.float32, (3, 5), elements=st.floats(width=32)))
def test_db_is_itself(pixels):
    level_db, valid = normalise(pixels, "db")
    assert np.array_equal(valid, np.isfinite(pixels)) and (level_db[~valid] == 0).all()
    assert np.array_equal(restore(level_db, "db", "float32")[valid], pixels[valid])


@pytest.mark.parametrize("domain", ["amplitude", "power"])
def test_smallest_subnormal_has_a_level_and_comes_back(domain):
    pixels = np.array([[F32.smallest_subnormal]], np.float32)
    level_db, valid = normalise(pixels, domain)
    assert valid.all() and np.isfinite(level_db).all() and level_db < -440
    assert restore(level_db, domain, "float32") == pixels


@pytest.mark.parametrize("dtype, domain", PAIRS)
def test_valid_mask_follows_the_definition(dtype, domain):
    limits = np.iinfo(dtype) if dtype != "float32" else F32
    values = [0, 1, 2, 77, limits.max] + ([] if dtype.startswith("u") else [-1, -77, limits.min])
    if dtype == "float32":
        values += [-0.0, NAN, -NAN, INF, -INF, 0.1, F32.tiny, F32.smallest_subnormal, -F32.smallest_subnormal]
    pixels = np.array([values], dtype)
    for nodata in (None, 0, 77, -77, 0.1, NAN, INF, float(limits.max), 1e300, -1e300, 12345678, 77.5):
        expected = np.isfinite(pixels) & (True if domain == "db" else pixels > 0)
        if nodata is not None:
            with np.errstate(over="ignore"):
                wanted = np.float32(nodata) if dtype == "float32" else np.float64(nodata)
            expected &= pixels != wanted
        assert np.array_equal(valid_mask(pixels, domain, nodata), expected), nodata
        level_db, valid = normalise(pixels, domain, nodata)
        assert np.array_equal(valid, expected) and np.isfinite(level_db).all() and (level_db[~valid] == 0).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype, domain", PAIRS)
def test_no_valid_pixel_becomes_invalid(dtype, domain):
    extremes = [0, -0.0, 1, 1e-30, -900, 900, -3e38, 3e38, F32.max, -F32.max, INF, -INF, F32.smallest_subnormal]
    near = np.linspace(-10, 110, 20001)
    level_db = np.concatenate([extremes, near]).astype(np.float32)[None]
    top = 0 if dtype == "float32" else np.iinfo(dtype).max
    choices = [None, 0, 1, 2, 77, 255, top, -1, NAN, INF, 1e300, float(F32.max), -float(F32.max), 0.1]
    for nodata in [*choices, float(F32.tiny), float(F32.smallest_subnormal)]:
        pixels = restore(level_db, domain, dtype, nodata)
        assert pixels.dtype == dtype and pixels.shape == level_db.shape
        assert valid_mask(pixels, domain, nodata).all(), nodata


@settings(max_examples=60)
@given(st.sampled_from(PAIRS), st.floats(width=32, allow_nan=False), st.floats(width=32, allow_nan=False))
def test_no_valid_pixel_becomes_invalid_whatever_nodata(pair, level, nodata):
    dtype, domain = pair
    levels = np.array([[level, 0.0, 20.0]], np.float32)
    if domain == "db":
        levels[0, 1] = nodata
    assert valid_mask(restore(levels, domain, dtype, nodata), domain, nodata).all()


def test_nodata_is_avoided_by_one_step_only():
    ten = normalise(np.full((1, 1), 10, np.uint16), "amplitude")[0]
    assert restore(ten, "amplitude", "uint16", 10) == 11
    assert restore(ten + 200, "amplitude", "uint16", 65535) == 65534
    zero = np.zeros((1, 1), np.float32)
    assert restore(zero - 3, "db", "float32", -3.0) == np.nextafter(np.float32(-3), np.float32(0))
    assert 0 < restore(zero, "db", "float32", 0.0) < 1e-37


def test_nan_levels_are_refused():
    with pytest.raises(InvalidArgument, match="NaN"):
        restore(np.array([[NAN]], np.float32), "db", "float32")


def test_domain_errors():
    with pytest.raises(InvalidArgument, match="float32 dB"):
        check_domain("db", "uint16")
    with pytest.raises(InvalidArgument, match="expected auto, amplitude, power, db"):
        check_domain("decibel", "float32")
    with pytest.raises(InvalidArgument, match="float64|<f8"):
        valid_mask(np.zeros((1, 1)), "power")
    assert resolve_domain("power", np.ones((2, 2), np.uint16)) == "power"
    assert resolve_domain("auto", np.ones((2, 2), np.uint16)) == "amplitude"


def speckle(mean):
    return (np.random.default_rng(1).gamma(4.4, mean / 4.4, (64, 64))).astype(np.float32)


@pytest.mark.parametrize(
    "sample, nodata, hints, expected",
    [
        (speckle(0.05), None, (), "power"),
        (10 * np.log10(speckle(0.05)), None, (), "db"),
        (10 * np.log10(speckle(0.05)), None, ("linear power",), "db"),
        (10 * np.log10(speckle(1e4)), None, ("Sigma0_VV_db",), "db"),
        (speckle(100), None, (), "amplitude"),
        (speckle(100), None, ("VV", "sigma0 x 1000"), "power"),
        (speckle(1), None, ("unit: DN",), "amplitude"),
        (speckle(0.05) - np.float32(0.02), None, (), "power"),
        (np.where(speckle(0.05) > 0.05, np.float32(-9999), speckle(0.05)), -9999, (), "power"),
        (np.full((4, 4), NAN, np.float32), NAN, (), "power"),
        (np.zeros((0,), np.float32), None, (), "power"),
        (speckle(100).astype(np.uint8), None, ("dB",), "amplitude"),
        (np.where(np.arange(4096).reshape(64, 64) < 9, -1, speckle(100)).astype(np.int16), None, (), "amplitude"),
        (np.where(speckle(1) > 1, -32768, speckle(100)).astype(np.int16), -32768, (), "amplitude"),
    ],
)
def test_guess_domain(sample, nodata, hints, expected):
    assert guess_domain(sample, nodata, hints) == expected


def test_scaled_db_in_int16_is_refused():
    with pytest.raises(UnsupportedScene, match="scaled dB, convert it to float32 dB"):
        guess_domain((1000 * np.log10(speckle(0.05))).astype(np.int16))


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 2**32 - 1))
def test_fill_keeps_valid_and_stays_between_them(rows, cols, share, seed):
    random = np.random.default_rng(seed)
    level_db = random.normal(0, 10, (rows, cols)).astype(np.float32)
    valid = random.random((rows, cols)) < share
    filled = fill_invalid(level_db, valid)
    assert filled.shape == level_db.shape and filled.dtype == np.float32
    assert np.array_equal(filled[valid], level_db[valid])
    if valid.any():
        assert filled.min() >= level_db[valid].min() - 1e-4 and filled.max() <= level_db[valid].max() + 1e-4
    else:
        assert (filled == 0).all()


def test_fill_of_a_constant_is_constant_and_of_a_ramp_is_smooth():
    valid = np.ones((100, 100), bool)
    valid[20:80, 20:80] = False
    flat = fill_invalid(np.where(valid, np.float32(30), np.float32(-999)), valid)
    assert np.allclose(flat, 30, atol=1e-4)
    ramp = np.tile(np.arange(100, dtype=np.float32), (100, 1))
    filled = fill_invalid(np.where(valid, ramp, np.float32(-999)), valid)
    assert np.abs(np.diff(filled, axis=1)).max() < 12 and np.abs(filled - ramp).max() < 30


def test_fill_takes_the_largest_levels():
    valid = np.ones((5, 5), bool)
    valid[2, 2] = False
    assert np.isfinite(fill_invalid(np.full((5, 5), F32.max), valid)).all()

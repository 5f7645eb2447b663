"""Levels in dB and back: exact where it can be, and no valid pixel ever turns invalid."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from sarcodec.errors import InvalidArgument
from sarcodec.signal.filling import fill_invalid
from sarcodec.signal.radiometry import Measure, normalise, restore, valid_mask

NAN, INF = float("nan"), float("inf")
F32 = np.finfo(np.float32)
PAIRS = [(dtype, domain) for dtype in ("uint8", "uint16", "int16", "float32") for domain in ("amplitude", "power")]
PAIRS += [
    ("float32", "db"),
    ("uint8", "db"),
    ("int16", "db"),
    ("uint32", "power"),
    ("int32", "amplitude"),
    ("int8", "amplitude"),
]
PAIRS += [("float64", domain) for domain in ("amplitude", "power", "db")]
AMPLITUDE, POWER, DB = map(Measure, ("amplitude", "power", "db"))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@pytest.mark.parametrize("domain", ["amplitude", "power"])
def test_every_dn_comes_back_exactly(dtype, domain):
    pixels = np.arange(1, np.iinfo(dtype).max + 1).astype(dtype)[None]
    level_db, valid = normalise(pixels, Measure(domain))
    assert valid.all() and level_db.dtype == np.float32
    assert np.array_equal(restore(level_db, Measure(domain), dtype), pixels)


def test_level_formula():
    assert normalise(np.array([[100]], np.uint16), AMPLITUDE)[0] == 40
    assert normalise(np.array([[100]], np.float32), POWER)[0] == 20
    assert normalise(np.array([[-7.5]], np.float32), DB)[0] == -7.5


@given(npst.arrays(np.float32, (3, 5), elements=st.floats(float(F32.tiny), float(F32.max), width=32)))
def test_positive_floats_come_back_within_1e_5(pixels):
    for domain in ("amplitude", "power"):
        level_db, valid = normalise(pixels, Measure(domain))
        assert valid.all()
        assert np.allclose(restore(level_db, Measure(domain), "float32"), pixels, rtol=1e-5, atol=0)


@given(npst.arrays(np.float32, (3, 5), elements=st.floats(width=32)))
def test_db_is_itself(pixels):
    level_db, valid = normalise(pixels, DB)
    assert np.array_equal(valid, np.isfinite(pixels)) and (level_db[~valid] == 0).all()
    assert np.array_equal(restore(level_db, DB, "float32")[valid], pixels[valid])


@pytest.mark.parametrize("domain", ["amplitude", "power"])
def test_smallest_subnormal_has_a_level_and_comes_back(domain):
    pixels = np.array([[F32.smallest_subnormal]], np.float32)
    level_db, valid = normalise(pixels, Measure(domain))
    assert valid.all() and np.isfinite(level_db).all() and level_db < -440
    assert restore(level_db, Measure(domain), "float32") == pixels


@pytest.mark.parametrize("dtype, domain", PAIRS)
def test_valid_mask_follows_the_definition(dtype, domain):
    floats = dtype.startswith("float")
    limits = np.finfo(dtype) if floats else np.iinfo(dtype)
    values = [0, 1, 2, 77, limits.max] + ([] if dtype.startswith("u") else [-1, -77, limits.min])
    if floats:
        values += [-0.0, NAN, -NAN, INF, -INF, 0.1, F32.tiny, F32.smallest_subnormal, -F32.smallest_subnormal]
    pixels = np.array([values], dtype)
    for nodata in (None, 0, 77, -77, 0.1, NAN, INF, float(limits.max), 1e300, -1e300, 12345678, 77.5):
        expected = np.isfinite(pixels) & (True if domain == "db" else pixels > 0)
        if nodata is not None:
            with np.errstate(over="ignore"):
                wanted = np.dtype(dtype).type(nodata) if floats else np.float64(nodata)
            expected &= pixels != wanted
        assert np.array_equal(valid_mask(pixels, Measure(domain, nodata=nodata)), expected), nodata
        level_db, valid = normalise(pixels, Measure(domain, nodata=nodata))
        assert np.array_equal(valid, expected) and np.isfinite(level_db).all() and (level_db[~valid] == 0).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype, domain", PAIRS)
def test_no_valid_pixel_becomes_invalid(dtype, domain):
    extremes = [0, -0.0, 1, 1e-30, -900, 900, -3e38, 3e38, F32.max, -F32.max, INF, -INF, F32.smallest_subnormal]
    near = np.linspace(-10, 110, 20001)
    level_db = np.concatenate([extremes, near]).astype(np.float32)[None]
    top = 0 if dtype.startswith("float") else np.iinfo(dtype).max
    choices = [None, 0, 1, 2, 77, 255, top, -1, NAN, INF, 1e300, float(F32.max), -float(F32.max), 0.1]
    for nodata in [*choices, float(F32.tiny), float(F32.smallest_subnormal)]:
        pixels = restore(level_db, Measure(domain, nodata=nodata), dtype)
        assert pixels.dtype == dtype and pixels.shape == level_db.shape
        assert valid_mask(pixels, Measure(domain, nodata=nodata)).all(), nodata


@settings(max_examples=60)
@given(st.sampled_from(PAIRS), st.floats(width=32, allow_nan=False), st.floats(width=32, allow_nan=False))
def test_no_valid_pixel_becomes_invalid_whatever_nodata(pair, level, nodata):
    dtype, domain = pair
    levels = np.array([[level, 0.0, 20.0]], np.float32)
    if domain == "db":
        levels[0, 1] = nodata
    assert valid_mask(restore(levels, Measure(domain, nodata=nodata), dtype), Measure(domain, nodata=nodata)).all()


def test_nodata_is_avoided_by_one_step_only():
    ten = normalise(np.full((1, 1), 10, np.uint16), AMPLITUDE)[0]
    assert restore(ten, Measure("amplitude", nodata=10), "uint16") == 11
    assert restore(ten, Measure("amplitude", nodata=10, fills=(11.0, 12.0)), "uint16") == 13
    assert restore(ten + 200, Measure("amplitude", nodata=65535), "uint16") == 65534
    assert restore(ten + 200, Measure("amplitude", nodata=65535, fills=(65534.0,)), "uint16") == 65533
    zero = np.zeros((1, 1), np.float32)
    assert restore(zero - 3, Measure("db", nodata=-3.0), "float32") == np.nextafter(np.float32(-3), np.float32(0))
    assert 0 < restore(zero, Measure("db", nodata=0.0), "float32") < 1e-37


def test_nan_levels_are_refused():
    with pytest.raises(InvalidArgument, match="NaN"):
        restore(np.array([[NAN]], np.float32), DB, "float32")


def test_measures_that_mean_nothing_are_refused():
    with pytest.raises(InvalidArgument, match="expected auto, amplitude, power, db"):
        Measure("decibel")
    with pytest.raises(InvalidArgument, match="scale 0"):
        Measure("db", 0.0)
    with pytest.raises(InvalidArgument, match="above 0"):
        Measure("power", -1.0)
    with pytest.raises(InvalidArgument, match="fills"):
        Measure("db", fills=(NAN,))
    with pytest.raises(InvalidArgument, match="<c8"):
        valid_mask(np.zeros((1, 1), np.complex64), POWER)


@pytest.mark.parametrize(
    "dtype, scale, offset", [("uint8", 0.2, -50.0), ("int16", 0.01, 0.0), ("uint16", -0.01, 10.0), ("int8", 1.0, 0.0)]
)
def test_every_scaled_db_value_has_its_level_and_comes_back(dtype, scale, offset):
    limits, measure = np.iinfo(dtype), Measure("db", scale, offset)
    pixels = np.arange(limits.min, limits.max + 1).astype(dtype)[None]
    level_db, valid = normalise(pixels, measure)
    assert valid.all() and level_db.dtype == np.float32
    assert np.array_equal(level_db, (pixels * scale + offset).astype(np.float32))
    assert np.array_equal(restore(level_db, measure, dtype), pixels)


@pytest.mark.parametrize("dtype", ["int32", "uint32", "float64"])
def test_large_types_have_levels(dtype):
    pixels = np.array([[1, 10, 100_000, 2_000_000_000]], dtype)
    level_db, valid = normalise(pixels, AMPLITUDE)
    assert valid.all() and level_db[0].tolist() == pytest.approx([0, 20, 100, 186.0206])
    assert restore(level_db, AMPLITUDE, dtype)[0].tolist() == pytest.approx(pixels[0].tolist(), rel=1e-5)


def test_scale_and_offset_of_linear_pixels():
    measure = Measure("power", 0.001, -0.5, nodata=700.0, fills=(800.0,))
    pixels = np.array([[0, 500, 501, 700, 800, 1500]], np.uint16)
    level_db, valid = normalise(pixels, measure)
    assert valid.tolist() == [[False, False, True, False, False, True]]
    assert level_db[0, [2, 5]].tolist() == pytest.approx([-30, 0], abs=1e-5)
    found = restore(np.array([[-1000, -30, 0, 1000]], np.float32), measure, "uint16")
    assert found.tolist() == [[501, 501, 1500, 65535]]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(PAIRS), st.floats(1e-6, 1e6), st.floats(-1e5, 1e5) | st.just(0.0), st.lists(st.integers(-3, 130), max_size=9),
    st.integers(0, 2**32 - 1), st.booleans(),
)  # fmt: skip
def test_whatever_the_measure_no_valid_pixel_becomes_invalid(pair, scale, offset, avoided, seed, turned):
    dtype, domain = pair
    measure = Measure(domain, -scale if turned and domain == "db" else scale, offset, fills=tuple(map(float, avoided)))
    some = restore(np.random.default_rng(seed).uniform(-1000, 1000, (3, 50)).astype(np.float32), measure, dtype)
    if domain != "db" and not valid_mask(np.arange(1 << 8).astype(dtype), Measure(domain, scale, offset)).any():
        return  # nothing, or next to nothing, of the type is valid
    assert valid_mask(some, measure).all()
    level_db, valid = normalise(some, measure)
    assert valid.all() and np.isfinite(level_db).all()


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

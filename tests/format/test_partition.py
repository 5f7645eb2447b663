"""Levels of bounded error, against the definition in docs/format.md, 14.2, computed another way."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.errors import CorruptFile, UnsupportedScene
from sarcodec.format import partition as levels
from sarcodec.format.measure import Measure

DB = Measure("db")


@pytest.mark.parametrize(
    "bound, domain, root", [(500, "amplitude", 20_000), (1000, "amplitude", 20_000), (70, "power", 10_000)]
)
def test_ratio_is_the_exact_floor(bound, domain, root):
    """K^root <= 2^(32 root) 10^bound < (K + 1)^root, in whole numbers; fractions cancelled."""
    found, common = levels.ratio(bound, domain), int(np.gcd(bound, root))
    power, ten = root // common, bound // common
    assert found**power <= (1 << 32 * power) * 10**ten < (found + 1) ** power


def test_ratio_of_whole_decades():
    assert levels.ratio(20_000, "amplitude") == 10 << 32 and levels.ratio(20_000, "power") == 100 << 32
    assert levels.ratio(10_000, "power") == 10 << 32


@pytest.mark.parametrize(
    "dtype, domain, bound", [("uint16", "amplitude", 500), ("uint8", "power", 100), ("int16", "amplitude", 3000)]
)
def test_integers_have_the_fewest_intervals_and_all_hold(dtype, domain, bound):
    table, factor = levels.partition(dtype, domain, bound), Fraction(levels.ratio(bound, domain), 1 << 32)
    ends = [*(int(n) - 1 for n in table.firsts[1:]), int(np.iinfo(dtype).max)]
    assert table.firsts[0] == 1
    for first, value, last in zip(table.firsts.tolist(), table.values.tolist(), ends):
        assert first <= value <= last and value <= first * factor and last <= value * factor
        if last < np.iinfo(dtype).max:  # no representative of `first` reaches further
            assert (first * factor).__floor__() * factor < last + 1


def test_small_dn_are_exact():
    table = levels.partition("uint16", "amplitude", 500)
    assert table.values[:16].tolist() == list(range(1, 17)) and table.values[16] == 18
    assert len(table.values) == 88


@pytest.mark.parametrize("domain, bound", [("amplitude", 500), ("power", 3000)])
def test_floats_cover_every_positive_number_within_the_bound(domain, bound):
    table = levels.partition("float32", domain, bound)
    value = lambda bits: Fraction(float(np.uint32(bits).view(np.float32)))
    factor = Fraction(levels.ratio(bound, domain), 1 << 32)
    assert table.firsts[0] == 1 and (np.diff(table.firsts.astype(np.int64)) > 0).all()
    ends = [*(table.firsts[1:] - np.uint32(1)), np.uint32(levels.LARGEST_FLOAT)]
    for first, middle, last in zip(table.firsts, table.values, ends):
        assert value(middle) <= value(first) * factor and value(last) <= value(middle) * factor
        if middle < levels.LARGEST_FLOAT:
            assert value(middle + np.uint32(1)) > value(first) * factor


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["amplitude", "power"]), st.sampled_from([10, 500, 20_000]), st.data())
def test_within_decides_as_fractions_do(domain, bound, data):
    dtype = data.draw(st.sampled_from(["uint8", "int8", "uint16", "int32", "uint32", "float32"]))
    most = levels.LARGEST_FLOAT if dtype == "float32" else np.iinfo(dtype).max
    one = data.draw(st.integers(1, most))
    other = data.draw(st.integers(1, most) | st.integers(max(1, one - 9), min(most, one + 9)))
    bits = np.array([one, other], f"u{np.dtype(dtype).itemsize}").view(dtype)
    low, high = sorted(Fraction(float(x)) for x in bits)
    expected = high <= low * Fraction(levels.ratio(bound, domain), 1 << 32)
    assert bool(levels.within(bits[:1], bits[1:], Measure(domain), bound)[0]) == expected


def test_levels_of_db_are_uniform_and_never_zero():
    pixels = np.linspace(-60, 40, 100_001, dtype=np.float32)
    numbers = levels.level_numbers(pixels, DB, 500)
    decoded = levels.representatives(numbers, "float32", DB, 500)
    assert levels.within(pixels, decoded, DB, 500).all() and (decoded != 0).all()
    assert len(np.unique(numbers)) == 102
    assert decoded.tolist() == [float(np.float32((2 * k + 1) * 99_999 / 200_000)) for k in numbers.tolist()]


def test_levels_that_do_not_exist_are_corrupt():
    for level in (-1, 88):
        with pytest.raises(CorruptFile):
            levels.representatives(np.array([level]), "uint16", Measure("amplitude"), 500)


def test_bounds_that_leave_no_choice():
    amplitude, power = Measure("amplitude"), Measure("power")
    assert levels.is_identity("uint8", amplitude, 16) and not levels.is_identity("uint8", amplitude, 35)
    assert not levels.is_identity("uint16", amplitude, 1) and not levels.is_identity("int16", power, 1)
    assert not levels.is_identity("uint32", amplitude, 1) and not levels.is_identity("float64", DB, 1)
    assert levels.is_identity("uint8", Measure("db", 0.5), 499) and not levels.is_identity(
        "uint8", Measure("db", -0.5), 500
    )


SCALES = st.sampled_from([0.01, 0.2, 0.5, 0.1, 1.0, -0.01, 1e-4, 3.0, 100.0]) | st.floats(1e-6, 50).map(
    lambda x: -x if int(x * 1e6) % 2 else x
)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["uint8", "int8", "uint16", "int16"]), SCALES, st.integers(1, 20_000))
def test_scaled_db_of_whole_numbers_keeps_the_bound_exactly(dtype, scale, bound):
    """Every pixel of the type, in fractions: no other grid of the same width would be wider."""
    measure, limits = Measure("db", scale), np.iinfo(dtype)
    pixels = np.arange(limits.min, limits.max + 1).astype(dtype)
    numbers = levels.level_numbers(pixels, measure, bound)
    decoded = levels.representatives(numbers, dtype, measure, bound)
    worst = int(np.abs(pixels.astype(int) - decoded.astype(int)).max())
    exact, most = abs(Fraction(scale)), Fraction(bound, 1000)
    assert worst * exact <= most and levels.within(pixels, decoded, measure, bound).all()
    assert (worst + 1) * exact > most or len(np.unique(numbers)) <= 2
    assert levels.is_identity(dtype, measure, bound) == (exact > most)
    moved = np.clip(pixels.astype(int) + worst + 1, limits.min, limits.max).astype(dtype)
    beyond = (moved.astype(int) - pixels) * exact > most
    assert np.array_equal(levels.within(pixels, moved, measure, bound), ~beyond)


def test_zero_is_no_representative_of_scaled_db():
    measure = Measure("db", 0.01)
    numbers = np.arange(-300, 300)
    assert (levels.representatives(numbers, "int16", measure, 500) != 0).all()
    assert levels.representatives(np.array([0, 1, -1]), "int16", measure, 500).tolist() == [49, 148, -50]


def test_scaled_db_levels_that_no_pixel_has_are_corrupt():
    measure = Measure("db", 0.2)
    assert levels.representatives(np.array([0, 51]), "uint8", measure, 500).tolist() == [2, 255]
    for level in (-1, 52, 1 << 30):
        with pytest.raises(CorruptFile):
            levels.representatives(np.array([level]), "uint8", measure, 500)


@settings(max_examples=100, deadline=None)
@given(SCALES, st.integers(1, 20_000), st.sampled_from(["float32", "float64"]), st.integers(0, 2**32 - 1))
def test_float_db_with_a_scale_never_exceeds_the_bound(scale, bound, dtype, seed):
    measure = Measure("db", scale)
    pixels = (np.random.default_rng(seed).uniform(-60, 40, 500) / scale).astype(dtype)
    decoded = levels.representatives(levels.level_numbers(pixels, measure, bound), dtype, measure, bound)
    held = levels.within(pixels, decoded, measure, bound)
    exact, most = abs(Fraction(scale)), Fraction(bound, 1000)
    for one, other in zip(pixels[held].tolist(), decoded[held].tolist()):
        assert abs(Fraction(one) - Fraction(other)) * exact <= most
    assert held.mean() > 0.95 or bound < 10


@pytest.mark.parametrize("dtype", ["int32", "uint32", "float64"])
@pytest.mark.parametrize("domain", ["amplitude", "power"])
@pytest.mark.parametrize("bound", [100, 500, 20_000])
def test_large_types_keep_the_bound(dtype, domain, bound):
    random, measure = np.random.default_rng(3), Measure(domain)
    pixels = np.maximum(10 ** random.uniform(0, 9.3, 3000), 1).astype(dtype)
    if dtype == "float64":
        pixels = np.concatenate([pixels, 10 ** random.uniform(-300, 300, 300), 10 ** random.uniform(-40, 38, 3000)])
    decoded = levels.representatives(levels.level_numbers(pixels, measure, bound), dtype, measure, bound)
    held, factor = levels.within(pixels, decoded, measure, bound), Fraction(levels.ratio(bound, domain), 1 << 32)
    for one, other in zip(pixels[held].tolist(), decoded[held].tolist()):
        low, high = sorted((Fraction(one), Fraction(other)))
        assert high <= low * factor
    usual = (pixels > 1e-37) & (pixels < 1e38)
    assert held[usual].mean() > 0.999


@pytest.mark.parametrize("domain", ["amplitude", "power"])
def test_an_offset_beside_a_ratio_is_refused(domain):
    measure, pixels = Measure(domain, 1.0, 5.0), np.ones(3, np.uint16)
    for tried in (
        lambda: levels.is_identity("uint16", measure, 500),
        lambda: levels.level_numbers(pixels, measure, 500),
        lambda: levels.within(pixels, pixels, measure, 500),
    ):
        with pytest.raises(UnsupportedScene, match="offset 5.*lossless"):
            tried()

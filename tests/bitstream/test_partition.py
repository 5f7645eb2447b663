"""Levels of bounded error, against the definition in docs/format.md, 14.2, computed another way."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.bitstream import partition as levels
from sarcodec.errors import CorruptFile


@pytest.mark.parametrize("bound, domain, root", [(500, "amplitude", 20_000), (1000, "amplitude", 20_000), (70, "power", 10_000)])
def test_ratio_is_the_exact_floor(bound, domain, root):
    """K^root <= 2^(32 root) 10^bound < (K + 1)^root, in whole numbers; fractions cancelled."""
    found, common = levels.ratio(bound, domain), int(np.gcd(bound, root))
    power, ten = root // common, bound // common
    assert found**power <= (1 << 32 * power) * 10**ten < (found + 1) ** power


def test_ratio_of_whole_decades():
    assert levels.ratio(20_000, "amplitude") == 10 << 32 and levels.ratio(20_000, "power") == 100 << 32
    assert levels.ratio(10_000, "power") == 10 << 32


@pytest.mark.parametrize("dtype, domain, bound", [("uint16", "amplitude", 500), ("uint8", "power", 100), ("int16", "amplitude", 3000)])
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
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "float32"]))
    most = levels.LARGEST_FLOAT if dtype == "float32" else np.iinfo(dtype).max
    one = data.draw(st.integers(1, most))
    other = data.draw(st.integers(1, most) | st.integers(max(1, one - 9), min(most, one + 9)))
    bits = np.array([one, other], f"u{np.dtype(dtype).itemsize}").view(dtype)
    low, high = sorted(Fraction(float(x)) for x in bits)
    expected = high <= low * Fraction(levels.ratio(bound, domain), 1 << 32)
    assert bool(levels.within(bits[:1], bits[1:], domain, bound)[0]) == expected


def test_levels_of_db_are_uniform_and_never_zero():
    pixels = np.linspace(-60, 40, 100_001, dtype=np.float32)
    numbers = levels.level_numbers(pixels, "db", 500)
    decoded = levels.representatives(numbers, "float32", "db", 500)
    assert levels.within(pixels, decoded, "db", 500).all() and (decoded != 0).all()
    assert len(np.unique(numbers)) == 102
    assert decoded.tolist() == [float(np.float32((2 * k + 1) * 99_999 / 200_000)) for k in numbers.tolist()]


def test_levels_that_do_not_exist_are_corrupt():
    for level in (-1, 88):
        with pytest.raises(CorruptFile):
            levels.representatives(np.array([level]), "uint16", "amplitude", 500)


def test_bounds_that_leave_no_choice():
    assert levels.is_identity("uint8", "amplitude", 16) and not levels.is_identity("uint8", "amplitude", 35)
    assert not levels.is_identity("uint16", "amplitude", 1) and not levels.is_identity("int16", "power", 1)

"""Whole numbers in one to five bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.varint import Cursor, fold, pack_varint, unfold


@given(st.integers(0, (1 << 32) - 1))
def test_varints_round_trip(value):
    assert Cursor(pack_varint(value), "test").varint("number") == value
    assert fold(unfold(value)) == value


def test_varints_outside_the_range_are_refused():
    for value in (-1, 1 << 32):
        with pytest.raises(InvalidArgument):
            pack_varint(value)
    with pytest.raises(CorruptFile):
        Cursor(b"\xff\xff\xff\xff\x1f", "test").varint("number")

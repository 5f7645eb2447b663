"""What a tile says of its coding: bytes of known choices, and bytes that no encoder writes."""

import numpy as np
import pytest

from sarcodec.entropy.shifts import by_channel, channel_bins
from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.choices import SHIFT_MAX, Choices, read_choices
from sarcodec.format.varint import Cursor


def read(data: bytes) -> Choices:
    cursor = Cursor(data, "tile")
    found = read_choices(cursor)
    assert not cursor.left
    return found


def test_bytes_are_those_of_the_page():
    assert Choices().pack() == b"\x00" and Choices(large=True).pack() == b"\x80"
    # fold + 1: 1, 3, 4 are 1, 011, 00100
    assert Choices(shifts=(0, 1, -2)).pack() == bytes([3, 0b10110010, 0])
    assert Choices(large=True, shifts=(-1,)).pack() == bytes([129, 0b01000000])


@pytest.mark.parametrize("seed", range(20))
def test_choices_come_back(seed):
    rng = np.random.default_rng(seed)
    shifts = rng.integers(-SHIFT_MAX, SHIFT_MAX + 1, rng.integers(1, 65)) * rng.integers(0, 2)
    shifts[-1] = rng.choice([-SHIFT_MAX, -1, 1, SHIFT_MAX])
    choices = Choices(bool(seed % 2), tuple(shifts.tolist()))
    assert read(choices.pack()) == choices


@pytest.mark.parametrize(
    "data",
    [
        b"",  # nothing
        b"\x01",  # a shift without bits
        b"\x01\x80",  # the last shift 0
        b"\x01\x41",  # bits behind the last
        b"\x41" + 9 * b"\xff",  # 65 shifts
        b"\x01\x01\xff",  # 1 + 127
        b"\x01\x02\x00",  # 64: beyond the largest
        b"\x01\x00\x00",  # no leading one
    ],
)
def test_what_no_encoder_writes_is_refused(data):
    with pytest.raises(CorruptFile):
        read(data)


def test_random_bytes_are_read_as_they_would_be_written_or_refused():
    rng, fine = np.random.default_rng(1), 0
    for _ in range(3000):
        data = bytes([rng.integers(0, 6) | 128 * rng.integers(0, 2)]) + rng.bytes(9)
        cursor = Cursor(data, "tile")
        try:
            found = read_choices(cursor)
        except CorruptFile:
            continue
        assert found.pack() == data[: cursor.place]
        fine += 1
    assert fine > 100


@pytest.mark.parametrize("shifts", [(0,), (32,), (1,) * 65])
def test_choices_that_cannot_be_written_are_refused(shifts):
    with pytest.raises(InvalidArgument):
        Choices(shifts=shifts)


def test_bins_are_four_by_four_frequencies_from_low_to_high():
    pairs = sorted(((a, b) for a in range(32) for b in range(32)), key=lambda p: (p[0] ** 2 + p[1] ** 2, p[0]))
    squares = sorted(((u, v) for u in range(8) for v in range(8)), key=lambda p: (p[0] ** 2 + p[1] ** 2, p[0]))
    assert channel_bins().tolist() == [squares.index((a >> 2, b >> 2)) for a, b in pairs]
    added = by_channel((0, -3))
    assert added.tolist() == [-12 * (n == 1) for n in channel_bins()] and by_channel((0, 0)) is None

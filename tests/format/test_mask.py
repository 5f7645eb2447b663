import lzma
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec.format.mask import pack_invalid, unpack_invalid

DTYPES = ["uint8", "uint16", "int16", "float32"]


def _check(pixels, valid):
    data = pack_invalid(pixels, valid)
    again, values = unpack_invalid(data, pixels.shape, pixels.dtype)
    unsigned = f"u{pixels.dtype.itemsize}"
    expected = np.where(valid, 0, pixels.view(unsigned))
    assert np.array_equal(again, valid) and values.dtype == pixels.dtype
    assert np.array_equal(values.view(unsigned), expected)
    return data


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(DTYPES), npst.array_shapes(min_dims=2, max_dims=2, max_side=20), st.integers(0, 100))
def test_any_bit_pattern_comes_back(data, dtype, shape, percent):
    size = np.dtype(dtype).itemsize
    patterns = data.draw(npst.arrays(f"u{size}", shape))
    valid = np.random.default_rng(percent).random(shape) * 100 >= percent
    _check(patterns.view(dtype), valid)


def test_nan_payloads_infinities_and_signed_zeros_are_kept():
    pixels = np.array([[0x7FC00001, 0x7F800001, 0xFF800000, 0x80000000], [0, 0xFFFFFFFF, 0x7F800000, 1]], "u4")
    _check(pixels.view("f4"), np.zeros((2, 4), bool))


def test_sizes_of_plain_cases():
    pixels = np.zeros((512, 512), np.float32)
    valid = np.ones((512, 512), bool)
    assert _check(pixels, valid) == b""
    assert len(_check(pixels, ~valid)) == 6
    valid[:, :100] = False
    assert len(_check(pixels, valid)) < 40
    rows, cols = np.mgrid[:512, :512]
    assert len(_check(pixels, cols * 0.97 + rows * 0.13 > 150)) < 250


def test_more_patterns_than_a_palette_holds():
    rng = np.random.default_rng(0)
    pixels = -rng.random((64, 64)).astype(np.float32)
    assert len(_check(pixels, rng.random((64, 64)) > 0.3)) < 64 * 8 + 1300 * 4
    _check(pixels, np.zeros((64, 64), bool))
    _check(np.arange(256, dtype=np.uint8).reshape(16, 16), np.zeros((16, 16), bool))


def test_big_endian_and_strided_pixels_are_taken():
    pixels = np.arange(64, dtype=">i2").reshape(8, 8)[:, ::2]
    valid, values = unpack_invalid(pack_invalid(pixels, pixels > 9), (8, 4), "int16")
    assert np.array_equal(values, np.where(pixels > 9, 0, pixels)) and np.array_equal(valid, pixels > 9)


@pytest.mark.parametrize(
    "pixels, valid",
    [
        (np.zeros((2, 2), complex), np.zeros((2, 2), bool)),
        (np.zeros((2, 2), "u2"), np.zeros((2, 3), bool)),
        (np.zeros(4, "u2"), np.zeros(4, bool)),
        (np.zeros((2, 2), "u2"), np.zeros((2, 2), "u1")),
    ],
)
def test_other_input_is_refused(pixels, valid):
    with pytest.raises(InvalidArgument):
        pack_invalid(pixels, valid)


def _samples():
    rng = np.random.default_rng(1)
    valid = rng.random((13, 21)) > 0.4
    yield pack_invalid(np.zeros((13, 21), np.float32), valid)
    yield pack_invalid(rng.choice([0, np.nan, -1], (13, 21)).astype(np.float32), valid)
    yield pack_invalid(-rng.random((13, 21)).astype(np.float32), np.zeros((13, 21), bool))


def test_damaged_masks_are_refused_or_have_the_asked_shape():
    refused = total = 0
    for data in _samples():
        damaged = [data[:cut] for cut in range(1, len(data))] + [data + b"\0"]
        damaged += [data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :] for i in range(len(data))]
        for sample in damaged:
            total += 1
            try:
                valid, pixels = unpack_invalid(sample, (13, 21), "float32")
                assert valid.shape == pixels.shape == (13, 21) and not pixels.view("u4")[valid].any()
            except CorruptFile:
                refused += 1
    assert refused > total / 2


@pytest.mark.parametrize("body, flags", [(zlib.compressobj(9, zlib.DEFLATED, -15), 1), (None, 5)])
def test_bombs_are_refused_before_they_take_memory(body, flags):
    zeros = bytes(1 << 26)
    chain = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20, "lc": 0, "lp": 0, "pb": 0, "preset": 6}]
    bomb = body.compress(zeros) + body.flush() if body else lzma.compress(zeros, lzma.FORMAT_RAW, filters=chain)
    del zeros
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFile):
            unpack_invalid(bytes([flags, 1, 7, 0]) + bomb, (16, 16), "uint16")
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        b"\x10",
        b"\x00\x00",
        b"\x00\x02\x02\x01",
        b"\x00\x01",
        b"\x00\x02\x01\x02\xff",
        b"\x01\x01\x05",
        b"\x02",
        b"\x00\x01\x05\x00",
    ],
)
def test_malformed_masks_are_corrupt(data):
    with pytest.raises(CorruptFile):
        unpack_invalid(data, (4, 5), "uint8")

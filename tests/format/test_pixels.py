import lzma
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcodec.errors import CorruptFile
from sarcodec.format.container import DTYPES
from sarcodec.format.pixels import pack_pixels, unpack_pixels

ROWS, COLS = 37, 53
DOWN, ACROSS = np.mgrid[:ROWS, :COLS]


def same(pixels: np.ndarray) -> int:
    """Bytes of the section, whose pixels come back bit for bit."""
    data = pack_pixels(pixels)
    back = unpack_pixels(data, pixels.shape, pixels.dtype)
    assert back.dtype == pixels.dtype and back.shape == pixels.shape and back.tobytes() == pixels.tobytes()
    return len(data)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_bits_come_back(dtype):
    random = np.random.default_rng(1)
    size = np.dtype(dtype).itemsize
    for shape in ((1, 1), (1, 9), (8, 1), (ROWS, COLS)):
        same(np.frombuffer(random.bytes(size * shape[0] * shape[1]), dtype).reshape(shape))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.integers(1, 12),
    st.integers(1, 12),
    st.integers(1, 9),
    st.randoms(use_true_random=False),
)
def test_few_patterns_come_back(dtype, rows, cols, count, random):
    values = np.frombuffer(random.randbytes(count * np.dtype(dtype).itemsize), dtype)
    same(values[[[random.randrange(count) for _ in range(cols)] for _ in range(rows)]])


def test_what_is_smooth_or_plain_is_small():
    angle = (30 + ACROSS / 50 + DOWN / 700).astype(np.float32)
    classes = (ACROSS // 9 + DOWN // 11).astype(np.int16)
    mask = np.where(np.hypot(ACROSS - 20, DOWN - 20) < 15, 0, 255).astype(np.uint8)
    assert same(angle) < angle.nbytes / 6 and same(angle.astype(np.float64)) < angle.nbytes / 5
    assert same(classes) < 150 and same(mask) < 120
    assert same(np.full((512, 512), np.nan)) == 10 and same(np.full((512, 512), 255, np.uint8)) == 3


def test_nan_keeps_its_bits():
    pixels = np.zeros((4, 4), np.float32)
    pixels.view(np.uint32)[0] = 0x7FC12345, 0xFFC00001, 0x7F800000, 0x80000000
    same(pixels)


def test_pixels_are_not_changed_by_packing():
    for pixels in ((ACROSS * 7 % 251).astype(np.uint8), np.asfortranarray(ACROSS.astype(np.float64))):
        before = pixels.copy()
        same(pixels)
        np.testing.assert_array_equal(pixels, before)


def test_every_truncation_and_wrong_bytes_are_corrupt():
    for pixels in ((ACROSS + 3 * DOWN).astype(np.uint16), (ACROSS > 20).astype(np.uint8), np.full((3, 3), 7, np.int32)):
        data = pack_pixels(pixels)
        for cut in range(len(data)):
            with pytest.raises(CorruptFile):
                unpack_pixels(data[:cut], pixels.shape, pixels.dtype)
        with pytest.raises(CorruptFile):
            unpack_pixels(data + b"\0", pixels.shape, pixels.dtype)


def raw(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    "data",
    [
        b"\x40" + raw(bytes(6)),  # a flag of no meaning
        b"\x03" + raw(bytes(6)),  # three differences
        b"\x0c" + raw(bytes(6)),
        b"\0" + raw(bytes(5)),
        b"\0" + raw(bytes(7)),
        b"\0" + raw(bytes(1 << 20)),  # a bomb
        b"\x10" + raw(bytes(6)),  # said to be LZMA2
        b"\x20\x02\1\2\2" + raw(bytes(6)),  # patterns that do not rise
        b"\x20\x02\1\2\3" + raw(b"\0\0\0\0\0\6"),  # rank 3 of 3 patterns
        b"\x20\x00\1\1",
    ],
)
def test_senseless_sections_are_corrupt(data):
    with pytest.raises(CorruptFile):
        unpack_pixels(data, (2, 3), np.uint8)


def test_memory_is_that_of_the_tile():
    body = lzma.compress(bytes(1 << 26), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])
    with pytest.raises(CorruptFile):
        unpack_pixels(b"\x10" + body, (2, 3), np.uint8)

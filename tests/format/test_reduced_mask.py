"""What a reduced picture keeps of invalid pixels, of exact pixels and of masks."""

from collections import Counter

import numpy as np
import pytest

from sarcodec.format.reduced_mask import largest_values, middle_pixels, reduced_invalid


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
@pytest.mark.parametrize("patterns", [1, 3])
def test_a_square_without_a_valid_pixel_takes_its_commonest_pattern(dtype, patterns):
    random = np.random.default_rng(patterns)
    pixels = random.integers(1, 1 + patterns, (37, 21)).astype(f"u{np.dtype(dtype).itemsize}")
    if dtype == "float32":
        pixels[pixels == 1] = 0x7FC00001  # one NaN of many
    pixels, valid = pixels.view(dtype), random.random((37, 21)) < 0.1
    valid[8:16] = False
    found, reduced = reduced_invalid(pixels, valid, 8)
    bits = f"u{pixels.itemsize}"
    for row, col in np.ndindex(*found.shape):
        square = np.s_[8 * row : 8 * row + 8, 8 * col : 8 * col + 8]
        assert found[row, col] == valid[square].any()
        counts = Counter(pixels.view(bits)[square].reshape(-1).tolist())
        most = min(number for number, count in counts.items() if count == max(counts.values()))
        assert reduced.view(bits)[row, col] == (0 if found[row, col] else most)
    assert not found[1].any() and found.shape == (5, 3)


def test_the_pixel_in_the_middle():
    pixels = np.arange(19 * 9).reshape(19, 9)
    np.testing.assert_array_equal(middle_pixels(pixels, 8), pixels[np.ix_([4, 12, 17], [4, 8])])


def test_a_mask_is_masked_where_all_of_it_is():
    mask = np.zeros((17, 9), np.uint8)
    mask[7, 7], mask[16, 8] = 255, 7
    np.testing.assert_array_equal(largest_values(mask, 8), [[255, 0], [0, 0], [0, 7]])

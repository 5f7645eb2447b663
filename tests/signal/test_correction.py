"""What is stored of a tile, and what it makes of levels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcodec.encoding.texture_fitting import Original, fitted_correction
from sarcodec.encoding.texture_sums import power_of
from sarcodec.errors import CorruptFile
from sarcodec.signal.correction import LIMIT, NONE, Correction, Ground, unpack_correction, with_power, with_texture
from sarcodec.signal.planes import block_means, blocks_to_pixels, cells_to_blocks

NUMBERS = st.lists(st.integers(1 - LIMIT, LIMIT - 1), min_size=12, max_size=12)


def correction_of(numbers) -> Correction:
    return Correction(tuple(numbers[:5]), numbers[5], tuple(numbers[6:9]), tuple(numbers[9:]))


@given(NUMBERS)
def test_round_trip(numbers):
    assert unpack_correction(correction_of(numbers).pack()) == correction_of(numbers)


def test_nothing_to_say_takes_no_bytes_and_small_numbers_one_each():
    assert NONE.pack() == b"" and unpack_correction(b"") == NONE
    assert len(correction_of([63, -64, *[0] * 10]).pack()) == 12


@pytest.mark.parametrize("data", [bytes(11), bytes(12), bytes(11) + b"\x01\x00", b"\x80\x80\x01" + bytes(11), b"\xff"])
def test_broken_sections_are_corrupt(data):
    with pytest.raises(CorruptFile):
        unpack_correction(data)


def test_planes_keep_constants_and_straight_lines():
    ramp = np.arange(96, dtype=np.float32)[:, None] + 2 * np.arange(64, dtype=np.float32)
    back = blocks_to_pixels(block_means(ramp), ramp.shape)
    np.testing.assert_allclose(back[8:-8, 8:-8], ramp[8:-8, 8:-8], atol=1e-3)
    assert block_means(np.full((13, 21), 7.0, np.float32)).shape == (2, 3)
    assert (blocks_to_pixels(block_means(np.full((13, 21), 7.0, np.float32)), (13, 21)) == 7).all()
    cells = np.add.outer(np.arange(5), np.arange(4)).astype(np.float32)  # 3 x 2 cells and one around
    blocks = cells_to_blocks(cells, (12, 8))
    np.testing.assert_allclose(np.diff(blocks, axis=0), 0.25, atol=1e-6)
    assert blocks[0, 0] == pytest.approx(2 - 2 * 0.375)


def smoothed(seed: int, rows: int = 256, cols: int = 256, looks: float = 4.4):
    """A bright and a dark half under white speckle, and its mean level as the decoded one: all speckle is lost."""
    random = np.random.default_rng(seed)
    ground = np.where(np.arange(cols) < cols // 2, 40.0, 60.0)[None] * np.ones((rows, 1))
    speckle = 10 * np.log10(random.gamma(looks, 1 / looks, (rows, cols)))
    ripple = random.normal(0, 0.3, (rows, cols))
    original = (ground + ripple + speckle).astype(np.float32)
    return original, (ground + ripple + speckle.mean()).astype(np.float32), speckle.var()


def noise_of(seed: int, shape: tuple[int, int], variance: float) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(shape) * np.sqrt(variance)).astype(np.float32)


def test_power_is_given_back_in_dark_and_bright_places():
    original, decoded, variance = smoothed(1)
    ground = Ground.of(decoded, np.full((10, 10), 0.5 * variance, np.float32))  # the model expects half of it
    noise = noise_of(2, original.shape, 0.5 * variance)
    found = fitted_correction(ground, Original(original, np.ones(original.shape, bool)), noise)
    for half in (np.s_[:, :120], np.s_[:, 136:]):
        bias = lambda levels: 10 * np.log10(power_of(levels[half] - 50).sum() / power_of(original[half] - 50).sum())
        assert bias(decoded) < -0.4
        assert abs(bias(with_power(ground, found))) < 0.03
        assert abs(bias(with_texture(ground, noise, found, True))) < 0.05
    whole = 10 * np.log10(power_of(with_power(ground, found) - 50).sum() / power_of(original - 50).sum())
    assert abs(whole) < 0.01


def test_texture_has_the_looks_and_the_distribution_that_were_lost():
    original, decoded, variance = smoothed(3)
    ground = Ground.of(decoded, np.full((10, 10), 0.5 * variance, np.float32))
    noise = noise_of(4, original.shape, 0.5 * variance)
    found = fitted_correction(ground, Original(original, np.ones(original.shape, bool)), noise)
    restored = with_texture(ground, noise, found, True)
    half = np.s_[:, :128]
    looks = [
        power.mean() ** 2 / power.var() for power in (power_of(x[half] - 40) for x in (original, restored, decoded))
    ]
    assert looks[1] / looks[0] == pytest.approx(1, abs=0.04) and looks[2] > 100
    assert restored[half].var() == pytest.approx(original[half].var(), rel=0.05)
    np.testing.assert_allclose(
        np.quantile(restored[half], [0.01, 0.1, 0.5, 0.9, 0.99]),
        np.quantile(original[half], [0.01, 0.1, 0.5, 0.9, 0.99]),
        atol=0.25,
    )


def test_invalid_pixels_and_rounding_do_not_count():
    original, decoded, variance = smoothed(5, 64, 64)
    noise = np.zeros(original.shape, np.float32)
    ground, valid = Ground.of(decoded, np.full((4, 4), variance, np.float32)), np.ones(original.shape, bool)
    valid[:20] = False
    spoilt = np.where(valid, original, np.float32(500))
    found = [fitted_correction(ground, Original(x, valid), noise) for x in (original, spoilt)]
    assert found[0] == found[1]
    rounded = fitted_correction(ground, Original(original, valid, rounding=10**4), noise)  # as bright as the dark half
    assert rounded.power[0] < found[0].power[0]


@pytest.mark.parametrize("level", [-400.0, 0.0, 900.0])
def test_flat_and_extreme_tiles_get_numbers(level):
    levels = np.full((40, 33), level, np.float32)
    levels[3, 3] += 80
    ground = Ground.of(np.full((40, 33), level, np.float32), np.zeros((4, 4), np.float32))
    found = fitted_correction(ground, Original(levels, np.ones(levels.shape, bool)), np.zeros_like(levels))
    assert unpack_correction(found.pack()) == found
    assert np.isfinite(with_power(ground, found)).all()

"""The compiled functions of power and texture beside their twins in NumPy."""

import numpy as np
import pytest

from native_levels import LEVELS, at_level
from sarcodec.signal.correction import Correction, Ground, block_quantiles, with_power, with_texture
from sarcodec.signal.law import speckled
from sarcodec.signal.noise import noise_latents
from sarcodec.signal.planes import block_means, with_blocks

SHAPES = [(512, 512), (1, 1), (33, 7), (200, 301), (8, 512), (512, 40)]
CORRECTION = Correction((20, -9, 4, 30, -50), 13, (3, -2, 5), (-7, 2, 9))
pytestmark = pytest.mark.skipif(not LEVELS, reason="the compiled library is not there")


def ground_of(shape: tuple[int, int], seed: int = 1) -> tuple[Ground, np.ndarray]:
    """Levels and noise of a tile, its lost variances between none and many."""
    random = np.random.default_rng(seed)
    cells = tuple(-(-n // 32) + 2 for n in shape)
    lost = (np.exp2(random.uniform(-14, 8, cells)) * (random.random(cells) > 0.1)).astype(np.float32)
    levels = (45 + 9 * random.standard_normal(shape)).astype(np.float32)
    return Ground.of(levels, lost), (3 * random.standard_normal(shape)).astype(np.float32)


@pytest.fixture(params=LEVELS)
def level(request):
    return request.param


def both(level, function):
    found = []
    for chosen in (level, "off"):
        with at_level(chosen):
            found.append(function())
    return found


@pytest.mark.parametrize("shape", SHAPES)
def test_levels_with_power_and_texture(level, shape):
    def found():
        ground, noise = ground_of(shape)
        modes = (with_texture(ground, noise, CORRECTION, power) for power in (True, False))
        return ground.blocks, with_power(ground, CORRECTION), *modes

    for compiled, plain in zip(*both(level, found), strict=True):
        assert compiled.dtype == np.float32
        np.testing.assert_allclose(compiled, plain, atol=3e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_planes(level, shape):
    ground, _ = ground_of(shape, 2)
    for compiled, plain in zip(
        *both(level, lambda: (block_means(ground.levels), with_blocks(ground.levels, ground.blocks, -0.5))), strict=True
    ):
        np.testing.assert_allclose(compiled, plain, atol=2e-5)


def test_pixels_that_are_no_row_after_the_other(level):
    levels = ground_of((64, 96))[0].levels
    compiled, plain = both(level, lambda: block_means(levels[3:50, 5:70]))
    np.testing.assert_allclose(compiled, plain, atol=2e-5)


def test_quantiles_are_those_of_numpy(level):
    values = np.concatenate([-np.geomspace(1e-30, 900, 40), [0.0, -0.0], np.geomspace(1e-30, 900, 61)])
    shares = np.array([0, 0.02, 0.5, 0.777, 1])
    for some in (values, values[:1], np.repeat(values[:3], 9)):
        blocks = np.random.default_rng(3).permutation(some).astype(np.float32)[None]
        np.testing.assert_allclose(*both(level, lambda blocks=blocks: block_quantiles(blocks, shares)), rtol=1e-12)


def test_noise_is_bit_for_bit_what_the_hash_says(level):
    lost = np.random.default_rng(4).random((6, 1024)).astype(np.float32) - np.float32(0.1)
    np.testing.assert_array_equal(*both(level, lambda: noise_latents(lost, 70000, 3)))


def test_speckle_of_all_variances(level):
    scores = np.linspace(-7, 7, 1001, dtype=np.float32)
    for variance in (0.0, 1e-6, 2.0**-8, 0.3, 31.0, 2.0**7, 1e4):
        each = np.full(scores.shape, variance, np.float32)
        np.testing.assert_allclose(
            *both(level, lambda each=each: speckled(scores, each)), atol=1e-5 + 1e-4 * variance**0.5
        )


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38])
def test_numbers_that_no_file_should_hold_stay_within_the_tables(level, odd):
    """What they give is as odd as they are; the sanitizers see that nothing outside the tables is read."""
    ground, noise = ground_of((40, 70))
    ground.lost[1, 1], noise[5, 5] = odd, odd
    levels = ground.levels.copy()
    levels[9, 9] = odd
    with at_level(level):
        assert with_texture(Ground.of(levels, ground.lost), noise, CORRECTION, True).shape == levels.shape
        assert with_power(Ground.of(levels, ground.lost), CORRECTION).shape == levels.shape

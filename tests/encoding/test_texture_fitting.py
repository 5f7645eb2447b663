"""The compiled sums of the fitting beside their twins in NumPy, and what is fitted from both."""

import numpy as np
import pytest

from native_levels import LEVELS, at_level
from sarcodec.encoding.texture_fitting import Original, fitted_correction
from sarcodec.encoding.texture_sums import sums_of
from sarcodec.signal.correction import Correction, Ground

SHAPES = [(512, 512), (224, 224), (40, 33), (8, 300), (1, 1)]
FOUND = Correction((20, -9, 4, 30, -50), 13, (3, -2, 5), (-7, 2, 9))
both_ways = [*LEVELS, "off"]


def tile(shape: tuple[int, int]):
    """A decoded ground, the original, a guide and noise; some pixels are not valid."""
    random = np.random.default_rng(5)
    lost = np.exp2(random.uniform(-1, 4, [-(-n // 32) + 2 for n in shape])).astype(np.float32)
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    mean = 50 + 6 * np.sin(rows / 90) * np.cos(cols / 130)
    decoded = (mean + random.normal(0, 0.8, shape)).astype(np.float32)
    original = (decoded - 0.4 + random.normal(0, 1.5, shape)).astype(np.float32)
    valid = ~((rows - 60) ** 2 + (cols - 20) ** 2 < 200)
    original[~valid] = np.nan
    guide = (mean - 7 + random.normal(0, 1.5 + (cols > 100), shape)).astype(np.float32)
    noise = (1.3 * random.standard_normal(shape)).astype(np.float32)
    return Ground.of(decoded, lost), Original(original, valid, 1 / 12, (guide, np.ones(shape, bool))), noise


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("shape", SHAPES)
def test_sums(level, shape):
    def sums():
        ground, original, noise = tile(shape)
        sums, means = sums_of(ground, original.levels, original.valid), np.array([0.2, -0.4, 0.1], np.float32)
        varies = sums.variations(original.levels, original.valid)
        whole = np.flatnonzero(varies >= 0)
        some = sums.restored(noise, FOUND, whole)(-0.7) if whole.size else varies
        blocks = ground.blocks * np.float32(0.01)
        totals = sums.total(blocks), sums.texture_total(noise, FOUND), sums.total_of(noise, original.levels, 0.1)
        return sums.decoded, sums.original, sums.counts, totals, sums.moments(None), sums.moments(means), varies, some

    found = []
    for chosen in (level, "off"):
        with at_level(chosen):
            found.append(sums())
    for compiled, plain in zip(*found, strict=True):
        np.testing.assert_allclose(compiled, plain, rtol=2e-4, atol=2e-4 * np.abs(plain).max(initial=0))


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("level", LEVELS)
def test_what_is_fitted(level, guided):
    found = []
    for chosen in (level, "off"):
        with at_level(chosen):
            ground, original, noise = tile((512, 512))
            if not guided:
                original = Original(original.levels, original.valid, original.rounding)
            found.append(fitted_correction(ground, original, noise).numbers)
    assert np.abs(np.subtract(*found)).max() <= 1
    assert found[0] != (0,) * 12


@pytest.mark.parametrize("level", both_ways)
def test_calm_windows_get_the_looks_that_they_had(level):
    """The ground is rough on one side, where less of the noise is asked for than the original has."""
    with at_level(level):
        random, shape = np.random.default_rng(6), (256, 256)
        rough = np.where(np.arange(256) < 128, 0.0, 3.0) * random.standard_normal(shape)
        speckle = 10 * np.log10(random.gamma(4.4, 1 / 4.4, shape))
        original = (60 + rough + speckle).astype(np.float32)
        ground = Ground.of(np.full(shape, 60 + speckle.mean(), np.float32), np.full((10, 10), 9.0, np.float32))
        noise = (3 * random.standard_normal(shape)).astype(np.float32)
        guide = (40 + rough + 10 * np.log10(random.gamma(4.4, 1 / 4.4, shape))).astype(np.float32)
        valid = np.ones(shape, bool)
        found = fitted_correction(ground, Original(original, valid, 0.0, (guide, valid)), noise)
        varies = sums_of(ground, original, valid).restored(noise, found, np.arange(0, 256, 16))(0.0)
        assert np.median(varies) == pytest.approx(1 / 4.4, rel=0.15)

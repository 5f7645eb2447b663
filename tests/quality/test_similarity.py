"""How alike two images are: SSIM by its definition, MS-SSIM, and histograms."""

import numpy as np
import pytest

from quality.levels import add, everywhere, noise
from sarcodec.quality.histograms import STEP_DB, HistogramPair
from sarcodec.quality.similarity import DATA_RANGE_DB, SimilarityAccumulator


def _ssim_by_definition(first, second, data_range):
    taps = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    weights = np.outer(taps, taps) / taps.sum() ** 2
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    values = []
    for row in range(first.shape[0] - 10):
        for col in range(first.shape[1] - 10):
            a, b = first[row : row + 11, col : col + 11], second[row : row + 11, col : col + 11]
            ma, mb = (weights * a).sum(), (weights * b).sum()
            va, vb = (weights * (a - ma) ** 2).sum(), (weights * (b - mb) ** 2).sum()
            cov = (weights * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + c1) * (2 * cov + c2) / ((ma**2 + mb**2 + c1) * (va + vb + c2)))
    return np.mean(values)


def test_ssim_is_that_of_the_definition():
    first = noise(12, (24, 30))
    second = first + np.random.default_rng(13).normal(0, 1, first.shape)
    for data_range in (DATA_RANGE_DB, 30.0):
        found = add(SimilarityAccumulator(data_range), first, second).summary()
        assert found.ssim == pytest.approx(_ssim_by_definition(first, second, data_range), abs=1e-9)
        assert found.data_range_db == data_range and found.ms_ssim is None


def test_similarity_of_constants_of_equals_and_of_unrelated_images():
    a, b = np.full((200, 200), 20.0), np.full((200, 200), 30.0)
    luminance = (2 * 600 + 0.96**2) / (400 + 900 + 0.96**2)
    found = add(SimilarityAccumulator(), a, b).summary()
    assert found.ssim == pytest.approx(luminance) and found.ms_ssim == pytest.approx(luminance**0.1333)
    level = noise(14)
    same = add(SimilarityAccumulator(), level, level).summary()
    assert same.ssim == pytest.approx(1) and same.ms_ssim == pytest.approx(1)
    assert add(SimilarityAccumulator(10.0), level, noise(15)).summary().ssim < 0.1


def test_ms_ssim_forgives_fine_noise_more_than_ssim_and_coarse_less():
    level = noise(16)
    fine = level + np.random.default_rng(17).normal(0, 2, level.shape)
    coarse = level + np.kron(np.random.default_rng(18).normal(0, 2, (16, 16)), np.ones((32, 32)))
    a, b = (add(SimilarityAccumulator(30.0), level, other).summary() for other in (fine, coarse))
    assert a.ms_ssim > a.ssim and b.ms_ssim < b.ssim


def test_similarity_looks_at_valid_places_only():
    level, valid = noise(19, (64, 64)), np.ones((64, 64), bool)
    valid[:32] = False
    decoded = level + 1
    part = add(SimilarityAccumulator(), level[32:], decoded[32:]).summary()
    decoded[~valid] = np.nan
    assert add(SimilarityAccumulator(), level, decoded, valid=valid).summary().ssim == pytest.approx(part.ssim)
    assert add(SimilarityAccumulator(), level, decoded, valid=~everywhere(level)).summary().ssim is None


def test_histograms_of_a_shift():
    level = np.linspace(0, 10, 4000).reshape(40, 100)
    found = add(HistogramPair(), level, level + 0.5).distances()
    assert found.earth_mover_db == pytest.approx(0.5, abs=STEP_DB) and found.kolmogorov_smirnov == pytest.approx(
        0.05, abs=0.01
    )


def test_histogram_distances_are_those_of_sorted_samples():
    rng = np.random.default_rng(20)
    a, b = rng.normal(0, 2, (60, 50)), rng.gamma(2, 2, (60, 50))
    found = add(HistogramPair(), a, b).distances()
    assert found.earth_mover_db == pytest.approx(
        np.abs(np.sort(a.ravel()) - np.sort(b.ravel())).mean(), abs=2 * STEP_DB
    )
    at = np.sort(np.concatenate([a.ravel(), b.ravel()]))
    share = [np.searchsorted(np.sort(x.ravel()), at, "right") / x.size for x in (a, b)]
    assert found.kolmogorov_smirnov == pytest.approx(np.abs(share[0] - share[1]).max(), abs=0.02)


def test_histogram_is_cut_to_what_is_used_and_keeps_every_pixel():
    level = np.array([[-10.0, 5.0], [5.0, 900.0]])
    pair = add(HistogramPair(), level, level - 1, valid=np.array([[True, True], [True, True]]))
    found = pair.histogram()
    assert found.low_db == -11 and found.original.sum() == found.decoded.sum() == 4
    assert HistogramPair().histogram() is None and HistogramPair().distances() is None

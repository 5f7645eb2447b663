"""The study's figures, against numbers worked out by hand."""

import numpy as np
import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures.study_metrics import (
    HIGH,
    LOW,
    enl_ratio_log,
    epi_cosine,
    homogeneous,
    psnr_study,
    ssim_study,
    study_figures,
    tiles,
    to_study_unit,
)


def _flat(dn: float, side: int = 64) -> np.ndarray:
    return np.full((side, side), dn)


def _checkers(mean: float, swing: float, side: int = 64) -> np.ndarray:
    return mean + swing * (1 - 2.0 * (np.indices((side, side)).sum(axis=0) % 2))


def test_the_scale_goes_from_dn_30_to_dn_284():
    assert to_study_unit(np.array([0, 1, 29.98])).tolist() == [0, 0, 0]
    assert to_study_unit(np.array([29.99, 284.49])) == pytest.approx([0, 1], abs=1e-3)
    assert to_study_unit(np.array([10 ** ((LOW + HIGH) / 20)])) == pytest.approx([0.5])


def test_psnr_of_a_step_in_level():
    # 100 against 110: 0.41393 dB of 9.771931 dB is an error of 0.042359 everywhere: 27.461 dB.
    psnr, clipped = psnr_study(_flat(100), _flat(110))
    assert psnr == pytest.approx(27.461, abs=1e-3)
    assert clipped == 0


def test_what_the_scale_clips_is_counted_and_costs_nothing():
    original, decoded = _flat(100.0), _flat(100.0)
    original[:16], decoded[:16] = 1000, 5000
    original[16:24], decoded[16:24] = 10, 2
    assert psnr_study(original, decoded) == (pytest.approx(120), pytest.approx(24 / 64))


def test_ssim_of_flat_images_is_their_luminance():
    a, b = to_study_unit(np.array([100.0, 150.0]))
    expected = (2 * a * b + 1e-4) / (a**2 + b**2 + 1e-4)
    assert ssim_study(_flat(100), _flat(150)) == pytest.approx(expected, abs=1e-9)
    assert ssim_study(_flat(100), _flat(100)) == pytest.approx(1)


def test_enl_is_squared_mean_over_variance():
    # 0.25 / 0.01 = 25 looks before, 0.25 / 0.0025 = 100 after.
    assert enl_ratio_log(_checkers(0.5, 0.1), _checkers(0.5, 0.05)) == pytest.approx(4, rel=1e-9)
    assert enl_ratio_log(_checkers(0.5, 0.1), _checkers(0.25, 0.1)) == pytest.approx(0.25, rel=1e-9)


def test_enl_looks_only_where_the_original_is_homogeneous():
    original, decoded = _checkers(0.5, 0.1), _checkers(0.5, 0.05)
    original[:, 32:] = _checkers(0.5, 0.4)[:, 32:]
    kept = homogeneous(original)
    assert kept[:, :24].all() and not kept[:, 40:].any()
    decoded[:, 40:] = 0.9
    assert enl_ratio_log(original, decoded) == pytest.approx(4, rel=0.7)  # the seam is mixed, the rest is not asked
    assert enl_ratio_log(_checkers(0.5, 0.4), decoded) is None
    assert enl_ratio_log(_checkers(0.5, 0.1), np.full((64, 64), 0.5)) is None


def test_the_window_of_homogeneity_has_fifteen_pixels():
    image = np.full((64, 64), 0.1)
    image[32, 32] = 1.0
    # Of 225 pixels: mean 0.104, deviation 0.05987: 0.576 of the mean, wherever the window holds the bright one.
    expected = np.ones((64, 64), bool)
    expected[25:40, 25:40] = False
    assert (homogeneous(image) == expected).all()


def test_epi_is_blind_to_independent_noise():
    first, second = (np.random.default_rng(seed).normal(size=(256, 256)) for seed in (1, 2))
    assert epi_cosine(first, second) == pytest.approx(0.79, abs=0.02)
    assert epi_cosine(first, 3 * first + 1) == pytest.approx(1)


@pytest.mark.parametrize(
    "shape, count", [((256, 256), 1), ((512, 512), 4), ((600, 300), 2), ((224, 224), 1), ((200, 512), 2)]
)
def test_tiles_are_whole_or_all_there_is(shape, count):
    found = tiles(shape)
    assert len(found) == count
    pixels = np.zeros(shape)
    assert all(pixels[part].shape == tuple(min(256, size) for size in shape) for part in found)


def test_an_image_is_the_mean_of_its_tiles():
    original = _flat(100.0, 512)[:256]
    decoded = original.copy()
    decoded[:, :256], decoded[:, 256:] = 110, 120
    found = study_figures(original, decoded)
    expected = np.mean([psnr_study(_flat(100), _flat(dn))[0] for dn in (110, 120)])
    assert found.psnr_study == pytest.approx(expected)
    assert found.enl_ratio_log is None and found.epi_cosine is None
    with pytest.raises(InvalidArgument, match="shapes"):
        study_figures(original, decoded[:, :300])

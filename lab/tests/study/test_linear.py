import numpy as np
import pytest

from sarcodec_lab.study.linear import bilinear_gain, left_of_best_bands, lowest_of_blocks, spectrum


def test_all_coefficients_give_the_image_back():
    image = np.random.default_rng(0).random((40, 56))
    np.testing.assert_allclose(lowest_of_blocks(image, 16, 16), image, atol=1e-12)


def test_one_coefficient_is_the_mean_of_a_block():
    image = np.random.default_rng(0).random((32, 32))
    np.testing.assert_allclose(lowest_of_blocks(image, 16, 1)[:16, 16:], image[:16, 16:].mean(), atol=1e-12)


def test_power_adds_up_to_the_variance():
    image = np.random.default_rng(0).random((32, 64))
    assert spectrum(image).sum() == pytest.approx(image.var())


def test_bilinear_doublings_keep_the_mean_and_drop_every_pattern_of_16_pixels():
    gain = bilinear_gain((64, 64))
    assert gain[0, 0] == 1 and np.abs(gain[4::4]).max() < 1e-9 and np.abs(gain[:, 4::4]).max() < 1e-9


def test_noise_keeps_its_share_of_the_bands():
    spectra = np.full((2, 64, 64), 1.0)
    everywhere = np.ones((64, 64), bool)
    np.testing.assert_allclose(left_of_best_bands(spectra, everywhere), 64 * 64 * 240 / 256)
    np.testing.assert_allclose(left_of_best_bands(spectra, ~everywhere), 64 * 64)

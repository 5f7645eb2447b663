from dataclasses import replace

import numpy as np
import pytest
import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.levels import CENTRED, SPAN_DB, STUDY
from sarcodec_lab.train.autoencoders.crops import CropSource, dev_crops, subset
from sarcodec_lab.train.autoencoders.objective import gaussian_bits, ssim
from sarcodec_lab.train.patches import Image


def test_a_seed_gives_the_same_crops_of_the_recipe_s_side(scenes, recipe):
    first, again = CropSource(scenes, recipe), CropSource(scenes, recipe)
    for batch, side in ((0, 32), (11, 64)):
        x = first.batch(batch)
        assert x.shape == (2, 1, side, side) and torch.equal(x, again.batch(batch))
    assert not torch.equal(first.batch(0), CropSource(scenes, replace(recipe, seed=2)).batch(0))


def test_centred_crops_lie_about_the_middle(scenes, recipe):
    source = CropSource(scenes, replace(recipe, batch=64))
    assert source.batch(11).mean().item() == pytest.approx(0.5, abs=0.15)


def test_a_subset_keeps_a_share_of_places_in_every_family():
    images = [
        Image(np.zeros((1, 1)), np.ones((1, 1), bool), family, f"{family}{group}")
        for family in "ab"
        for group in range(10)
        for _ in range(2)
    ]
    kept = subset(images, 0.2, seed=1)
    for family in "ab":
        groups = [i.group for i in kept if i.family == family]
        assert len(set(groups)) == 2 and len(groups) == 4
    assert len(subset(images, 1.0, seed=1)) == len(images)


def test_development_places_must_be_large_enough(recipe):
    small = Image(np.zeros((200, 300), np.float32), np.ones((200, 300), bool), "iw", "x")
    with pytest.raises(InvalidArgument, match="256 pixels"):
        dev_crops([small], recipe)


def test_the_study_s_scale_is_its_range_and_clips():
    assert pytest.approx(19.543862, abs=1e-5) == SPAN_DB
    dn = np.array([10.0, 30.0, 284.5, 5000.0])
    np.testing.assert_allclose(STUDY.to_unit(20 * np.log10(dn), 99.0), [0, 0.0, 1.0, 1], atol=5e-4)


def test_the_centred_scale_holds_all_that_uint16_can():
    for mean_dn in (40.0, 100.0, 600.0):
        offset = 20 * np.log10(mean_dn)
        level = 20 * np.log10(np.array([2.0, mean_dn, 28_000.0]))
        unit = CENTRED.to_unit(level, offset)
        assert unit[1] == pytest.approx(0.5)
        if mean_dn < 200:
            np.testing.assert_allclose(CENTRED.to_level(unit, offset), level, atol=1e-4)


def test_ssim_is_the_published_formula():
    rng = np.random.default_rng(1)
    a, b = (rng.random((11, 11)).astype(np.float32) for _ in range(2))
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    weight = np.outer(line, line) / line.sum() ** 2
    mean = [(weight * v).sum() for v in (a, b)]
    var = [(weight * v * v).sum() - m * m for v, m in zip((a, b), mean)]
    cov = (weight * a * b).sum() - mean[0] * mean[1]
    expected = (
        (2 * mean[0] * mean[1] + 1e-4) * (2 * cov + 9e-4) / ((mean[0] ** 2 + mean[1] ** 2 + 1e-4) * (sum(var) + 9e-4))
    )
    found = ssim(*(torch.from_numpy(v)[None, None] for v in (a, b)))
    assert found.item() == pytest.approx(expected, rel=1e-4)


def test_ssim_of_an_image_with_itself_is_one():
    x = torch.rand(2, 1, 32, 32)
    assert ssim(x, x).item() == pytest.approx(1, abs=1e-5)


def test_bits_of_a_gaussian_latent_are_its_entropy():
    rng = np.random.default_rng(2)
    latent = rng.normal(0, 5, (4, 3, 64, 64))
    _, counts = np.unique(np.round(latent), return_counts=True)
    p = counts / counts.sum()
    entropy = -(p * np.log2(p)).sum()
    assert gaussian_bits(torch.from_numpy(latent)).item() == pytest.approx(entropy, abs=0.01)

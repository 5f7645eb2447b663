"""Latents by rate and distortion: never worse than the nearest whole numbers, nothing touched where nothing is to be won,
read as any others."""

import numpy as np
import pytest

from sarcodec_lab.study.files import latent_choice, latent_fit, latent_stream
from sarcodec_lab.study.files.latent_choice import RATE_WEIGHT, choose


def field(seed: int, shape: tuple[int, int, int, int], std: float) -> np.ndarray:
    """Floats with neighbours that tell of each other."""
    values = np.random.default_rng(seed).normal(0, std, shape)
    for row in range(1, shape[2]):
        values[:, :, row] += 0.6 * values[:, :, row - 1]
    return values.astype(np.float32)


def coded_bits(latents: np.ndarray, kept: np.ndarray | None = None) -> int:
    return 8 * len(latent_stream.encode(latents, latent_fit.fit(latents, kept), kept))


def cost(exact: np.ndarray, latents: np.ndarray, weight: float, kept=None) -> float:
    """What is to be least."""
    error = np.sum((exact - latents) ** 2, where=True if kept is None else kept[:, None], dtype=np.float64)
    return float(error) + weight * coded_bits(latents, kept)


@pytest.mark.parametrize("std", [0.05, 0.4, 1.0, 5.0, 300.0])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 1, 7), (1, 8, 24, 24), (3, 4, 8, 8)])
@pytest.mark.parametrize("weight", [RATE_WEIGHT, 1.0])
def test_never_worse_than_the_nearest_whole_numbers(shape, std, weight):
    exact = field(1, shape, std)
    plain = np.rint(exact).astype(np.int32)
    found = choose(exact, weight=weight)
    assert found.dtype == np.int32 and cost(exact, found, weight) <= cost(exact, plain, weight) + 1e-6


def test_bits_are_saved_for_less_than_they_are_worth():
    exact = field(2, (1, 8, 32, 32), 1.0)
    plain, found = np.rint(exact).astype(np.int32), choose(exact, weight=0.1)
    saved, lost = coded_bits(plain) - coded_bits(found), ((exact - found) ** 2 - (exact - plain) ** 2).sum()
    assert saved > 0.03 * coded_bits(plain) and 0 < lost < 0.9 * 0.1 * saved


def test_what_was_chosen_reads_back():
    exact = field(3, (2, 5, 9, 7), 2.0)
    found = choose(exact)
    stream = latent_stream.encode(found, latent_fit.fit(found))
    assert np.array_equal(latent_stream.decode(stream, found.shape), found)


def test_weight_0_gives_the_nearest():
    exact = field(4, (1, 3, 8, 8), 3.0)
    assert np.array_equal(choose(exact, weight=0.0), np.rint(exact))


@pytest.mark.parametrize("weight", [RATE_WEIGHT, 3.0])
def test_a_pattern_that_the_decoder_needs_is_left_alone(weight):
    """A sign that changes from cell to cell, and a fainter one that is rarely heard, beside channels that cost the bits."""
    exact, sign = field(5, (1, 4, 16, 16), 2.0), 1 - 2 * (np.indices((16, 16)).sum(0) % 2)
    exact[0, 1] = 0.8 * sign
    exact[0, 2] = 0.3 * sign
    exact[0, 2, 5, 5] = 0.7
    found = choose(exact, weight=weight)
    assert np.array_equal(found[0, 1:3], np.rint(exact[0, 1:3])) and found[0, 2, 5, 5] == 1
    assert not np.array_equal(found, np.rint(exact))


def test_a_channel_of_whole_numbers_stays_whatever_it_costs():
    exact = field(11, (2, 4, 16, 16), 1.2)
    exact[:, 3] = 2 * np.random.default_rng(12).integers(-9, 10, (2, 16, 16))
    found = choose(exact, weight=20.0)
    assert np.array_equal(found[:, 3], exact[:, 3]) and not np.array_equal(found[:, :3], np.rint(exact[:, :3]))


def test_extreme_latents_stay_within_their_limits():
    for exact in (np.full((1, 2, 4, 4), 32767.4), np.full((1, 2, 4, 4), -32767.4), np.zeros((1, 2, 4, 4))):
        assert np.array_equal(choose(exact), np.rint(exact))
    wild = np.random.default_rng(7).choice([-32767.3, 32767.3], (2, 3, 8, 8))
    for weight in (RATE_WEIGHT, 1e9):
        found = choose(wild, weight=weight)
        assert np.abs(found).max() <= latent_stream.LARGEST
        stream = latent_stream.encode(found, latent_fit.fit(found))
        assert np.array_equal(latent_stream.decode(stream, found.shape), found)


def test_what_is_tried_lies_around_the_value_or_is_what_is_expected():
    tried = latent_choice._candidates(np.array([2.3, -1.8, 32767.4, -32767.4]), np.array([9, -9, 40000, -40000]))
    assert tried.T.tolist() == [[2, 3, 4, 9], [-2, -1, -3, -9], [32767] * 4, [-32767] * 4]


def test_only_what_is_kept_counts():
    exact, random = field(8, (3, 4, 8, 8), 1.0), np.random.default_rng(8)
    kept = random.random((3, 8, 8)) < 0.6
    found = choose(exact, kept)
    others = np.where(kept[:, None], exact, 99.3)
    assert np.array_equal(np.where(kept[:, None], choose(others, kept), 0), np.where(kept[:, None], found, 0))
    assert cost(exact, found, RATE_WEIGHT, kept) < cost(exact, np.rint(exact).astype(np.int32), RATE_WEIGHT, kept)
    assert np.array_equal(
        found[~np.broadcast_to(kept[:, None], found.shape)],
        np.rint(exact)[~np.broadcast_to(kept[:, None], found.shape)],
    )


def test_nothing_is_chosen_that_was_worse(monkeypatch):
    exact = field(9, (1, 3, 8, 8), 1.0)
    monkeypatch.setattr(latent_choice, "_walk", lambda latents, *_: np.rint(latents).astype(np.int32) + 5)
    assert np.array_equal(choose(exact), np.rint(exact))

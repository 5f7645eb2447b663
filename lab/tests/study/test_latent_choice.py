"""Latents by rate and distortion: never worse than the nearest whole numbers, nothing lost where nothing is to be won,
read as any others; and the gains that tell what an error costs."""

import numpy as np
import pytest
from study.fake_model import FakeModel

from sarcodec.errors import InvalidArgument
from sarcodec_lab.study.files import latent_choice, latent_fit, latent_gain, latent_stream
from sarcodec_lab.study.files.latent_choice import RATE_WEIGHT, choose


def field(seed: int, shape: tuple[int, int, int, int], std: float) -> np.ndarray:
    """Floats with neighbours that tell of each other."""
    values = np.random.default_rng(seed).normal(0, std, shape)
    for row in range(1, shape[2]):
        values[:, :, row] += 0.6 * values[:, :, row - 1]
    return values.astype(np.float32)


def coded_bits(latents: np.ndarray, kept: np.ndarray | None = None) -> int:
    return 8 * len(latent_stream.encode(latents, latent_fit.fit(latents, kept), kept))


def cost(exact: np.ndarray, latents: np.ndarray, gains: np.ndarray, weight: float, kept=None) -> float:
    """Error and bits with gains as they are, which all channels here share."""
    error = gains[:, None, None] * (exact - latents) ** 2
    where = True if kept is None else kept[:, None]
    return float(error.sum(where=where)) + weight * coded_bits(latents, kept)


@pytest.mark.parametrize("std", [0.05, 0.4, 1.0, 5.0, 300.0])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 1, 7), (1, 8, 24, 24), (3, 4, 8, 8)])
@pytest.mark.parametrize("weight", [RATE_WEIGHT, 1.0])
def test_never_worse_than_the_nearest_whole_numbers(shape, std, weight):
    exact = field(1, shape, std)
    plain, flat = np.rint(exact).astype(np.int32), np.ones(shape[1])
    found = choose(exact, flat, weight=weight)
    assert found.dtype == np.int32 and cost(exact, found, flat, weight) <= cost(exact, plain, flat, weight) + 1e-6


def test_bits_are_saved_for_less_than_they_are_worth():
    exact = field(2, (1, 8, 32, 32), 1.0)
    plain, found = np.rint(exact).astype(np.int32), choose(exact, np.ones(8), weight=0.1)
    saved, lost = coded_bits(plain) - coded_bits(found), ((exact - found) ** 2 - (exact - plain) ** 2).sum()
    assert saved > 0.03 * coded_bits(plain) and 0 < lost < 0.9 * 0.1 * saved


def test_what_was_chosen_reads_back():
    exact = field(3, (2, 5, 9, 7), 2.0)
    found = choose(exact, np.ones(5))
    stream = latent_stream.encode(found, latent_fit.fit(found))
    assert np.array_equal(latent_stream.decode(stream, found.shape), found)


def test_weight_0_gives_the_nearest():
    exact = field(4, (1, 3, 8, 8), 3.0)
    assert np.array_equal(choose(exact, np.ones(3), weight=0.0), np.rint(exact))


def test_a_pattern_that_the_decoder_needs_is_left_alone():
    """A sign that changes from cell to cell, faint and of large gain, beside channels that cost all the bits."""
    exact, gains = field(5, (1, 4, 16, 16), 2.0), np.array([1.0, 1.0, 50.0, 1.0])
    sign = 1 - 2 * (np.indices((16, 16)).sum(0) % 2)
    exact[0, 2] = 0.8 * sign
    found = choose(exact, gains)
    assert np.array_equal(found[0, 2], sign) and not np.array_equal(found, np.rint(exact))


def test_channels_that_are_hardly_heard_are_coded_more_coarsely():
    exact = field(6, (1, 2, 32, 32), 1.5)
    found = choose(exact, np.array([1.0, 0.1]))
    even = choose(exact, np.ones(2))
    changed, before = ((np.rint(exact) != other).mean((0, 2, 3)) for other in (found, even))
    assert changed[1] > 2 * before[1] and changed[0] < before[0]


def test_extreme_latents_stay_within_their_limits():
    for exact in (np.full((1, 2, 4, 4), 32767.4), np.full((1, 2, 4, 4), -32767.4), np.zeros((1, 2, 4, 4))):
        assert np.array_equal(choose(exact, np.ones(2)), np.rint(exact))
    wild = np.random.default_rng(7).choice([-32767.3, 32767.3], (2, 3, 8, 8))
    for weight in (RATE_WEIGHT, 1e9):
        found = choose(wild, np.ones(3), weight=weight)
        assert np.abs(found).max() <= latent_stream.LARGEST
        stream = latent_stream.encode(found, latent_fit.fit(found))
        assert np.array_equal(latent_stream.decode(stream, found.shape), found)


def test_only_what_is_kept_counts():
    exact, random = field(8, (3, 4, 8, 8), 1.0), np.random.default_rng(8)
    kept = random.random((3, 8, 8)) < 0.6
    found, flat = choose(exact, np.ones(4), kept), np.ones(4)
    others = np.where(kept[:, None], exact, 99.3)
    assert np.array_equal(np.where(kept[:, None], choose(others, flat, kept), 0), np.where(kept[:, None], found, 0))
    assert cost(exact, found, flat, RATE_WEIGHT, kept) < cost(
        exact, np.rint(exact).astype(np.int32), flat, RATE_WEIGHT, kept
    )
    assert np.array_equal(
        found[~np.broadcast_to(kept[:, None], found.shape)],
        np.rint(exact)[~np.broadcast_to(kept[:, None], found.shape)],
    )


def test_nothing_is_chosen_that_was_worse(monkeypatch):
    exact = field(9, (1, 3, 8, 8), 1.0)
    monkeypatch.setattr(latent_choice, "_walk", lambda latents, *_: np.rint(latents).astype(np.int32) + 5)
    assert np.array_equal(choose(exact, np.ones(3)), np.rint(exact))


@pytest.mark.parametrize("tile_px", [None, 16, 64, 256])
@pytest.mark.parametrize("cells", [(1, 1), (3, 20), (16, 16)])
def test_gains_are_those_of_the_decoder(tile_px, cells):
    """The cosine transform is orthonormal: a step of a channel is its square, over the pixels of a cell."""
    model, steps = FakeModel(latent_channels=20, tile_px=tile_px), np.linspace(0.5, 2, 20, dtype=np.float32)
    cells = (tile_px // 16,) * 2 if tile_px else cells
    latents = np.random.default_rng(10).integers(-3, 4, (2, 20, *cells))
    assert np.allclose(latent_gain.measured(model, latents, steps[:, None, None]), steps**2 / 256, rtol=1e-4)


def test_a_channel_that_is_not_heard_has_a_gain_all_the_same():
    class Deaf(FakeModel):
        def synthesise(self, latents):
            return super().synthesise(np.where(np.arange(16)[:, None, None] == 3, 0, latents * self.step).astype("f4"))

    latents, steps = np.zeros((1, 16, 4, 4), int), np.ones((16, 1, 1), np.float32)
    gains = latent_gain.measured(Deaf(), latents, steps)
    assert 0 < gains[3] < 1e-6 * gains[2]
    assert np.array_equal(latent_gain.measured(Deaf(step=0.0), latents, steps), np.ones(16))
    with pytest.raises(InvalidArgument, match="finite"), np.errstate(all="ignore"):
        latent_gain.measured(Deaf(step=float("inf")), latents + 1, steps)

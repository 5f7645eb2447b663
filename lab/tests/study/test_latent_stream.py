"""Entropy coding of latents: exact round trips, rates near what can be had, damage that never gets out."""

import math
from contextlib import suppress

import numpy as np
import pytest

from sarcodec.errors import CorruptFile, InvalidArgument
from sarcodec_lab.study.files import latent_fit, latent_stream, latent_tables
from sarcodec_lab.study.files.latent_stream import Channel


def packed(latents: np.ndarray) -> bytes:
    return latent_stream.encode(latents, latent_fit.fit(latents))


def correlated(seed: int, shape: tuple[int, int, int, int], rho: float, std: float) -> np.ndarray:
    """Gaussian field, separable and autoregressive; std of the innovation."""
    field = np.random.default_rng(seed).normal(0, std, (*shape[:2], shape[2] + 40, shape[3] + 40))
    for row in range(1, field.shape[2]):
        field[:, :, row] += rho * field[:, :, row - 1]
    for col in range(1, field.shape[3]):
        field[..., col] += rho * field[..., col - 1]
    return np.rint(field[..., 40:, 40:]).astype(np.int32)


def zero_order_bits(latents: np.ndarray) -> float:
    """Bits a latent by the histogram of each channel."""
    total = 0.0
    for channel in range(latents.shape[1]):
        counts = np.unique(latents[:, channel], return_counts=True)[1]
        total -= (counts * np.log2(counts / counts.sum())).sum()
    return total / latents.size


def gaussian_bits(std: float) -> float:
    edges = np.arange(-9 * math.ceil(std), 9 * math.ceil(std) + 1) - 0.5
    mass = np.diff([0.5 * math.erfc(-edge / std / math.sqrt(2)) for edge in edges])
    return float(-(mass[mass > 0] * np.log2(mass[mass > 0])).sum())


SHAPES = [(1, 1, 1, 1), (1, 3, 1, 7), (1, 2, 9, 1), (1, 16, 16, 16), (5, 4, 8, 8), (2, 70, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("std", [0.2, 3, 900])
def test_round_trip(shape, std):
    latents = np.rint(np.random.default_rng(3).laplace(5, std, shape)).clip(-32767, 32767).astype(np.int32)
    found = latent_stream.decode(packed(latents), shape)
    assert found.dtype == np.int32 and np.array_equal(found, latents)


def test_only_what_is_kept_is_coded():
    random = np.random.default_rng(2)
    latents, kept = correlated(2, (3, 5, 8, 8), 0.6, 3), random.random((3, 8, 8)) < 0.6
    stream = latent_stream.encode(latents, latent_fit.fit(latents, kept), kept)
    found = latent_stream.decode(stream, latents.shape, kept)
    assert np.array_equal(np.where(kept[:, None], found, 0), np.where(kept[:, None], latents, 0))
    assert len(stream) < 0.75 * len(packed(latents))
    others = np.where(kept[:, None], latents, 99)
    assert latent_stream.encode(others, latent_fit.fit(others, kept), kept) == stream


def test_extreme_latents_come_back():
    for latents in (np.full((1, 2, 4, 4), 32767), np.full((1, 2, 4, 4), -32767), np.zeros((1, 2, 4, 4), int)):
        assert np.array_equal(latent_stream.decode(packed(latents), latents.shape), latents)
    wild = np.random.default_rng(4).choice([-32767, 32767], (2, 3, 8, 8))
    assert np.array_equal(latent_stream.decode(packed(wild), wild.shape), wild)


def test_any_fitted_values_within_their_limits_come_back():
    latents = correlated(5, (1, 3, 6, 6), 0.7, 2)
    channels = [
        Channel(-32767, 127, 47, 1, 4, (0,) * 8, (127, -127, 127, -127)),
        Channel(32767, -127, 0, 0, 0, (47,) * 8, (-127,) * 4, ((1, 127),)),
        Channel(0, 0, 20, 1, 2, (0, 47) * 4, (1, 2, 3, 4), ((1, -127), (2, 127))),
    ]
    assert np.array_equal(latent_stream.decode(latent_stream.encode(latents, channels), latents.shape), latents)


@pytest.mark.parametrize("std", [0.3, 1.0, 3.0])
def test_white_noise_takes_its_entropy(std):
    latents = np.rint(np.random.default_rng(6).normal(0, std, (1, 16, 64, 64))).astype(np.int32)
    assert 8 * len(packed(latents)) / latents.size < gaussian_bits(std) + 0.02


def test_correlated_noise_takes_little_more_than_its_conditional_entropy():
    latents = correlated(7, (1, 16, 64, 64), 0.7, 3)
    bits = 8 * len(packed(latents)) / latents.size
    assert bits < gaussian_bits(3) + 0.06 and bits < zero_order_bits(latents) - 0.8


def test_channels_that_tell_of_each_other_are_used():
    sources = correlated(8, (1, 8, 32, 32), 0.3, 4)
    mixed = np.concatenate([sources, sources[:, ::-1] + sources // 2], 1)
    bits = 8 * len(packed(mixed)) / mixed.size
    assert bits < 0.75 * zero_order_bits(mixed)


def test_a_sum_of_one_number_a_row_and_one_a_column_costs_its_border_alone():
    rng = np.random.default_rng(4)
    rows, cols = rng.integers(-30, 31, (2, 2, 1, 16))
    latents = np.broadcast_to((rows[..., None] + cols[..., None, :]), (2, 1, 16, 16)).astype(np.int32)
    apart = rng.permutation(latents.ravel()).reshape(latents.shape)
    assert len(packed(latents)) < 130 < 0.5 * len(packed(apart))  # 62 numbers of 7 bits are 54 bytes


def test_local_scale_is_followed():
    random = np.random.default_rng(9)
    loud = np.where(np.arange(64) < 32, 0.3, 8.0)
    latents = np.rint(random.normal(size=(1, 8, 64, 64)) * loud).astype(np.int32)
    bits = 8 * len(packed(latents)) / latents.size
    assert bits < 0.5 * (gaussian_bits(0.3) + gaussian_bits(8)) + 0.1 < zero_order_bits(latents)


def test_silent_channels_cost_next_to_nothing():
    assert len(packed(np.zeros((1, 16, 64, 64), np.int32))) < 64


def test_damaged_streams_give_corrupt_file_or_other_latents():
    latents = correlated(10, (2, 6, 6, 6), 0.6, 2)
    stream = packed(latents)
    for place in range(len(stream)):
        for change in (1, 0x80, 0xFF):
            damaged = bytearray(stream)
            damaged[place] ^= change
            try:
                found = latent_stream.decode(bytes(damaged), latents.shape)
            except CorruptFile:
                continue
            assert np.abs(found).max() <= latent_stream.LARGEST


def test_streams_of_any_bytes_and_cut_ones_give_corrupt_file_or_latents():
    random, stream = np.random.default_rng(11), packed(correlated(10, (1, 6, 6, 6), 0.6, 2))
    for length in range(200):
        for data in (random.bytes(length), stream[:length]):
            with suppress(CorruptFile):
                latent_stream.decode(data, (1, 6, 6, 6))


@pytest.mark.parametrize("latents", [np.zeros((1, 2, 3)), np.zeros((1, 1, 2, 2)), np.full((1, 1, 1, 1), 32768)])
def test_latents_beyond_the_format_are_refused(latents):
    with pytest.raises(InvalidArgument):
        packed(latents)


def test_the_shipped_tables_are_the_family():
    assert len(latent_tables.shipped()) == latent_tables.SHAPES * latent_tables.CLASSES * latent_tables.CENTRES
    built = latent_tables.build()
    assert np.array_equal(built.start, latent_tables.shipped().start)
    assert np.abs(built.frequencies.astype(int) - latent_tables.shipped().frequencies).max() <= 1

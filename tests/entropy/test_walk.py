"""The walk: equal to its int64 oracle, and its features within what the bound was proved for."""

import numpy as np
import pytest

from entropy.integer_oracle import walk as oracle_walk
from sarcodec.entropy.prior import CHANNELS, FEATURE_MAX, GROUPS, TileLatents
from sarcodec.entropy.tables import MAX_MAGNITUDE
from sarcodec.entropy.walk import _Walk, features, walk
from sarcodec.models import published
from sarcodec.models.published import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return published.load()


class Recorder:
    """A port that answers with seeded places up to a size, and keeps everything it is asked with."""

    def __init__(self, seed: int, hyper_size: int, size: int):
        self.random, self.hyper_size, self.size = np.random.default_rng(seed), hyper_size, size
        self.asked = []

    def answer(self, shape, size):
        sparse = self.random.random(shape) < self.random.choice([0.02, 0.5, 1.0])
        return self.random.integers(-size, size + 1, shape) * sparse

    def hyper(self, rows):
        self.asked.append(np.asarray(rows).tolist())
        return self.answer(rows.shape, self.hyper_size)

    def latents(self, rows, mean, cells, channels):
        self.asked.append((rows.tolist(), mean.tolist(), cells.tolist(), channels))
        return self.answer(rows.shape, self.size)


class Full(Recorder):
    """Answers with one number everywhere, or with its largest and least in turn."""

    def answer(self, shape, size):
        signs = {0: 1, 1: -1, 2: (-1) ** np.arange(shape[-1])}[int(self.random.integers(3))]
        return np.broadcast_to(size * signs, shape).astype(np.int64)


@pytest.mark.parametrize(
    "step, rows, cols, port, size",
    [
        (0, 3, 2, Recorder, 40),
        (639, 4, 3, Recorder, 3),
        (64, 1, 1, Recorder, 9),
        (319, 1, 5, Recorder, 5),
        (447, 5, 1, Recorder, 2),
        (575, 4, 5, Recorder, 1),
        (200, 2, 3, Recorder, 2 * MAX_MAGNITUDE),
        (0, 2, 2, Full, 2 * MAX_MAGNITUDE),
        (639, 3, 2, Full, 2 * MAX_MAGNITUDE),
        (320, 2, 3, Full, 127),
    ],
)
def test_the_walk_equals_its_oracle(model, step, rows, cols, port, size):
    for hyper_size, seed in ((127, 1), (4, 2)):
        fast, slow = port(seed, hyper_size, size), port(seed, hyper_size, size)
        latents = walk(model.prior, step, rows, cols, fast)
        np.testing.assert_array_equal(latents, oracle_walk(model.prior, step, rows, cols, slow))
        assert fast.asked == slow.asked
        assert latents.any() and len(fast.asked) == 9 - 4 * (rows * cols == 1)


@pytest.mark.parametrize(
    "step, other, rows, cols, size",
    [(320, 320, 3, 4, 30), (200, 264, 2, 3, 200), (639, 0, 2, 2, 2 * MAX_MAGNITUDE), (0, 639, 3, 1, 2 * MAX_MAGNITUDE)],
)
def test_a_walk_that_leans_equals_its_oracle(model, step, other, rows, cols, size):
    random = np.random.default_rng(step)
    reference = TileLatents(random.integers(-32 * size, 32 * size + 1, (rows * cols, CHANNELS)), other)
    fast, slow = Recorder(5, 9, 3), Recorder(5, 9, 3)
    latents = walk(model.prior, step, rows, cols, fast, reference)
    np.testing.assert_array_equal(latents, oracle_walk(model.prior, step, rows, cols, slow, reference))
    alone = Recorder(5, 9, 3)
    walk(model.prior, step, rows, cols, alone)
    assert fast.asked == slow.asked != alone.asked


@pytest.mark.parametrize("step", [0, 320, 639])
def test_features_stay_within_what_the_bound_was_proved_for(model, step):
    found = _Walk(model.prior, step, 1, 1, np.zeros((1, 128), np.float32))
    begin, largest = 0, []
    for group, size in enumerate(GROUPS):
        channels = slice(begin, begin + size)
        for latent in (32 * MAX_MAGNITUDE, -32 * MAX_MAGNITUDE, 3000, -37, 1):
            factor, companding = found.feature_factor[channels], model.prior.companding
            seen = features(np.full((1, size), latent, np.int64), factor, companding, group)
            assert seen.dtype == np.float32 and np.abs(seen).max() <= FEATURE_MAX[group]
            assert (seen == np.rint(seen)).all()
            largest.append(np.abs(seen).max())
        assert not features(np.zeros((1, size), np.int64), factor, companding, group).any()
        begin += size
    assert max(largest) > 100

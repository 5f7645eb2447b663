"""Expected errors: what the encoder's choices left of latents, counted by table and place."""

import numpy as np
import pytest

from sarcodec_lab.train.counting import Tally, expected_errors


def test_expected_errors_are_mean_squares_about_the_centroid():
    off = np.random.default_rng(1).normal(0.2, 0.3, 10_000)  # how far inside of its place each value lay
    seen, inwards, squares = (np.zeros((256, 8)) for _ in range(3))
    seen[70, 1], inwards[70, 1], squares[70, 1] = off.size, off.sum(), np.square(off).sum()
    centroids = np.zeros((256, 8), np.uint8)
    centroids[70, 1] = 6
    found = expected_errors(Tally(np.zeros((752, 257)), seen, inwards, squares), centroids) / 65536
    assert found[70, 1] == pytest.approx(np.mean(np.square(off - 6 / 32)), rel=5e-3)
    assert (found[::64, 0] == 1).all()  # nothing seen where tables skip: the typical variance
    assert (found > 0).all() and found[1, 0] < 0.005 < 0.1 < found[63, 0]

"""The lapped transform: orthonormal, inverse, local, and without a rotation a plain block DCT."""

import numpy as np
import pytest

from sarcodec.models import published
from sarcodec.signal.lapped import BLOCK, CHANNELS, Borders, LappedTransform, dct_matrix

PLAIN = LappedTransform(np.eye(32, dtype=np.float32))
ROTATION = np.linalg.qr(np.random.default_rng(0).normal(size=(32, 32)))[0].astype(np.float32)
LAPPED = LappedTransform(ROTATION)


def edges(rows: int, cols: int) -> Borders:
    """Of a scene of so many blocks: its own edges are not lapped."""
    return Borders(*(np.array([0 < k < n for k in range(n + 1)]) for n in (rows, cols)))


def scene(rows: int, cols: int, seed: int = 1) -> np.ndarray:
    """Levels with a block of zeros around."""
    return np.pad(np.random.default_rng(seed).normal(0, 8, (rows * BLOCK, cols * BLOCK)).astype(np.float32), BLOCK)


def around(latents: np.ndarray) -> np.ndarray:
    return np.pad(latents, [(1, 1), (1, 1), (0, 0)])


def test_dct_matrix_is_orthonormal_and_low_frequencies_come_first():
    dct = dct_matrix().astype(np.float64)
    np.testing.assert_allclose(dct @ dct.T, np.eye(CHANNELS), atol=1e-5)
    np.testing.assert_allclose(dct[0], 1 / 32, atol=1e-6)
    changes = lambda line: int(np.count_nonzero(np.diff(np.signbit(line))))  # frequency k changes its sign k times
    found = [(changes(wave[:, 0]), changes(wave[0])) for wave in dct.reshape(CHANNELS, 32, 32)]
    assert [a * a + b * b for a, b in found] == sorted(a * a + b * b for a in range(32) for b in range(32))
    assert len(set(found)) == CHANNELS


def test_without_a_rotation_it_is_the_block_dct():
    x = scene(2, 3)
    blocks = x[BLOCK:-BLOCK, BLOCK:-BLOCK].reshape(2, BLOCK, 3, BLOCK).transpose(0, 2, 1, 3).reshape(2, 3, -1)
    np.testing.assert_allclose(PLAIN.analyse(x, edges(2, 3)), blocks @ dct_matrix().T, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (3, 2), (16, 16)])
@pytest.mark.parametrize("transform", [LAPPED, published.load().transform], ids=["any", "shipped"])
def test_a_scene_comes_back_and_keeps_its_energy(transform, shape):
    x = scene(*shape)
    latents = transform.analyse(x, edges(*shape))
    assert np.square(latents, dtype=float).sum() == pytest.approx(np.square(x, dtype=float).sum(), rel=1e-5)
    back = transform.synthesised(around(latents), edges(*shape))
    np.testing.assert_allclose(back, x[BLOCK:-BLOCK, BLOCK:-BLOCK], atol=1e-4)
    assert not np.shares_memory(back, latents)


def test_parts_of_a_scene_are_the_parts_of_the_whole():
    """What a tile does with its halo is what the whole scene does there."""
    x, whole_borders = scene(4, 6), edges(4, 6)
    whole = LAPPED.analyse(x, whole_borders)
    rows, cols = slice(1, 3), slice(2, 5)
    part = Borders(whole_borders.rows[1:4], whole_borders.cols[2:6])
    window = x[BLOCK * 1 : BLOCK * 5, BLOCK * 2 : BLOCK * 7]
    np.testing.assert_allclose(LAPPED.analyse(window, part), whole[rows, cols], atol=1e-4)
    back = LAPPED.synthesised(around(whole)[1 : 3 + 2, 2 : 5 + 2], part)
    np.testing.assert_allclose(back, x[BLOCK * 2 : BLOCK * 4, BLOCK * 3 : BLOCK * 6], atol=1e-4)


def test_an_error_in_one_block_reaches_sixteen_pixels_beyond_it():
    latents = np.zeros((3, 3, CHANNELS), np.float32)
    latents[1, 1] = 1
    pixels = np.abs(LAPPED.synthesised(around(latents), edges(3, 3)))
    assert (pixels[16:80, 16:80] > 0).mean() > 0.99
    pixels[16:80, 16:80] = 0
    assert not pixels.any()

"""Absolute randomness: cells continue one another, noise has the variance that it says, seeds are the nearest ones."""

import numpy as np
import pytest

from sarcodec.simulate.lattice import (
    CELL,
    Cell,
    fractal,
    hashed,
    level_line_px,
    nearest_seeds,
    noise,
    noise_gradient,
    normal,
    uniform,
)


def mosaic(function, size: int = 4, start: int = -CELL) -> np.ndarray:
    places = [start + CELL * step for step in range(size)]
    return np.block([[function(Cell(row, col)) for col in places] for row in places])


def test_hashes_are_uniform_independent_and_of_any_sign():
    rows, cols = np.arange(-300, 300)[:, None], np.arange(-300, 300)[None, :]
    found = uniform(hashed(5, rows, cols))
    assert found.shape == (600, 600) and found.min() >= 0 and found.max() < 1
    counts = np.histogram(found, 64, (0, 1))[0] / found.size
    assert np.abs(counts - 1 / 64).max() < 0.001
    centred = found - 0.5
    for other in (centred[1:], centred[:-1]):
        assert other.std() == pytest.approx(1 / np.sqrt(12), rel=0.01)
    assert abs((centred[1:] * centred[:-1]).mean()) < 1e-3 and abs((centred[:, 1:] * centred[:, :-1]).mean()) < 1e-3
    draws = [uniform(hashed(5, rows, cols), draw) - 0.5 for draw in range(4)]
    assert max(abs((draws[i] * draws[j]).mean()) for i in range(4) for j in range(i)) < 1e-3
    assert hashed(5, np.array([3]), np.array([4])) != hashed(5, np.array([4]), np.array([3]))
    assert hashed(5, np.array([3]), np.array([4])) != hashed(6, np.array([3]), np.array([4]))


def test_normals():
    found = normal(hashed(1, np.arange(400)[:, None], np.arange(400)[None, :]), 2)
    assert found.mean() == pytest.approx(0, abs=0.01) and found.std() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("scale", [2, 8, 32, 128])
def test_noise_has_unit_variance_and_no_seams(scale):
    image = mosaic(lambda cell: noise(cell, scale, 3), 4 if scale < 16 else 12)
    assert image.std() == pytest.approx(1, abs=0.03 if scale < 16 else 0.15)
    curvature = np.abs(np.diff(image, 2, axis=1)).max(axis=0)
    at_seams = curvature[
        np.concatenate([np.arange(CELL - 2, curvature.size, CELL), np.arange(CELL - 1, curvature.size, CELL)])
    ]
    assert at_seams.max() <= curvature.max() * 1.0001


def test_gradient_is_the_derivative_of_noise():
    cell = Cell(256, -128)
    value, down, across = noise_gradient(cell, 32, 9)
    assert np.allclose(value, noise(cell, 32, 9), atol=1e-5)
    assert np.allclose(np.gradient(value, axis=0)[1:-1], down[1:-1], atol=2e-3)
    assert np.allclose(np.gradient(value, axis=1)[:, 1:-1], across[:, 1:-1], atol=2e-3)


def test_fractal_and_level_lines():
    assert mosaic(lambda cell: fractal(cell, 32, 4, 1), 6).std() == pytest.approx(1, abs=0.1)
    distance = mosaic(lambda cell: level_line_px(cell, 64, 1))
    near = (np.abs(distance[:, :-1]) < 3) & (distance[:, :-1] * distance[:, 1:] < 0)
    # Where a row crosses the line, the distance changes by the cosine of the angle: by no more than about 1.
    assert near.sum() > 50 and np.median(np.abs(np.diff(distance, axis=1))[near]) < 1.1


@pytest.mark.parametrize("spacing", [40, 64, 160])
def test_nearest_seeds_are_the_nearest_of_all(spacing):
    cell, key = Cell(-128, 256), 17
    found = nearest_seeds(cell, spacing, key)
    nodes = np.mgrid[-12:12, -4:22].reshape(2, -1)
    ids = hashed(key, nodes[0], nodes[1])
    rows = ((nodes[0] + 0.1 + 0.8 * uniform(ids, 1)) * spacing).astype(np.float32)
    cols = ((nodes[1] + 0.1 + 0.8 * uniform(ids, 2)) * spacing).astype(np.float32)
    best = np.argmin((cell.rows[..., None] - rows) ** 2 + (cell.cols[..., None] - cols) ** 2, axis=-1)
    assert np.array_equal(ids[best], found.ids[found.index])

"""The fitted rotation: orthogonal, of fewer bits than none, and what it counts is what a long sum counts."""

import numpy as np
import pytest
import torch

from sarcodec_lab.train.lapping import LAGS, autocovariances, bits_of, fitted_rotation, lapped_basis
from sarcodec_lab.train.patches import PatchSource

LINES = torch.stack([torch.tensor([4 * r**k for k in range(LAGS)], dtype=torch.float64) for r in (0.6, 0.85, 0.97)])


@pytest.fixture(scope="module")
def rotation():
    return fitted_rotation(LINES)


def test_it_is_orthogonal_and_so_is_the_whole_transform(rotation):
    assert torch.allclose(rotation @ rotation.T, torch.eye(32), atol=1e-5)
    basis = lapped_basis(rotation.double())
    assert torch.allclose(basis @ basis.T, torch.eye(32).double(), atol=1e-5)
    assert torch.allclose(basis[:, 32:] @ basis[:, :32].T, torch.zeros(32, 32).double(), atol=1e-5)  # of the next block


def test_it_saves_bits_on_what_it_was_fitted_to(rotation):
    none = torch.eye(32, dtype=torch.float64)
    saved = 1 - bits_of(rotation.double(), LINES) / bits_of(none, LINES)
    assert 0.01 < saved < 0.1


def test_bits_are_those_of_the_variances(rotation):
    lag = (torch.arange(LAGS)[:, None] - torch.arange(LAGS)[None]).abs()
    basis = lapped_basis(rotation.double())
    variance = torch.einsum("ij,bjk,ik->bi", basis, LINES[:, lag], basis)
    expected = np.mean([0.5 * np.log2(1 + variance.numpy() / e**2).mean() for e in (0.5, 1.0, 1.6)])
    assert float(bits_of(rotation.double(), LINES)) == pytest.approx(expected, rel=1e-9)


def test_autocovariances_of_patches(small, images):
    found = autocovariances(PatchSource(images, small), least=8)
    assert found.shape[1] == LAGS and len(found) >= 8 and (found[:, 0] > found[:, 1]).all() and (found[:, 0] > 1).all()

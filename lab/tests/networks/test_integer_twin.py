"""What torch trains and what `bitstream.prior` runs are the same functions, on a grid of values."""

import numpy as np
import pytest
import torch

from sarcodec.entropy.prior import GROUPS
from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.entropy.walk import _Walk
from sarcodec.entropy.walk import features as whole_features
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.networks.entropy_model import FEATURE_CHANNELS, companded, features, on_grid
from sarcodec_lab.networks.steps import ChannelSteps
from sarcodec_lab.train.counting import gaussian_centroids
from sarcodec_lab.train.freeze import narrow
from sarcodec_lab.train.integers import prior_arrays

ONE_DB = 256  # step index at which a channel's step is 1 dB, the deviation here: latents / 32 are in deviations


@pytest.fixture(scope="module")
def prior():
    torch.manual_seed(0)
    return prior_from_arrays(narrow(prior_arrays(DctCodec()) | {"centroids": gaussian_centroids()}))


def _grid(group: int, cells: int = 64) -> np.ndarray:
    """Latents (cells, channels) in 1/32 deviation of many sizes; none where 20 u is a half: its rounding differs."""
    size = GROUPS[group]
    values = np.rint(np.geomspace(0.6, 60000, cells * size)).astype(np.int64) * np.where(
        np.arange(cells * size) % 3, 1, -1
    )
    values[values % 8 == 4] += 1
    return np.random.default_rng(group).permutation(values).reshape(cells, size)


@pytest.mark.parametrize("group", range(4))
def test_features(prior, group):
    latents, begin = _grid(group), sum(GROUPS[:group])
    walk = _Walk(prior, ONE_DB, 8, 8, np.zeros((64, 128), np.float32))
    factor = walk.feature_factor[begin : begin + GROUPS[group]]
    whole = whole_features(latents, factor, prior.companding, group)
    u = torch.from_numpy((latents / 32).astype(np.float32)).T.reshape(1, -1, 8, 8)
    real = features(u, group).reshape(FEATURE_CHANNELS[group], 64).T.numpy()
    assert len(np.unique(whole)) > 40
    assert np.array_equal(whole, real * 16)


def test_companding(prior):
    magnitude = torch.arange(8192) / 128
    assert np.array_equal(prior.companding, (companded(magnitude) * 16).numpy())
    assert prior.companding[-1] == 127 == 16 * companded(torch.tensor(1e6))  # what is larger than the table is 127 too


def test_activation_grid():
    x = torch.linspace(-3, 20, 4001)
    x = x[(16 * x) % 1 != 0.5]  # torch rounds halves to even, the integers upwards: of no weight in real activations
    expected = np.clip(np.floor(16 * x.double().numpy() + 0.5), 0, 255) / 16
    assert np.array_equal(on_grid(x).numpy(), expected.astype(np.float32))


@torch.no_grad()
def test_channel_steps():
    model = DctCodec()
    model.channel_steps.offsets.normal_(0, 0.4, generator=torch.Generator().manual_seed(1))
    law = prior_from_arrays(narrow(prior_arrays(model) | {"centroids": gaussian_centroids()})).steps
    steps: ChannelSteps = model.channel_steps
    for s in (0, 1, 63, 64, 333, 639):
        real = steps(torch.tensor([s]))[0].numpy()
        assert np.abs(law.log2_steps(s) / 1024 - real).max() < 2 / 1024
        assert np.abs(np.log2(law.steps_db(s)) - real).max() < 2.1 / 1024

"""The published integer prior and the network it was frozen from, on the same patch and the same decoded places.

Training rounds to whole steps, files hold places on a grid of half steps: here the network is made to decode on that.
"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from sarcodec.entropy import coding as entropy
from sarcodec.entropy.prior import CENTROIDS, GROUPS, HYPER_MAX, LATENT_TABLES, SCALE_LEVELS, Prior
from sarcodec.entropy.prior_arrays import prior_from_arrays
from sarcodec.entropy.tables import FrozenTables, from_weights, gaussian_weights
from sarcodec.entropy.trellis import HALF_STEP
from sarcodec.entropy.walk import _Walk, walk
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.train.counting import shape_of
from sarcodec_lab.train.freeze import load_network, narrow
from sarcodec_lab.train.integers import prior_arrays
from sarcodec_lab.train.patches import dev_patches

CELLS = 8
HALF = HALF_STEP / 32
STEP_INDICES = (272, 400)


@dataclass
class Seen:
    """Of each pass (cells, channels): what the network predicted, its symbols in whole steps and its places; then z,
    its estimate of the latents' bits, and decoded latents in dB."""

    mean: list[np.ndarray]
    log2_scale: list[np.ndarray]
    symbols: list[np.ndarray]
    places: list[np.ndarray]
    hyper: np.ndarray
    bits: float
    latents: np.ndarray


@torch.no_grad()
def _ask_network(model: DctCodec, x: torch.Tensor, step: int, monkeypatch) -> Seen:
    seen = Seen([], [], [], [], np.zeros(0), 0.0, np.zeros(0))

    def flat(t):
        return t[0].permute(1, 2, 0).reshape(CELLS * CELLS, -1).numpy()

    def quantised(residual, log2_scale, mean):
        places = (residual / HALF).round()
        seen.symbols.append(flat(residual.round()))
        seen.places.append(flat(places))
        seen.log2_scale.append(flat(log2_scale))
        seen.mean.append(flat(mean))
        return places * HALF + mean

    def keep_hyper(module, inputs):
        seen.hyper = inputs[0].clamp(-HYPER_MAX, HYPER_MAX)[0].permute(1, 2, 0).reshape(-1).numpy().astype(np.int64)

    handle = model.hyper_synthesis.register_forward_pre_hook(keep_hyper)
    with monkeypatch.context() as patch:
        patch.setattr(model, "quantised", quantised, raising=False)
        outcome = model(x, torch.tensor([step]), torch.zeros(1, 4, dtype=torch.bool))
    handle.remove()
    seen.latents = flat(outcome.latents)
    seen.bits = float(outcome.latent_bits)
    return seen


class _Port:
    """Answers with the network's places; keeps what the integer prior says of each, and the network's symbols."""

    def __init__(self, seen: Seen):
        self.seen, self.rows, self.symbols, self.mean, self.places = seen, [], [], [], []

    def hyper(self, rows):
        return self.seen.hyper

    def latents(self, rows, mean, cells, channels):
        number = len(self.places)
        self.rows.append(rows.reshape(-1))
        self.symbols.append(self.seen.symbols[number][cells].reshape(-1).astype(np.int64))
        self.mean.append(mean / 32)
        self.places.append((cells, channels))
        return self.seen.places[number][cells].astype(np.int64)


class _Heard:
    """A head that keeps what it says."""

    def __init__(self, layer):
        self.layer, self.said = layer, None

    def rounded(self, x):
        self.said = self.layer.rounded(x)
        return self.said


@pytest.fixture(scope="module")
def network(run) -> DctCodec:
    """The quick network, stirred so that means and scales depend on what is around."""
    torch.manual_seed(0)
    model = load_network(run)[0]
    with torch.no_grad():
        for head in model.context.head:
            head.weight.mul_(3.0)
        model.context.bias.add_(torch.rand_like(model.context.bias))
        model.channel_steps.offsets.normal_(0, 0.2)
    return model


@pytest.fixture(scope="module")
def prior(network) -> Prior:
    """Its integer twin; places stand where they are."""
    return prior_from_arrays(
        narrow(prior_arrays(network) | {"centroids": np.zeros((LATENT_TABLES, CENTROIDS), np.uint8)})
    )


@pytest.fixture(scope="module", params=STEP_INDICES)
def walked(request, network, prior, images):
    """What the network said, and what the walk over the same symbols says: (step, seen, port, scales, latents)."""
    step, patch = request.param, pytest.MonkeyPatch()
    seen = _ask_network(network, dev_patches(images[:1])[0][:1], step, patch)
    port, heads = _Port(seen), [_Heard(layer) for layer in prior.head]
    heard = replace(prior, head=tuple(heads))
    latents = walk(heard, step, CELLS, CELLS, port)
    offset = _Walk(prior, step, CELLS, CELLS, np.zeros((CELLS * CELLS, 128), np.float32)).scale_offset
    scales = []
    for head, (_, channels) in zip(heads, port.places, strict=True):
        scales.append((head.said[:, channels.stop - channels.start :] + offset[channels]) / 64 - 4)
    return step, seen, port, scales, latents


def test_scales_agree(walked):
    _, seen, port, scales, _ = walked
    for number, (cells, _) in enumerate(port.places):
        expected = seen.log2_scale[number][cells]
        assert np.abs(scales[number] - expected).mean() < 0.05, f"pass {number}"
    assert np.std(np.concatenate([s.reshape(-1) for s in scales])) > 0.5  # there was something to agree on


def test_means_and_latents_agree(walked, prior):
    """Whole-number means come in 1/64 deviation and then in 1/32 step; half of that is the most that rounding takes."""
    step, seen, port, _, latents = walked
    law = prior.steps
    grain = np.exp2((law.deviation - law.log2_steps(step)) / 1024) / 64 + 1 / 32
    for number, (cells, channels) in enumerate(port.places):
        error = np.abs(port.mean[number] - seen.mean[number][cells]) / grain[channels]
        assert error.mean() < 0.5, f"pass {number}"
    error = np.abs(latents / 32 - seen.latents / law.steps_db(step)) / grain
    assert error.mean() < 0.5
    assert np.abs(latents).any(axis=0).mean() > 0.5  # most channels say something at these steps


def _whole_step_tables() -> FrozenTables:
    """Gaussians of the levels of scale, for symbols in whole steps as the network's estimate has them."""
    sigmas = [2.0 ** (-4 + (n - 0.5) / 4) for n in range(SCALE_LEVELS)]
    shapes = [shape_of(sigma) for sigma in sigmas] * len(GROUPS)
    weights = [gaussian_weights(s.sigma, s.radius, s.shift) + 1e-6 for s in shapes]
    return from_weights(weights, np.array([s.shift for s in shapes]), np.zeros(len(shapes), bool))


def test_the_tables_chosen_by_whole_numbers_code_what_the_network_estimates(walked):
    _, seen, port, _, _ = walked
    data = entropy.encode(
        _whole_step_tables(), np.concatenate(port.rows).astype(np.uint16), np.concatenate(port.symbols)
    )
    assert 8 * len(data) == pytest.approx(seen.bits, rel=0.02)


def test_every_latent_was_walked_once(walked):
    places = np.zeros((CELLS * CELLS, sum(GROUPS)), int)
    for cells, channels in walked[2].places:
        places[cells, channels] += 1
    assert (places == 1).all()

import numpy as np
import torch
from torch.nn import functional as F

from sarcodec.networks.dct_codec import DctCodec
from sarcodec.networks.transforms import BLOCK, CHANNELS, Analysis, Synthesis, dct_basis

SHAPES = {
    "analysis.linear.weight": (1024, 1024, 1, 1),
    "analysis.last.weight": (1024, 256, 1, 1),
    "synthesis.linear.weight": (1024, 1024, 1, 1),
    "synthesis.enter.0.weight": (192, 1025, 1, 1),
    "synthesis.last.weight": (64, 80, 3, 3),
    "channel_steps.offsets": (1024, 11),
    "hyper_analysis.layers.3.weight": (24, 192, 2, 2),
    "hyper_synthesis.third.weight": (128, 96, 1, 1),
    "context.from_side.weight": (256, 128, 1, 1),
    "context.from_group.3.weight": (256, 40, 3, 3),
    "context.bias": (8, 256, 11),
    "context.head.7.weight": (1280, 192, 1, 1),
    "z_mean": (24, 11),
    "z_log2_scale": (24, 11),
}


def test_published_runs_rely_on_these_parameters():
    state = DctCodec().state_dict()
    assert {name: tuple(state[name].shape) for name in SHAPES} == SHAPES
    assert sum(p.numel() for p in DctCodec().parameters()) == 6_888_456


def test_the_start_is_an_orthonormal_dct():
    basis = dct_basis()
    assert np.abs(basis @ basis.T - np.eye(CHANNELS)).max() < 1e-5
    assert np.allclose(basis[0], 1 / BLOCK)


@torch.no_grad()
def test_without_quantisation_the_start_gives_pixels_back():
    x = torch.randn(1, 1, 96, 128, generator=torch.Generator().manual_seed(0)) * 8
    latents = Analysis()(F.pad(x, (BLOCK,) * 4))
    assert latents.shape == (1, CHANNELS, 3, 4)
    back = Synthesis()(F.pad(latents, (2,) * 4), torch.zeros(1, 1, 7, 8))
    assert (back - x).abs().max() < 1e-4


@torch.no_grad()
def test_the_branches_see_exactly_their_halo():
    torch.manual_seed(0)
    analysis, synthesis = Analysis(), Synthesis()
    for layer in (analysis.last, synthesis.last):
        layer.weight.normal_(0, 0.05)
    assert analysis(torch.randn(1, 1, 32 * 5, 32 * 4)).shape == (1, CHANNELS, 3, 2)
    assert synthesis(torch.randn(1, CHANNELS, 7, 6), torch.randn(1, 1, 7, 6)).shape == (1, 1, 32 * 3, 32 * 2)


@torch.no_grad()
def test_finer_steps_take_more_bits_and_leave_less_error():
    torch.manual_seed(0)
    model, x = DctCodec().eval(), torch.randn(1, 1, 64, 64) * 6
    model.set_deviation(torch.full((CHANNELS,), 6.0))
    fine, coarse = (model(x, torch.tensor([s])) for s in (200, 400))
    assert fine.latent_bits > 1.5 * coarse.latent_bits
    error = [float(((o.pixels - x) ** 2).mean().sqrt()) for o in (fine, coarse)]
    # Steps of 0.545 and 4.757 dB on independent normals of 6 dB: step / sqrt(12), less where the step is not fine.
    assert abs(error[0] / (0.545 / 12**0.5) - 1) < 0.03 and 0.9 < error[1] / (4.757 / 12**0.5) < 1.0

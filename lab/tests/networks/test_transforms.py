import numpy as np
import torch
from torch.nn import functional as F

from sarcodec.signal import lapped
from sarcodec.signal.lapped import CHANNELS
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.networks.transforms import LappedTransform

SHAPES = {
    "transform.rotation": (32, 32),
    "channel_steps.offsets": (1024, 11),
    "hyper_analysis.layers.3.weight": (24, 192, 2, 2),
    "hyper_synthesis.third.weight": (128, 96, 1, 1),
    "context.from_side.weight": (256, 128, 1, 1),
    "context.from_group.3.weight": (256, 40, 3, 3),
    "context.from_reference.1.weight": (256, 160, 3, 3),
    "context.from_reference.3.weight": (256, 40, 1, 1),
    "context.bias": (8, 256, 11),
    "context.head.7.weight": (1280, 192, 1, 1),
    "context.gain.7.weight": (640, 192, 1, 1),
    "z_mean": (24, 11),
    "z_log2_scale": (24, 11),
}


def rotation(seed: int = 0) -> torch.Tensor:
    return torch.linalg.qr(torch.randn(32, 32, generator=torch.Generator().manual_seed(seed)))[0]


def transform() -> LappedTransform:
    made = LappedTransform()
    made.rotation.copy_(rotation())
    return made


def scene(rows: int, cols: int, count: int = 1) -> torch.Tensor:
    """Pixels with a block of zeros around."""
    x = torch.randn(count, 1, rows, cols, generator=torch.Generator().manual_seed(1)) * 8
    return F.pad(x, (32,) * 4)


def test_published_runs_rely_on_these_parameters():
    state = DctCodec().state_dict()
    assert {name: tuple(state[name].shape) for name in SHAPES} == SHAPES
    assert sum(p.numel() for p in DctCodec().parameters()) == 3_990_920


def test_latents_of_a_scene_give_its_pixels_back_and_have_its_energy():
    x, edges = scene(96, 128), torch.zeros(1, 4, dtype=torch.bool)
    latents = transform()(x, edges)
    assert latents.shape == (1, CHANNELS, 3, 4)
    assert torch.allclose((latents**2).sum(), (x**2).sum(), rtol=1e-5)
    assert (transform().back(latents, edges) - x[:, :, 32:-32, 32:-32]).abs().max() < 1e-4


def test_it_is_the_transform_that_files_are_made_with():
    x = torch.randn(2, 1, 160, 192, generator=torch.Generator().manual_seed(2)) * 8
    inner = torch.tensor([[True, False, True, True], [False, True, False, False]])
    latents = transform()(x, inner)
    other = lapped.LappedTransform(rotation().numpy())
    for pixels, sides, expected in zip(x, inner.numpy(), latents):
        lines = [np.ones(n + 1, bool) for n in (3, 4)]
        (lines[0][0], lines[0][-1]), (lines[1][0], lines[1][-1]) = sides[:2], sides[2:]
        found = other.analyse(pixels[0].numpy(), lapped.Borders(*lines))
        assert np.abs(found.transpose(2, 0, 1) - expected.numpy()).max() < 1e-4


@torch.no_grad()
def test_finer_steps_take_more_bits_and_leave_less_error():
    torch.manual_seed(0)
    model, x, edges = DctCodec().eval(), scene(64, 64) * 0.75, torch.zeros(1, 4, dtype=torch.bool)
    model.deviation.fill_(6.0)
    fine, coarse = (model(x, torch.tensor([s]), edges) for s in (200, 400))
    assert fine.latent_bits > 1.5 * coarse.latent_bits
    pixels = [model.transform.back(o.latents, edges) - x[:, :, 32:-32, 32:-32] for o in (fine, coarse)]
    error = [float((e**2).mean().sqrt()) for e in pixels]
    assert np.allclose(error, [float(o.mse.sqrt()) for o in (fine, coarse)], rtol=1e-4)
    # Steps of 0.545 and 4.757 dB on independent normals of 6 dB: step / sqrt(12), less where the step is not fine.
    assert abs(error[0] / (0.545 / 12**0.5) - 1) < 0.03 and 0.9 < error[1] / (4.757 / 12**0.5) < 1.0


@torch.no_grad()
def test_a_band_that_leans_on_its_twin_takes_fewer_bits_once_the_gain_is_one():
    torch.manual_seed(0)
    model, x = DctCodec().eval(), scene(64, 64)
    model.deviation.fill_(8.0)
    both, steps, edges = torch.cat([x, x]), torch.tensor([300, 300]), torch.zeros(2, 4, dtype=torch.bool)
    silent = model(both, steps, edges, torch.ones(1))
    assert torch.allclose(silent.latent_bits[0], silent.latent_bits[1])
    for gain in model.context.gain:
        gain.bias.fill_(1.0)
    leaning, alone = (model(both, steps, edges, paired).latent_bits for paired in (torch.ones(1), torch.zeros(1)))
    assert leaning[1] < 0.9 * alone[1] and leaning[0] == alone[0] == silent.latent_bits[0]

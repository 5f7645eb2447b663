import pytest
import torch

from sarcodec_lab.networks.dct_codec import DctCodec


@pytest.fixture(scope="module")
def gradients() -> dict[str, torch.Tensor]:
    """Of all parameters after one backward pass, the silent layers awake."""
    torch.manual_seed(0)
    model = DctCodec().train()
    with torch.no_grad():
        model.deviation.fill_(5.0)
        for layer in (*model.context.from_reference, *model.context.gain):
            layer.weight.normal_(0, 0.01)
    x = torch.randn(2, 1, 128, 128) * 5
    outcome = model(x, torch.tensor([210, 390]), torch.tensor([[True, False] * 2] * 2), torch.ones(1))
    ((outcome.latent_bits + outcome.hyper_bits).mean() / 4096 + outcome.mse.mean()).backward()
    return {name: p.grad for name, p in model.named_parameters()}


def test_every_parameter_has_a_gradient(gradients):
    assert [name for name, g in gradients.items() if g is None or not g.abs().sum() > 0] == []


def test_all_gradients_are_finite(gradients):
    assert [name for name, g in gradients.items() if not torch.isfinite(g).all()] == []


def test_only_the_knots_beside_a_step_learn_from_it(gradients):
    used = gradients["channel_steps.offsets"].abs().sum(0) > 0
    assert used.nonzero().flatten().tolist() == [3, 4, 6, 7]  # 210 lies between 192 and 256, 390 between 384 and 448

"""The study's autoencoders: parameters to the unit, shapes, gates."""

import copy

import pytest
import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import CBAM, VARIANTS, build, facts, parameter_count
from sarcodec_lab.networks.autoencoders.family import UPSAMPLINGS

PARAMETERS = {"baseline": 2_257_809, "resnet-lite": 5_648_033, "residual": 23_836_257, "attention": 24_009_025}


@pytest.mark.parametrize("variant", VARIANTS)
def test_has_the_study_s_number_of_parameters(variant):
    assert parameter_count(build(variant)) == PARAMETERS[variant]


@pytest.mark.parametrize(
    "variant, encoder, decoder", [("residual", 11_109_536, 12_726_721), ("attention", 11_196_400, 12_812_625)]
)
def test_encoder_and_decoder_share_the_parameters_as_in_the_study(variant, encoder, decoder):
    network = build(variant)
    assert (parameter_count(network.encoder), parameter_count(network.decoder)) == (encoder, decoder)


def test_a_base_width_of_64_gives_the_large_resnet_lite():
    assert parameter_count(build("resnet-lite", base_width=64)) == 22_395_873


def test_attention_has_eight_cbam_on_each_side_and_residual_none():
    network = build("attention")
    sides = [sum(isinstance(m, CBAM) for m in part.modules()) for part in (network.encoder, network.decoder)]
    assert sides == [8, 8]
    assert not any(isinstance(m, CBAM) for m in build("residual").modules())


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("channels", [4, 16, 64])
def test_a_tile_becomes_a_sixteenth_of_a_side_and_comes_back(variant, channels):
    network = build(variant, latent_channels=channels, base_width=4).eval()
    x = torch.rand(2, 1, 64, 96)
    reconstruction, latent = network(x)
    assert reconstruction.shape == x.shape and latent.shape == (2, channels, 4, 6)
    assert reconstruction.min() >= 0 and reconstruction.max() <= 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_latents_may_have_either_sign(variant):
    torch.manual_seed(0)
    latent = build(variant, base_width=4)(torch.rand(4, 1, 64, 64))[1]
    assert latent.min() < 0 < latent.max()


def test_either_gate_can_be_left_out():
    counts = {
        gates: parameter_count(build("attention", base_width=8, channel_gate=gates[0], spatial_gate=gates[1]))
        for gates in ((True, True), (True, False), (False, True), (False, False))
    }
    channel, spatial = (counts[g] - counts[False, False] for g in ((True, False), (False, True)))
    assert spatial == 16 * 2 * 7 * 7
    assert channel > 0 and counts[True, True] == counts[False, False] + channel + spatial


def test_cbam_without_gates_changes_nothing():
    x = torch.rand(1, 8, 5, 7)
    assert torch.equal(CBAM(8, channel_gate=False, spatial_gate=False)(x), x)


def test_cbam_with_zero_weights_halves_twice():
    gate = CBAM(32)
    for parameter in gate.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(2, 32, 6, 6)
    torch.testing.assert_close(gate(x), x / 4)


def test_open_cbam_with_zero_weights_changes_nothing():
    gate = CBAM(32, open_gates=True)
    for parameter in gate.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.rand(2, 32, 6, 6)
    torch.testing.assert_close(gate(x), x)


def test_open_gates_have_no_parameters_of_their_own():
    assert parameter_count(build("attention", open_gates=True)) == PARAMETERS["attention"]


@pytest.mark.parametrize("variant", ["resnet-lite", "residual", "attention"])
def test_training_in_less_memory_gives_the_same_gradients_and_statistics(variant):
    torch.manual_seed(0)
    plain = build(variant, base_width=4).double().train()
    sparing = copy.deepcopy(plain)
    sparing.spare_memory()
    x = torch.rand(3, 1, 64, 64, dtype=torch.float64)
    for network in (plain, sparing):
        reconstruction, latent = network(x)
        (((reconstruction - x) ** 2).mean() + latent.square().mean()).backward()
    for (name, one), (_, other) in zip(plain.named_parameters(), sparing.named_parameters()):
        torch.testing.assert_close(one.grad, other.grad, msg=lambda text, name=name: f"{name}: {text}")
    for (name, one), (_, other) in zip(plain.named_buffers(), sparing.named_buffers()):
        assert torch.equal(one, other), name
    assert torch.equal(plain.eval()(x)[0], sparing.eval()(x)[0])


def test_training_in_less_memory_keeps_less():
    def kept(network) -> int:
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: sizes.append(t.numel()) or t, lambda t: t):
            network.train()(torch.rand(2, 1, 64, 64))
        return sum(sizes)

    plain, sparing = build("residual", base_width=4), build("residual", base_width=4)
    sparing.spare_memory()
    assert kept(sparing) < 0.6 * kept(plain)


def test_the_channel_gate_binds_a_network_to_its_tile():
    assert build("attention", base_width=4).shape.tile_bound
    assert not build("attention", base_width=4, channel_gate=False).shape.tile_bound
    assert not build("residual", base_width=4).shape.tile_bound


def _decoded_flat(upsampling):
    """What the decoder makes of a latent without a pattern, away from the border."""
    torch.manual_seed(0)
    network = build("residual", base_width=4, upsampling=upsampling).eval()
    return network.decoder(torch.ones(1, 16, 24, 24) * torch.randn(1, 16, 1, 1))[..., 160:-160, 160:-160]


def test_bilinear_upsampling_makes_a_flat_picture_of_a_flat_latent():
    assert _decoded_flat("bilinear").std() < 1e-6
    assert _decoded_flat("transposed").std() > 1e-5


def test_upsampling_takes_the_same_places_in_a_network():
    names = [set(build("attention", base_width=4, upsampling=u).state_dict()) for u in UPSAMPLINGS]
    assert names[0] == names[1]


def test_reach_stretches_the_output_and_begins_in_the_middle():
    network = build("baseline", base_width=4, reach=(-1.6, 3.5))
    network.calm(head=0.0)
    torch.testing.assert_close(network.eval()(torch.rand(1, 1, 32, 32))[0], torch.full((1, 1, 32, 32), 0.5))
    torch.nn.init.constant_(network.decoder[-3].bias, 50.0)
    assert network(torch.rand(1, 1, 32, 32))[0].max().item() == pytest.approx(3.5)


@pytest.mark.parametrize("variant", ["residual", "resnet-lite"])
def test_a_calm_start_silences_the_residual_branches(variant):
    torch.manual_seed(0)
    network = build(variant, base_width=4)
    network.calm()
    block = next(m for m in network.encoder.modules() if hasattr(m, "residual"))
    x = torch.rand(2, 4, 16, 16)
    torch.testing.assert_close(
        block.eval()(x), block.shortcut(x).relu() if variant == "resnet-lite" else block.shortcut(x)
    )


def test_a_calm_start_makes_gates_even():
    torch.manual_seed(0)
    network = build("attention", base_width=4, open_gates=True)
    network.calm()
    block = next(m for m in network.encoder.modules() if hasattr(m, "residual"))
    x = torch.rand(2, 4, 16, 16)
    torch.testing.assert_close(block.eval()(x), block.shortcut(x))
    assert len(network.gate_parameters()) == 16 * 3


@pytest.mark.parametrize(
    "arguments, word",
    [
        ({"name": "vgg"}, "variant"),
        ({"name": "baseline", "latent_channels": 3}, "latent_channels"),
        ({"name": "baseline", "latent_channels": 65}, "latent_channels"),
        ({"name": "baseline", "base_width": 0}, "base_width"),
        ({"name": "baseline", "reach": (0.6, 1.0)}, "reach"),
        ({"name": "residual", "upsampling": "nearest"}, "upsampling"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(arguments, word):
    with pytest.raises(InvalidArgument, match=word):
        build(**arguments)


def test_a_variant_in_a_row():
    row = dict(zip(facts.COLUMNS, facts.described("baseline", 8), strict=True))
    assert row["parameters"] == "2,155,401" and row["CBAM modules"] == "0" and row["bound to its tile"] == "no"
    assert row["latent of a tile of 256 x 256"] == "8 x 16 x 16, 2,048 numbers"
    assert sum(int(part.replace(",", "")) for part in row["of encoder / decoder"].split(" / ")) == 2_155_401

"""Networks whose weights are placed give what the pair of filters (and details, where there are some) gives, and know at every pixel where in a cell it lies."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from sarcodec.errors import InvalidArgument
from sarcodec_lab.figures.study_metrics import to_study_unit
from sarcodec_lab.networks.autoencoders import Shape, build
from sarcodec_lab.networks.autoencoders.published import publish
from sarcodec_lab.train.autoencoders.crops import dev_crops
from sarcodec_lab.train.autoencoders.floats import development_figures, network_of
from sarcodec_lab.train.autoencoders.grafting import start_from
from sarcodec_lab.train.autoencoders.objective import study_loss
from sarcodec_lab.train.autoencoders.placed.decoder import KINDS, MARKS, PLACES, Bend, place_decoder
from sarcodec_lab.train.autoencoders.placed.detailing import CURVE, read_curve, read_details, train_details
from sarcodec_lab.train.autoencoders.placed.details import Details
from sarcodec_lab.train.autoencoders.placed.encoder import CARRIER, CODED_CARRIER_SCALE, Analysis, place_encoder
from sarcodec_lab.train.autoencoders.placed.fitting import Pair, _lowest_waves, fitted_bend, fitted_pair
from sarcodec_lab.train.autoencoders.placed.placing import details_of, go_on_with_details, place, read_pair
from sarcodec_lab.train.autoencoders.placed.start import placed, placed_details
from sarcodec_lab.train.autoencoders.placed.transposed import AROUND_PX
from sarcodec_lab.train.autoencoders.placed.wiring import Names, blocks_of, values
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.autoencoders.run import train_autoencoder
from sarcodec_lab.train.checkpoint import BEST, LAST


def silent(line: str) -> None:
    """Nobody listens."""


STRAIGHT = Bend((0.0,), (4.0,), -2.0)


def _smooth(count: int, side: int) -> torch.Tensor:
    """Levels (count, 1, side, side) between 0.1 and 0.9, with some noise."""
    coarse = torch.rand(count, 1, side // 8, side // 8)
    return (
        0.1 + 0.6 * F.interpolate(coarse, size=(side, side), mode="bilinear") + 0.2 * torch.rand(count, 1, side, side)
    )


def _pair(channels: int, around_px: int) -> Pair:
    """Waves of single cells, disturbed so that nothing in them is symmetric or small."""
    analysis, synthesis = _lowest_waves(channels)
    edge = 16 - around_px
    inside = F.pad(torch.ones(16 + 2 * around_px, 16 + 2 * around_px), [edge] * 4)
    return Pair(
        analysis + 0.01 * torch.randn(analysis.shape), (synthesis + 0.01 * torch.randn(synthesis.shape)) * inside
    )


@pytest.mark.parametrize("reach", [(0.0, 1.0), (-1.6, 3.5)])
@pytest.mark.parametrize("variant", ["baseline", "resnet-lite"])
@torch.no_grad()
def test_transposed_convolutions_give_the_pair_exactly(variant, reach):
    torch.manual_seed(0)
    pair, x = _pair(16, AROUND_PX), _smooth(2, 64)
    network = placed(Shape(variant, reach=reach), pair, x)
    back, latent = network(x)
    torch.testing.assert_close(latent, pair.latent(x), atol=1e-4, rtol=0)
    torch.testing.assert_close(back, pair.back(x).clamp(*reach), atol=0.03, rtol=0)
    assert (back - pair.back(x).clamp(*reach)).square().mean() < 1e-5


@pytest.fixture(scope="module")
def masked():
    """`attention` with the study's gates, the pair and the crops that it was made with."""
    torch.manual_seed(0)
    pair, x = _pair(15, 16), torch.cat([_smooth(6, 128), _smooth(6, 128).square()])
    return placed(Shape("attention"), pair, x), pair, x


@torch.no_grad()
def test_masks_give_the_pair_nearly(masked):
    network, pair, x = masked
    back, latent = network(x[:3])
    torch.testing.assert_close(latent[:, :15], pair.latent(x[:3]), atol=1e-4, rtol=0)
    assert (back - pair.back(x[:3]).clamp(0, 1)).square().mean() < 4e-4
    assert sum(p.numel() for p in network.parameters()) == 24_009_025


@torch.no_grad()
def test_in_steps_of_one_half_to_two_a_coded_carrier_still_leads_to_the_pair():
    torch.manual_seed(0)
    reach, x = (-1.6, 3.5), 3 * torch.cat([_smooth(3, 128), _smooth(3, 128).square()]) - 1
    pair = _pair(15, 16)
    network = placed(Shape("attention", reach=reach), pair, x, CODED_CARRIER_SCALE)
    latent = network.encoder(x[:2])
    torch.testing.assert_close(latent[:, :15], pair.latent(x[:2]), atol=1e-4, rtol=0)
    torch.testing.assert_close(latent[:, CARRIER] / 2, (latent[:, CARRIER] / 2).round(), atol=1e-4, rtol=0)
    for step in (0.5, 1.0, 2.0):
        rounded = torch.cat([latent[:, :15], (latent[:, 15:] / step).round() * step], 1)
        assert (network.decoder(rounded) - pair.back(x[:2])).square().mean() < 2e-3


@torch.no_grad()
def test_the_carrier_knows_nothing_of_the_picture(masked):
    network, _, x = masked
    carrier = network.encoder(x[:2])[:, CARRIER]
    torch.testing.assert_close(carrier[0], carrier[1])
    assert torch.isfinite(carrier).all() and carrier.abs().max() > 0.5


@pytest.mark.parametrize("cells", [4, 6, 10, 16])
@torch.no_grad()
def test_every_pixel_knows_its_place(cells):
    torch.manual_seed(0)
    network = build("residual").eval()
    place_encoder(network.encoder, Analysis(torch.zeros(15, 32, 32)))
    quarter = place_decoder(network.decoder, STRAIGHT)
    latent = network.encoder(torch.rand(1, 1, 16 * cells, 16 * cells))
    stream = values(network.decoder, latent, blocks_of(network.decoder)[3]) / quarter.second.scale
    for mark, along in zip(MARKS, (-1, -2)):
        at = torch.arange(PLACES * cells).view([-1 if axis == along % 4 else 1 for axis in range(4)])
        for number in range(PLACES):
            mask = stream[:, [quarter.names[f"place{number}{mark}"]]]
            torch.testing.assert_close(mask, (at % PLACES == number).float().expand_as(mask), atol=1e-3, rtol=0)


def test_kinds_of_a_doubling_undo_its_blur():
    x = torch.rand(1, 1, 1, 9)
    blurred = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)[0, 0, 0]
    for kind, (first, taps) in KINDS.items():
        own = {"0": range(2, 18, 2), "1": range(1, 17, 2), "0b": (0,), "1b": (17,)}[kind]
        for at in own:
            made = sum(weight * blurred[at + tap - 1] for tap, weight in taps.items())
            assert made == pytest.approx(x[0, 0, 0, at // 2].item(), abs=1e-5) and at % 2 == first


def test_a_bend_undoes_the_sigmoid():
    levels = torch.rand(4000)
    bend = fitted_bend(levels, 4)
    bent = bend.low + sum(slope * torch.relu(levels - knot) for knot, slope in zip(bend.knots, bend.slopes))
    assert (torch.sigmoid(bent) - levels).square().mean() < 3e-4


def test_fitted_filters_beat_waves_of_single_cells():
    torch.manual_seed(0)
    images = _smooth(8, 64)
    images = images + F.interpolate(images[:, :, ::2, ::2], scale_factor=2, mode="bicubic") - 0.5
    pair = fitted_pair(lambda: images, 15, 16, 40, 0, report=lambda line: None)
    waves = Pair(*_lowest_waves(15))
    assert F.mse_loss(pair.back(images), images) < 0.97 * F.mse_loss(waves.back(images), images)
    torch.testing.assert_close(pair.latent(images).std((0, 2, 3)), torch.ones(15), atol=1e-3, rtol=0)


def test_fitted_by_rate_and_distortion_latents_come_out_in_steps():
    torch.manual_seed(0)
    images = _smooth(8, 64)
    dear, cheap = (fitted_pair(lambda: images, 16, 8, 10, 20, weight, lambda line: None) for weight in (1.0, 1e-3))
    assert cheap.latent(images).std() < 0.1 * dear.latent(images).std()


@pytest.mark.parametrize(
    "shape, channels",
    [
        (Shape("attention", upsampling="transposed"), 15),
        (Shape("residual", base_width=32), 15),
        (Shape("residual"), 16),
        (Shape("baseline", 8), 16),
    ],
)
def test_other_networks_have_no_placed_start(shape, channels):
    with pytest.raises(InvalidArgument, match="placed start"):
        placed(
            shape, Pair(torch.zeros(channels, 1, 32, 32), torch.zeros(channels, 1, 48, 48)), torch.zeros(1, 1, 64, 64)
        )


@pytest.fixture(scope="module")
def begun():
    """Details of a pair, the pair, and the crops that they were made with."""
    torch.manual_seed(0)
    pair, x = _pair(15, 16), torch.cat([_smooth(6, 128), _smooth(6, 128).square()])
    return Details(pair, x), pair, x


@torch.no_grad()
def test_details_begin_as_the_pair(begun):
    details, pair, x = begun
    torch.testing.assert_close(details.latent(x), pair.latent(x))
    assert (details(x) - pair.back(x)).square().mean() < 4e-4


@pytest.mark.parametrize("variant", ["residual", "attention"])
@torch.no_grad()
def test_a_network_gives_what_details_give(begun, variant):
    torch.manual_seed(1)
    details = Details()
    details.load_state_dict(begun[0].state_dict())
    details.filter_out.weight.normal_(0, 0.01)
    details.drawing.weight.normal_(0, 0.01)
    for bias in (details.noted_bias, details.second_bias, details.quarter_bias, details.synthesis.bias):
        bias.add_(0.05 * torch.randn(bias.shape))
    x = begun[2][:3]
    assert (details(x) - begun[0](x)).square().mean() > 1e-3  # all of it is heard
    network = placed_details(Shape(variant), details, x)
    torch.testing.assert_close(network.encoder(x)[:, :15], details.latent(x), atol=1e-3, rtol=0)
    assert (network(x)[0] - details(x).clamp(0, 1)).square().mean() < 4e-4


def test_details_learn_and_go_on(begun, tmp_path):
    torch.manual_seed(0)
    details, x = Details(begun[1], begun[2]), begun[2][:2]
    said, left = [], iter([False] * 30)
    literal = AutoencoderRecipe("literal", range="study", objective="study")
    train_details(details, lambda: x, x, tmp_path, literal, 60, 20, 1e-3, said.append, lambda: next(left, True))
    other = Details()
    assert read_details(other, tmp_path / LAST) == 30
    torch.testing.assert_close(other(x), details(x))
    train_details(other, lambda: x, x, tmp_path, literal, 60, 20, 1e-3, said.append)
    assert [line.split(",")[0] for line in (tmp_path / CURVE).read_text().split()] == ["batch", "0", "20", "40", "60"]
    best = Details()
    assert read_details(best, tmp_path / BEST) > 0
    with torch.no_grad():
        assert study_loss(best(x), x) < 0.99 * study_loss(begun[0](x), x)


def test_details_go_on_in_a_folder(recipe, scenes, tmp_path):
    torch.manual_seed(0)
    pair, literal = _pair(15, 16), replace(recipe, range="study", objective="study", variant="attention")
    for batches in (2, 4):
        folder = go_on_with_details(literal, pair, scenes, tmp_path / "details", batches, 1, 1e-4, 2, silent)
    assert read_curve(folder)["ssim"][0].tolist() == [0, 2, 4]
    details = details_of(folder / LAST)
    dev = dev_crops([image for image in scenes if image.group in recipe.dev_groups], literal)
    figures = development_figures(details, dev)
    assert {name: figures[name] for name in figures} == pytest.approx(
        {name: values[-1] for name, (_, values) in read_curve(folder).items()}, abs=1e-5
    )
    assert read_curve(tmp_path) == {}


def test_a_placed_start_is_a_run_that_is_trained_on(recipe, scenes, tmp_path):
    torch.manual_seed(0)
    pair = _pair(16, AROUND_PX)
    save_file({"analysis": pair.analysis.half(), "synthesis": pair.synthesis.half()}, tmp_path / "pair.safetensors")
    study = replace(recipe, name="a", range="study", objective="study", base_width=0, latent_channels=16, batches=2)
    study = replace(study, crops=((32, 1.0),), norm_rests_after=0.0, learning_rate=1e-6, judge_every=2)
    start = place(study, read_pair(tmp_path / "pair.safetensors"), scenes, tmp_path, crops=2)
    assert start.name == "a-start" and network_of(start).name == "a-start, 0 batches"
    dn = 60 + 100 * np.random.default_rng(0).random((64, 64))
    x = torch.from_numpy(to_study_unit(dn)[None, None].astype(np.float32))
    wanted = read_pair(tmp_path / "pair.safetensors").back(x).clamp(0, 1)[0, 0].numpy()
    assert np.mean((to_study_unit(network_of(start)(dn)) - wanted) ** 2) < 1e-4
    run = train_autoencoder(replace(study, start_from=str(start / BEST)), None, tmp_path, report=silent)
    assert np.mean((to_study_unit(network_of(run)(dn)) - wanted) ** 2) < 1e-3
    assert network_of(run).name == "a, 2 batches"


def test_what_is_no_pair_is_refused(tmp_path):
    save_file({"analysis": torch.zeros(1)}, tmp_path / "half.safetensors")
    for name in ("half.safetensors", "none.safetensors"):
        with pytest.raises(InvalidArgument, match="expected the tensors analysis and synthesis"):
            read_pair(tmp_path / name)


def test_details_learn_by_rate_and_distortion(begun, tmp_path):
    torch.manual_seed(0)
    coded = AutoencoderRecipe(
        "coded", range="centred", objective="rate-distortion", distortion_weight=0.07, latent_step=0.25, step_spread=2.0
    )
    train_details(Details(begun[1], begun[2]), lambda: begun[2][:4], begun[2][:4], tmp_path, coded, 60, 20, 1e-3)
    rows = [line.split(",") for line in (tmp_path / CURVE).read_text().split()]
    assert rows[0] == ["batch", "loss", "mse", "bpp", "rmse_db"]
    assert float(rows[-1][1]) < 0.99 * float(rows[1][1])


def test_other_weights_are_refused(tmp_path):
    (tmp_path / LAST).write_bytes(b"nothing")
    with pytest.raises(InvalidArgument, match="train them again"):
        read_details(Details(), tmp_path / LAST)


def test_transposed_networks_take_none():
    with pytest.raises(InvalidArgument, match="residual and attention"):
        placed_details(Shape("baseline"), Details(), torch.rand(1, 1, 64, 64))


def test_channels_are_given_once():
    names = Names(2)
    names.new("a", "b")
    with pytest.raises(ValueError, match="2 of 2"):
        names.new("c")


@pytest.mark.parametrize("precision", ["int8", "float32"])
@torch.no_grad()
def test_a_run_starts_from_a_published_model(tmp_path, precision):
    torch.manual_seed(0)
    trained, network = build("residual", base_width=4).eval(), build("residual", base_width=4).eval()
    card = {"id": "one", "range": "study", "steps": [1.0] * 16, "batches": 3, "description": ""}
    folder = publish(trained, card, tmp_path, precision)
    start_from(network, folder)
    x = torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(network(x)[0], trained(x)[0], atol=0.02 if precision == "int8" else 1e-6, rtol=0)

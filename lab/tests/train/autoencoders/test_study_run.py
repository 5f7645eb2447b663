import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sarcodec.errors import InvalidArgument, ModelError, OutputExists, SarcodecError
from sarcodec_lab.networks.autoencoders import VARIANTS, Autoencoder, build
from sarcodec_lab.networks.autoencoders.published import load, packed, unpacked
from sarcodec_lab.train.autoencoders.fitting import ALLOWED, _Judge, fitted_steps
from sarcodec_lab.train.autoencoders.grafting import bound_to_latent, freeze_all_but_latent, start_from
from sarcodec_lab.train.autoencoders.keeping import State, write_best, write_state
from sarcodec_lab.train.autoencoders.loop import StudyTrainer, cosine_rate, progress_line
from sarcodec_lab.train.autoencoders.objective import coarser, loss_of
from sarcodec_lab.train.autoencoders.quick import quick_check
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.autoencoders.run import publish_run
from sarcodec_lab.train.run import train


def _silent(line: str) -> None:
    pass


def test_a_run_leaves_whole_files_and_curves(study_run):
    assert {p.name for p in study_run.iterdir()} == {
        "best.safetensors",
        "last.safetensors",
        "state.json",
        "tensorboard",
    }
    state = json.loads((study_run / "state.json").read_text())
    assert state["batch"] == 12 and state["best_batch"] in (6, 12) and np.isfinite(state["best"])
    board = EventAccumulator(str(study_run / "tensorboard"))
    board.Reload()
    assert {"train/loss", "train/bpp", "train/rmse_db", "dev/loss"} <= set(board.Tags()["scalars"])
    assert "latent/0" in board.Tags()["histograms"] and "weights/encoder.0.weight" in board.Tags()["histograms"]
    picture = board.Images("dev/original_reconstruction_error_0")[0]
    assert (picture.width, picture.height) == (3 * 256, 256)


def test_a_run_is_not_written_over_and_resumes_at_its_end(study_run, recipe_path):
    with pytest.raises(OutputExists, match="--resume"):
        train(recipe_path, None, study_run.parent, report=_silent)
    before = load_file(study_run / "last.safetensors")
    train(recipe_path, None, study_run.parent, resume=True, report=_silent)
    after = load_file(study_run / "last.safetensors")
    assert all(torch.equal(before[k], after[k]) for k in before)


@pytest.mark.parametrize("rate", [1.0, 0.1])
def test_gates_learn_at_their_own_rate(scenes, recipe, tmp_path, rate):
    gated = replace(recipe, variant="attention", base_width=4, gate_rate=rate, calm_start=True)
    trainer = StudyTrainer(gated, scenes, tmp_path, report=_silent)
    network, gates = trainer.network, set(trainer.network.gate_parameters())
    before = [(p, p.detach().clone()) for p in network.parameters()]
    trainer.train_batch()
    # Adam's first step is the rate itself, whatever the gradient, unless that is next to nothing.
    for group, factor in ((True, rate), (False, 1.0)):
        moved = max((p - b).abs().max().item() for p, b in before if (p in gates) == group)
        assert moved == pytest.approx(factor * cosine_rate(gated, 0), rel=1e-2)
    tuned = [p for group in trainer.optimiser.param_groups for p in group["params"]]
    assert len(tuned) == len(set(tuned)) == len(before)


def test_statistics_rest_after_their_share_of_the_batches(scenes, recipe, tmp_path):
    trainer = StudyTrainer(replace(recipe, batches=4, norm_rests_after=0.5), scenes, tmp_path, report=_silent)
    norm, counted = trainer.network.encoder[1], []
    for _ in range(4):
        before = int(norm.num_batches_tracked)
        trainer.train_batch()
        counted.append(int(norm.num_batches_tracked) - before)
    assert counted == [1, 1, 0, 0]


def test_a_run_has_the_step_that_it_was_given_and_others_about_it(scenes, recipe, tmp_path):
    given = replace(recipe, latent_step=0.25, step_spread=2.0)
    trainer = StudyTrainer(given, scenes, tmp_path, report=lambda line: None)
    assert trainer.step == 0.25
    rng = np.random.default_rng(0)
    drawn = [coarser(given, rng) for _ in range(200)]
    assert 0.5 <= min(drawn) < 0.6 and 1.7 < max(drawn) <= 2.0
    assert coarser(recipe, rng) == 1.0
    x, noise_free = torch.rand(1, 1, 64, 64), []
    for wider in (1.0, 2.0):
        torch.manual_seed(0)
        _, parts = loss_of(trainer.network, x, given, 1e-6, wider)
        noise_free.append({name: value.item() for name, value in parts.items()})
    weight = given.distortion_weight
    for parts, wider in zip(noise_free, (1.0, 2.0)):
        assert parts["loss"] == pytest.approx(parts["bpp"] + weight / wider**2 * parts["rmse_db"] ** 2, rel=1e-4)
    bits_less = recipe.latent_channels / 256
    assert noise_free[0]["bpp"] - noise_free[1]["bpp"] == pytest.approx(bits_less, rel=1e-3)


def test_a_run_in_less_memory_takes_the_same_way(scenes, recipe, tmp_path):
    ways = []
    for spare in (False, True):
        residual = replace(recipe, variant="residual", base_width=4, spare_memory=spare)
        trainer = StudyTrainer(residual, scenes, tmp_path / str(spare), report=_silent)
        ways.append([trainer.train_batch()["loss"] for _ in range(3)])
    assert ways[0] == pytest.approx(ways[1], rel=1e-4)


def test_a_cut_run_goes_on_where_it_was(scenes, recipe, tmp_path):
    first = StudyTrainer(recipe, scenes, tmp_path, report=_silent)
    first.run(stop=lambda: first.batch >= 5)
    second = StudyTrainer(recipe, scenes, tmp_path, resume=True, report=_silent)
    assert (second.batch, second.step) == (5, first.step)
    kept = first.network.state_dict()
    assert all(torch.equal(v, kept[k]) for k, v in second.network.state_dict().items())
    assert second.learning_rate() < cosine_rate(recipe, 5)  # warms up again
    second.run()
    assert second.batch == recipe.total_batches


def test_the_same_seed_trains_the_same_weights(scenes, recipe, tmp_path):
    runs = [StudyTrainer(recipe, scenes, tmp_path / name, report=_silent) for name in "ab"]
    for trainer in runs:
        torch.manual_seed(recipe.seed)
        trainer.run(stop=lambda t=trainer: t.batch >= 2)
    a, b = (t.network.state_dict() for t in runs)
    assert all(torch.equal(a[k], b[k]) for k in a)


def test_a_network_learns_one_scene(scenes, recipe, tmp_path):
    longer = replace(recipe, batches=150, batch=4, crops=((64, 1.0),), judge_every=150, calm_start=True)
    trainer = StudyTrainer(longer, scenes, tmp_path, report=_silent)
    before = trainer.judge()["mse"]
    trainer.run()
    assert trainer.judge()["mse"] < 0.8 * before


def test_the_quick_check_says_in_words_what_it_saw(scenes, recipe, tmp_path):
    stuck = StudyTrainer(replace(recipe, learning_rate=1e-9), scenes, tmp_path, report=_silent)
    found = replace(quick_check(stuck, batches=2), first=2.0, last=1.9)
    assert not found.learns and "does not learn" in str(found) and found.batches == 2
    assert replace(found, last=1.0, dev_before=3.0, dev_after=2.0).verdict == "the network learns"
    assert "not yet better" in replace(found, last=1.0, dev_before=2.0, dev_after=3.0).verdict
    assert np.isfinite([found.psnr_db, found.epi]).all()


def test_the_quick_check_measures_what_it_trained(scenes, recipe, tmp_path):
    trainer = StudyTrainer(replace(recipe, learning_rate=1e-2), scenes, tmp_path, report=_silent)
    found = quick_check(trainer, batches=10)
    assert found.dev_after != found.dev_before and found.first != found.last
    assert (tmp_path / "last.safetensors").exists()


def test_quick_keeps_away_from_the_long_run(recipe_path, tmp_path):
    lines = []
    folder = train(recipe_path, None, tmp_path, report=lines.append, quick=True)
    assert folder.name == "tiny-quick" and "after 12 batches: PSNR" in lines[-1]
    train(recipe_path, None, tmp_path, report=_silent, quick=True)  # again, and nothing is in the way


def test_a_loss_that_is_not_finite_names_the_last_good_checkpoint(scenes, recipe, tmp_path):
    trainer = StudyTrainer(recipe, scenes, tmp_path, report=_silent)
    trainer.run(stop=lambda: trainer.batch >= 2)
    kept = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.source.crop = lambda side: np.full((side, side), np.nan, np.float32)
    with pytest.raises(SarcodecError, match="last good checkpoint is .*last.safetensors"):
        trainer.run()
    weights = dict(trainer.network.named_parameters())
    assert all(torch.equal(weights[k], kept[k]) for k in weights)
    assert all(torch.equal(v, kept[k]) for k, v in load_file(tmp_path / "last.safetensors").items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_only_what_touches_the_latent_depends_on_its_channels(variant):
    small, large = (build(variant, c, base_width=4) for c in (8, 16))
    shapes = {k: v.shape for k, v in small.state_dict().items()}
    differ = {k for k, v in large.state_dict().items() if v.shape != shapes[k]}
    assert differ and all(bound_to_latent(k, small.shape) for k in differ)
    freeze_all_but_latent(small)
    tuned = {k for k, p in small.named_parameters() if p.requires_grad}
    assert differ & set(dict(small.named_parameters())) <= tuned and len(tuned) < len(list(small.parameters()))


@pytest.mark.parametrize("channels", [4, 16])
def test_fine_tuning_keeps_the_first_channels(study_run, recipe, channels):
    network = build("baseline", channels, base_width=4, reach=recipe.scale.clip)
    start_from(network, study_run / "best.safetensors")
    kept, shared = load_file(study_run / "best.safetensors"), min(channels, 8)
    assert torch.equal(network.encoder[9].weight[:shared], kept["encoder.9.weight"][:shared])
    assert torch.equal(network.decoder[3].weight, kept["decoder.3.weight"])


@pytest.mark.parametrize("variant", ["baseline", "resnet-lite", "residual", "attention"])
@pytest.mark.parametrize("channels", [16, 32])
def test_more_channels_change_nothing_at_first(variant, channels, tmp_path):
    torch.manual_seed(0)
    gates = {"spatial_gate": False}  # it pools over all channels, so that it does hear of new ones
    narrow, wide = build(variant, 8, base_width=4, **gates), build(variant, channels, base_width=4, **gates)
    narrow.train()(torch.rand(2, 1, 64, 64))  # running statistics of its own
    save_file(narrow.state_dict(), tmp_path / "best.safetensors")
    start_from(wide, tmp_path / "best.safetensors")
    x = torch.rand(1, 1, 64, 64)
    (before, latent), (after, more) = narrow.eval()(x), wide.eval()(x)
    torch.testing.assert_close(more[:, :8], latent)
    torch.testing.assert_close(after, before)
    assert more[:, 8:].abs().max() > 0  # what is new is there to be learned from


def test_a_run_can_be_published_with_the_step_of_its_training(study_run, tmp_path):
    folder = publish_run(study_run, "plain", None, tmp_path, fitting_crops=0, report=_silent)
    step = json.loads((study_run / "state.json").read_text())["step"]
    assert json.loads((folder / "card.json").read_text())["steps"] == [step] * 8


def test_a_run_whose_network_counts_from_its_border_is_published_for_tiles(study_run, tmp_path):
    run = shutil.copytree(study_run, tmp_path / "run")
    state = json.loads((run / "state.json").read_text())
    for bound, side in ((False, None), (True, 256)):
        state["recipe"]["tile_bound"] = bound
        (run / "state.json").write_text(json.dumps(state))
        folder = publish_run(run, f"bound-{bound}", None, tmp_path, fitting_crops=0, report=_silent)
        assert load(folder).tile_px == side


@pytest.mark.parametrize("variant", ["baseline", "residual"])
def test_a_run_goes_over_to_another_range(recipe, tmp_path, variant):
    torch.manual_seed(0)
    own, other = (replace(recipe, variant=variant, base_width=4, range=r) for r in ("study", "centred"))
    trained = Autoencoder(own.shape).eval()
    trained.calm()
    write_best(tmp_path, trained.state_dict(), own, 1)
    write_state(tmp_path, State(1, 0.0, 1, 1.0, 0, 1.0), trained.state_dict(), own)
    network = Autoencoder(other.shape).eval()
    start_from(network, tmp_path / "best.safetensors")
    x = 0.4 + 0.2 * torch.rand(1, 1, 32, 32)
    torch.testing.assert_close(network(x)[0], trained(x)[0], atol=2e-3, rtol=0)


def test_other_networks_are_not_started_from(study_run):
    with pytest.raises(InvalidArgument, match="differ in"):
        start_from(build("residual", base_width=4), study_run / "best.safetensors")
    with pytest.raises(InvalidArgument, match="base_width"):
        start_from(build("baseline", 8, base_width=8), study_run / "best.safetensors")


def test_patience_ends_a_run_that_no_longer_gains(scenes, recipe, tmp_path):
    flat = replace(
        recipe, learning_rate=1e-9, batches=100, judge_every=2, patience=2, epoch_batches=2, objective="study"
    )
    trainer = StudyTrainer(flat, scenes, tmp_path, report=_silent)
    trainer.run()
    assert trainer.batch < 100


def test_a_plateau_halves_the_rate(scenes, recipe, tmp_path):
    trainer = StudyTrainer(replace(recipe, schedule="plateau"), scenes, tmp_path, report=_silent)
    before = trainer.learning_rate()
    trainer.best = -1e9
    for _ in range(4):
        trainer.judge()
    assert trainer.learning_rate() == before / 2


def test_the_bar_shows_pace_and_time_left():
    line = progress_line(30, 120, 0.5)
    assert "30/120" in line and "0.50 batches/s" in line and "3:00 left" in line


@pytest.mark.parametrize("precision, tolerance", [("float32", 0), ("float16", 1e-3), ("int8", 1e-2)])
def test_packed_weights_come_back_within_their_precision(precision, tolerance):
    state = build("attention", base_width=32).state_dict()
    back = unpacked(packed(state, precision))
    assert set(back) == set(state)
    for name, value in state.items():
        assert back[name].dtype == value.dtype
        assert (back[name] - value).abs().max() <= tolerance * value.abs().max() + 1e-12


def test_a_published_run_is_loaded_and_gives_what_the_network_gives(study_run, tmp_path):
    folder = publish_run(study_run, "tiny", None, tmp_path, "float32")
    model = load("tiny", (tmp_path,))
    assert model.id == "tiny" and model.latent_channels == 8 and model.tile_px is None
    assert len(model.card["steps"]) == 8 and min(model.card["steps"]) > 0
    x = np.random.default_rng(1).random((5, 1, 48, 32), np.float32)
    expected = model.network(torch.from_numpy(x))[0].detach().numpy()
    np.testing.assert_allclose(model.synthesise(model.analyse(x)), expected, atol=1e-5)
    with pytest.raises(OutputExists):
        publish_run(study_run, "tiny", None, tmp_path)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"steps": [1.0] * 8}))
    with pytest.raises(ModelError, match="digest"):
        load(folder)


class _Scaled(torch.nn.Module):
    """A lossless transform whose channels are loud or quiet, and a decoder that undoes it but for an error of 0.05."""

    def __init__(self, loudness: torch.Tensor):
        super().__init__()
        loudness = loudness.view(1, -1, 1, 1)
        self.encoder = lambda x: torch.nn.functional.pixel_unshuffle(x, 4) * loudness
        self.decoder = lambda y: torch.nn.functional.pixel_shuffle(y / loudness, 4) + 0.05


def test_steps_are_as_wide_as_the_error_allows_and_follow_what_the_decoder_hears():
    torch.manual_seed(0)
    loudness = torch.tensor([1.0, 2.0, 0.5, 3.0] * 4)
    network, crops = _Scaled(loudness), torch.rand(2, 1, 128, 128)
    steps = torch.tensor(fitted_steps(network, crops))
    ratio = steps / loudness
    assert ratio.max() / ratio.min() < 1.6  # and not 6, as the loudness has it
    judge = _Judge(network, crops)
    assert 1.01 * judge(None) < judge(steps) <= ALLOWED * judge(None)


def test_multiplications_are_those_of_the_study():
    from sarcodec_lab.networks.autoencoders.published import StudyModel

    model = StudyModel("x", b"", {"range": "study"}, build("attention").eval())
    giga = {name: value * 65_536 / 1e6 for name, value in model.kmac_per_px.items()}
    assert giga == pytest.approx({"encoder": 26, "decoder": 40.5}, rel=0.01)


def test_defaults_are_the_study_s_recipe_for_attention():
    recipe = AutoencoderRecipe("x")
    assert (recipe.variant, recipe.batch, recipe.learning_rate, recipe.total_batches) == ("attention", 16, 1e-4, 15_000)

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from sarcodec.errors import InvalidArgument, SarcodecError
from sarcodec_lab.networks.dct_codec import DctCodec
from sarcodec_lab.train.checkpoint import write_tensors
from sarcodec_lab.train.device import chosen_device, mixed_precision
from sarcodec_lab.train.judging import DEV_STEPS, averaged, judge
from sarcodec_lab.train.loop import Trainer, learning_rate
from sarcodec_lab.train.loss import distortion_weight, per_sample, relative_loss
from sarcodec_lab.train.patches import Batch, dev_patches
from sarcodec_lab.train.recipe import Recipe


def _weights(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in trainer.model.state_dict().items()}


def _same(a: dict, b: dict) -> bool:
    return all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(scope="module")
def trainer(small, images, tmp_path_factory) -> Trainer:
    """One that no test leaves with other weights."""
    return Trainer(small, images, tmp_path_factory.mktemp("run"))


def _cost_of(trainer: Trainer, batch: Batch) -> float:
    """Mean log cost of a batch, rounded as a decoder has it."""
    with torch.no_grad():
        outcome = trainer.model.eval()(batch.levels, batch.steps, batch.inner, batch.paired)
        cost = per_sample(outcome, batch.steps, trainer.recipe.rate_constant)[2]
    return float(cost.log().mean())


@pytest.mark.parametrize("rate, learns", [(1e-3, True), (1e-9, False)])
def test_a_few_steps_reduce_the_cost(recipe, images, tmp_path, monkeypatch, rate, learns):
    """Of the one batch that is shown; without a learning rate to speak of nothing falls."""
    trainer = Trainer(replace(recipe, steps=15, learning_rate=rate, final_learning_rate=0.0), images, tmp_path)
    batch = replace(trainer.source.batch(), steps=torch.tensor([300, 400]))
    monkeypatch.setattr(trainer.source, "batch", lambda: batch)
    before = _cost_of(trainer, batch)
    for _ in range(15):
        trainer.train_step()
    assert (_cost_of(trainer, batch) < before - 0.03) == learns


def test_the_seed_decides_everything(small, images, tmp_path):
    trainers = [Trainer(replace(small, seed=seed), images, tmp_path / str(n)) for n, seed in enumerate((3, 3, 4))]
    states = []
    for trainer in trainers:
        torch.manual_seed(trainer.recipe.seed)  # where a run of its own would begin; three share a process here
        trainer.train_step()
        states.append(trainer.model.state_dict())
    assert _same(states[0], states[1]) and not _same(states[0], states[2])


def test_the_score_knows_fine_from_coarse(trainer, images):
    x = dev_patches(images[:1])[0][..., :192, :192]
    score = judge(trainer.model.eval(), [x, x], 7.5)
    rates, errors = zip(*(score.by_step[s] for s in DEV_STEPS), strict=True)
    assert list(rates) == sorted(rates, reverse=True) and list(errors) == sorted(errors)
    logs = [math.log(r + 7.5 * e**2 / 2 ** (2 * (s / 64 - 4))) for s, (r, e) in score.by_step.items()]
    assert score.value == pytest.approx(sum(logs) / 5, abs=1e-5) and score.leaning == 0.0
    pair = judge(trainer.model.eval(), [torch.cat([x, x])], 7.5)
    assert pair.leaning == pytest.approx(0.0, abs=1e-6) and pair.value == pytest.approx(score.value)  # silent so far


def test_the_schedule_warms_up_and_falls():
    recipe = Recipe("x", steps=1000, warmup_steps=100)
    rates = [learning_rate(recipe, step) for step in range(1000)]
    assert rates[0] == pytest.approx(recipe.learning_rate / 100) and max(rates) == rates[99] == recipe.learning_rate
    assert all(a >= b for a, b in itertools.pairwise(rates[100:]))
    assert learning_rate(recipe, 1000) == pytest.approx(recipe.final_learning_rate)
    assert learning_rate(Recipe("x", steps=10, warmup_steps=0), 0) == Recipe("x").learning_rate


def test_the_loss_counts_a_share_of_bits_alike_at_every_rate():
    assert distortion_weight(torch.tensor([256]), 7.5).item() == pytest.approx(7.5)  # a step of 1 dB
    assert distortion_weight(torch.tensor([320]), 7.5).item() == pytest.approx(7.5 / 4)
    cost = torch.tensor([0.9, 9.9], requires_grad=True)
    relative_loss(cost).backward()
    assert torch.allclose(cost.grad, torch.tensor([0.5, 0.05]))


@pytest.mark.parametrize("kept", [False, True])
def test_a_poisoned_batch_stops_and_names_the_last_good_checkpoint(trainer, monkeypatch, kept):
    if kept:
        trainer.save()
    before, batch = _weights(trainer), trainer.source.batch()
    batch.levels[0, 0, 37, 39] = math.nan
    monkeypatch.setattr(trainer.source, "batch", lambda: batch)
    with pytest.raises(SarcodecError, match="last.safetensors" if kept else "no checkpoint was kept") as caught:
        trainer.run(report=lambda line: None)
    assert "step 0" in str(caught.value) and trainer.step == 0 and _same(before, trainer.model.state_dict())


def test_a_gradient_that_is_not_finite_moves_nothing(trainer, monkeypatch):
    before = _weights(trainer)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda p, limit: torch.tensor(math.inf))
    with pytest.raises(SarcodecError, match="gradient is inf"):
        trainer.train_step()
    assert _same(before, trainer.model.state_dict())


def test_without_a_compiler_training_goes_on(small, images, tmp_path, monkeypatch):
    def no_compiler(model, **options):
        def call(*inputs):
            raise RuntimeError("InvalidCxxCompiler: no C++ compiler\nlong trace")

        return call

    monkeypatch.setattr(torch, "compile", no_compiler)
    lines = []
    trainer = Trainer(replace(small, steps=2, compile=True), images, tmp_path)
    trainer.run(report=lines.append)
    assert trainer.step == 2
    assert [line for line in lines if "compile" in line] == [
        "torch.compile does not work here, going on without: InvalidCxxCompiler: no C++ compiler"
    ]


def test_judging_leaves_the_weights_alone(trainer):
    before, average = _weights(trainer), {k: v * 0 for k, v in _weights(trainer).items()}
    with pytest.raises(KeyError), averaged(trainer.model, average):
        assert not trainer.model.z_mean.any() and not trainer.model.transform.rotation.any()
        raise KeyError
    assert _same(before, trainer.model.state_dict())


def test_patience_ends_a_run_that_gets_no_better(small, images, tmp_path):
    lines = []
    # No score comes below -10, which step 0 is said to have had.
    impatient = replace(small, steps=40, dev_every=1, patience=2)
    trainer = Trainer(impatient, images, tmp_path)
    trainer.dev, trainer.best = [dev_patches(images[:1])[0][..., :128, :128]], -10.0
    trainer.run(report=lines.append)
    assert trainer.step == 3 and "no better for 2 steps" in lines[-1]
    assert not (tmp_path / "best.safetensors").exists() and (tmp_path / "last.safetensors").exists()


def test_a_run_starts_from_the_weights_of_another(small, images, tmp_path):
    donor = DctCodec()
    donor.deviation.fill_(3.0)
    write_tensors(tmp_path / "donor.safetensors", donor.state_dict(), 0)
    start = replace(small, start_from=str(tmp_path / "donor.safetensors"))
    trainer = Trainer(start, images, tmp_path / "run")
    assert _same(donor.state_dict(), trainer.model.state_dict()) and _same(donor.state_dict(), trainer.average)
    older = {k: v for k, v in donor.state_dict().items() if "gain" not in k and "rotation" not in k}
    write_tensors(tmp_path / "donor.safetensors", older, 0)
    trainer = Trainer(start, images, tmp_path / "run")
    assert _same(older, trainer.model.state_dict() | {}) and not trainer.model.context.gain[0].bias.any()
    assert (trainer.model.transform.rotation - torch.eye(32)).abs().max() > 0.05
    write_tensors(tmp_path / "donor.safetensors", {k: v for k, v in older.items() if "head" not in k}, 0)
    with pytest.raises(InvalidArgument, match="lacks .*head"):
        Trainer(start, images, tmp_path / "run")
    with pytest.raises(InvalidArgument, match="nowhere"):
        Trainer(replace(small, start_from="nowhere"), images, tmp_path / "run")


def test_a_device_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert chosen_device("auto").type == chosen_device("cpu").type == "cpu"
    with pytest.raises(InvalidArgument, match="cuda"):
        chosen_device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [chosen_device(wish).type for wish in ("auto", "cuda", "cpu")] == ["cuda", "cuda", "cpu"]


def test_transforms_and_heads_stay_in_float32():
    """Latents in bfloat16 would be off by a quarter of a dB."""
    torch.manual_seed(0)
    model = DctCodec().eval()
    accumulator, s = torch.randn(1, 256, 2, 2), torch.tensor([300])
    with torch.no_grad():
        exact = model.context.predict(accumulator, 0, s)
        with mixed_precision(torch.device("cpu")):
            mixed = model.context.predict(accumulator, 0, s)
            assert model.context.hidden[0](accumulator).dtype == torch.bfloat16
            edges = torch.zeros(1, 4, dtype=torch.bool)
            assert model.transform(torch.randn(1, 1, 96, 96), edges).dtype == torch.float32
    assert all(m.dtype == torch.float32 for m in mixed)
    assert all(torch.allclose(a, b, atol=0.05) for a, b in zip(exact, mixed, strict=True))
    assert not torch.equal(exact[0], exact[0].bfloat16().float())  # or the dtype would say nothing


def test_the_average_follows_and_forgets_its_start(trainer):
    trainer.average = {k: torch.zeros_like(v) for k, v in trainer.model.state_dict().items()}
    trainer.step = 1  # keeps 2 / 11 of what it was
    trainer._follow()
    weight = trainer.model.state_dict()["context.from_side.weight"]
    assert np.allclose(trainer.average["context.from_side.weight"], weight * (9 / 11), atol=1e-6)
    trainer.step = 0

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train import checkpoint
from sarcodec_lab.train.checkpoint import read_checkpoint
from sarcodec_lab.train.loop import Trainer


@pytest.fixture(scope="module")
def pair(small, images, tmp_path_factory) -> tuple[Trainer, Trainer]:
    """A trainer after three steps, and one that resumed from what it kept."""
    folder = tmp_path_factory.mktemp("run")
    first = Trainer(small, images, folder)
    for _ in range(3):
        first.train_step()
    first.best, first.best_step = 0.25, 2
    first.save()
    return first, Trainer(small, images, folder, resume=True)


def _same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_everything_comes_back(pair):
    first, second = pair
    assert (second.step, second.best, second.best_step) == (3, 0.25, 2)
    assert _same(first.model.state_dict(), second.model.state_dict())
    assert _same(first.average, second.average)
    moments = [{n: t.optimiser.state[p] for n, p in t.model.named_parameters()} for t in pair]
    assert all(_same(moments[0][n], moments[1][n]) for n in moments[0])


def test_a_resumed_run_draws_from_a_fresh_stream_of_seed_and_step(pair, small):
    second = pair[1]
    expected = np.random.default_rng(np.random.SeedSequence([small.seed, 3])).bit_generator.state
    start = np.random.default_rng(small.seed).bit_generator.state
    assert second.source.rng.bit_generator.state == expected != start


def test_the_next_step_is_the_one_that_was_not_taken(pair):
    """The same batch and noise move both alike: moments lie in the order of the weights that they belong to."""
    for trainer in pair:
        trainer.source.rng = np.random.default_rng(7)
        torch.manual_seed(7)
        trainer.train_step()
    states = [t.model.state_dict() for t in pair]
    assert max(float((states[0][k] - states[1][k]).abs().max()) for k in states[0]) < 1e-6
    assert pair[0].step == pair[1].step == 4


def test_the_tensors_say_their_step(pair):
    """A cut between the two files leaves an older state.json: the weights' own step holds."""
    folder = pair[0].folder
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps(state | {"step": 1}))
    assert read_checkpoint(folder).step == 3


def test_a_checkpoint_without_words_in_its_head_is_read(pair, tmp_path):
    save_file(load_file(pair[0].folder / "last.safetensors"), tmp_path / "last.safetensors")
    (tmp_path / "state.json").write_text('{"step": 2, "best": Infinity, "best_step": 0}')
    kept = read_checkpoint(tmp_path)
    assert kept.step == 2 and set(kept.moments["z_mean"]) == {"step", "exp_avg", "exp_avg_sq"}


def test_a_cut_while_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    checkpoint.write_tensors(tmp_path / "last.safetensors", {"model.a": torch.zeros(2)}, 1)
    before = (tmp_path / "last.safetensors").read_bytes()

    def cut(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", cut)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.write_tensors(tmp_path / "last.safetensors", {"model.a": torch.ones(2)}, 2)
    assert [p.name for p in tmp_path.iterdir()] == ["last.safetensors"]
    assert (tmp_path / "last.safetensors").read_bytes() == before


def test_nothing_and_rubbish_are_said(tmp_path, small, images):
    with pytest.raises(InvalidArgument, match="nothing to resume"):
        Trainer(small, images, tmp_path, resume=True)
    (tmp_path / "last.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(InvalidArgument, match="cannot be read"):
        Trainer(small, images, tmp_path, resume=True)
    checkpoint.write_tensors(tmp_path / "last.safetensors", {"model.other": torch.zeros(2)}, 1)
    (tmp_path / "state.json").write_text('{"step": 1, "best": 0.0, "best_step": 0}')
    with pytest.raises(InvalidArgument, match="another network"):
        Trainer(small, images, tmp_path, resume=True)

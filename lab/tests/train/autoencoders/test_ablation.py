"""Grids of runs with seeds, development crops after rounding, and curves out of TensorBoard's files."""

import json
import shutil

import numpy as np
import pytest
import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import Autoencoder, parameter_count
from sarcodec_lab.train.autoencoders.ablation import (
    GATES,
    by_place,
    gained,
    gained_at_equal_bits,
    gate_recipes,
    is_finished,
    judge_grid,
    spent,
    spread,
)
from sarcodec_lab.train.autoencoders.crops import dev_crops
from sarcodec_lab.train.autoencoders.curves import read_curves
from sarcodec_lab.train.autoencoders.development import crops_of, development_crops, load_trained
from sarcodec_lab.train.autoencoders.gates import COLUMNS, answer, found_runs, rows
from sarcodec_lab.train.autoencoders.run import read_autoencoder, train_autoencoder


def silent(line: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def crops(recipe):
    return development_crops(recipe, None)


def test_the_crops_are_those_that_training_is_judged_on(recipe, scenes, crops):
    judged = dev_crops([i for i in scenes if i.group in recipe.dev_groups], recipe).numpy()[:, 0]
    seen = np.stack([recipe.scale.to_unit(crop.level_db, crop.offset_db) for crop in crops])
    assert np.allclose(seen, judged, atol=1e-6)
    assert [(crop.place, crop.band) for crop in crops] == [("simulated_mixed_1", 1), ("simulated_mixed_1", 2)]
    assert np.array_equal(crops[0].guide_db, crops[1].level_db)


def test_no_crop_is_an_error_that_names_the_places(recipe, monkeypatch):
    monkeypatch.setattr("sarcodec_lab.train.autoencoders.development.training_images", lambda *args: [])
    with pytest.raises(InvalidArgument, match="simulated_mixed_1"):
        development_crops(recipe, None)
    assert crops_of([]) == []


def test_what_comes_back_is_of_rounded_latents(study_run, crops):
    trained = load_trained(study_run)
    fine, own, coarse = trained.decoded(crops[0], (1 / 64, 1.0, 64.0))
    unit = torch.from_numpy(trained.recipe.scale.to_unit(crops[0].level_db, crops[0].offset_db).astype(np.float32))
    with torch.inference_mode():
        straight = trained.network(unit[None, None])[0][0, 0].numpy()
    assert np.abs(fine.level_db - trained.recipe.scale.to_level(straight, crops[0].offset_db)).max() < 0.2
    assert fine.bits_per_pixel > own.bits_per_pixel > coarse.bits_per_pixel >= 0
    assert own.level_db.shape == (256, 256) and own.rmse_db > 0 and 5 < own.psnr_db < 40


def test_curves(study_run, tmp_path):
    curves = read_curves(study_run)
    assert curves["dev/loss"][0].tolist() == [6, 12]
    assert {"train/loss", "train/bpp", "train/rmse_db", "train/learning_rate"} <= set(curves)
    assert read_curves(tmp_path) == {}


def run_of(recipe_path, runs, name: str, seed: int, batches: int = 2):
    """A run of the tiny recipe, at its end."""
    changes = (f"name={name}", f"seed={seed}", f"batches={batches}")
    return train_autoencoder(read_autoencoder(recipe_path, changes), None, runs, report=silent)


@pytest.fixture(scope="module")
def runs(recipe_path, tmp_path_factory):
    """Recipes of four gates, in `recipes`; runs of two of them with two seeds."""
    folder = tmp_path_factory.mktemp("gates")
    (folder / "recipes").mkdir()
    for gates in GATES:
        (folder / "recipes" / f"half-{gates}.toml").touch()
    for gates in ("none", "both"):
        for seed in (1, 2):
            run_of(recipe_path, folder, f"half-{gates}-s{seed}", seed)
    return folder


def test_gates_that_are_there_are_judged(runs, crops, recipe):
    grid = found_runs(runs / "recipes", runs)
    assert {gates: [path.name for path in paths] for gates, paths in grid.items()} == {
        "none": ["half-none-s1", "half-none-s2"],
        "both": ["half-both-s1", "half-both-s2"],
    }
    judged = judge_grid(grid, crops)
    check_judged(judged["none"], grid["none"])
    said = rows(judged)
    count = f"{parameter_count(Autoencoder(recipe.shape)):,}"
    assert [row[:4] for row in said] == [("none", count, "2", "2"), ("both", count, "2", "2")]
    assert said[0][-1] == "" and said[1][-1].startswith(("+0.00 [", "-0.00 ["))  # the same network and seeds
    assert all(len(row) == len(COLUMNS) for row in said)
    assert " ± " in said[0][4]
    one = rows(judge_grid({gates: folders[:1] for gates, folders in grid.items()}, crops))
    assert "±" not in one[0][4] and one[0][2] == "1"
    assert "is not worth +0.5 dB" in answer(judged, "half") and "(half, 2 batches)" in answer(judged, "half")
    assert "not known" in answer({"none": judged["none"]}, "half")


def test_cut_runs_other_lengths_and_single_gates_are_left_out(runs, recipe_path, tmp_path):
    def names(grid):
        return {gates: [path.name for path in paths] for gates, paths in grid.items()}

    there = tmp_path / "runs"
    shutil.copytree(runs, there)
    state = there / "half-both-s2" / "state.json"
    state.write_text(state.read_text().replace('"batch": 2,', '"batch": 1,', 1))
    (there / "half-none-sx").mkdir()
    (there / "half-none-s7").mkdir()
    weights = there / "half-both-s2" / "last.safetensors"
    assert weights.exists()
    assert names(found_runs(runs / "recipes", there)) == {"none": ["half-none-s1"], "both": ["half-both-s1"]}
    run_of(recipe_path, there, "half-channel-s1", 1, 3)
    assert names(found_runs(runs / "recipes", there)) == {"none": ["half-none-s1"], "both": ["half-both-s1"]}
    shutil.rmtree(there / "half-both-s1")
    assert found_runs(runs / "recipes", there) == {} == found_runs(runs / "recipes", tmp_path / "none")


def check_judged(judged, folders) -> None:
    """Two seeds at one place, compared with themselves."""
    assert judged.bits.shape == judged.psnr_db.shape == judged.rmse_db.shape == (2, 1, 3)
    assert judged.dev_losses.tolist() == [json.loads((f / "state.json").read_text())["best"] for f in folders]
    for compare in (gained, spent, gained_at_equal_bits):
        assert compare(judged, judged).mean == pytest.approx(0, abs=1e-9)


def test_a_cut_run_is_not_finished(study_run, tmp_path):
    assert is_finished(study_run, 12) and not is_finished(study_run, 13) and not is_finished(tmp_path, 1)


def test_bands_of_a_place_are_one_witness():
    assert by_place(np.array([[1.0, 3.0, 10.0]]), ["a", "a", "b"]).tolist() == [[2.0, 10.0]]
    assert spread(np.array([[1.0, 3.0], [5.0, 7.0]])) == pytest.approx((4.0, 8**0.5))
    assert spread(np.array([2.0])) == (2.0, 0.0)


def test_recipes_of_gates(tmp_path):
    for gates in GATES[:-1]:
        (tmp_path / f"half-{gates}.toml").touch()
    with pytest.raises(InvalidArgument, match="both"):
        gate_recipes(tmp_path)
    (tmp_path / "half-both.toml").touch()
    assert list(gate_recipes(tmp_path)) == list(GATES)

"""Grids of runs with seeds, development crops after rounding, and curves out of TensorBoard's files."""

import json

import numpy as np
import pytest
import torch

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.autoencoders.ablation import (
    GATES,
    by_place,
    gained,
    gained_at_equal_bits,
    gate_recipes,
    is_finished,
    judge_grid,
    run_grid,
    spent,
    spread,
)
from sarcodec_lab.train.autoencoders.crops import dev_crops
from sarcodec_lab.train.autoencoders.curves import read_curves
from sarcodec_lab.train.autoencoders.development import crops_of, development_crops, load_trained


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


def test_steps_are_those_that_were_published_with_these_weights(study_run, tmp_path):
    card = {"variant": "baseline", "batches": load_trained(study_run).batch, "steps": [0.1 * n for n in range(1, 9)]}
    (tmp_path / "card.json").write_text(json.dumps(card))
    assert load_trained(study_run, tmp_path).steps == tuple(card["steps"])
    (tmp_path / "card.json").write_text(json.dumps(card | {"batches": 13}))
    with pytest.raises(InvalidArgument, match="publish the run again"):
        load_trained(study_run, tmp_path)
    with pytest.raises(InvalidArgument, match="cannot be read"):
        load_trained(study_run, tmp_path / "none")


def test_curves(study_run, tmp_path):
    curves = read_curves(study_run)
    assert curves["dev/loss"][0].tolist() == [6, 12]
    assert {"train/loss", "train/bpp", "train/rmse_db", "train/learning_rate"} <= set(curves)
    assert read_curves(tmp_path) == {}


def test_a_grid_trains_what_is_missing_and_nothing_twice(recipe_path, tmp_path, crops):
    said, text = [], recipe_path.read_text().replace("batches = 12", "batches = 2")
    (tmp_path / "one.toml").write_text(text)
    grid = run_grid([tmp_path / "one.toml"], (1, 2), None, tmp_path / "runs", said.append)
    assert [path.name for path in grid["one"]] == ["one-s1", "one-s2"]
    assert said == ["one-s1: training", "one-s2: training"]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    assert run_grid([tmp_path / "one.toml"], (1, 2), None, tmp_path / "runs", said.append) == grid
    assert len(said) == 2 and all(path.stat().st_mtime_ns == time for path, time in before.items())
    check_judged(judge_grid(grid, crops)[0], grid["one"])


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

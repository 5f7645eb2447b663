from dataclasses import replace
from pathlib import Path

import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import VARIANTS
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.autoencoders.run import read_autoencoder

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_has_the_study_s_settings_and_ours(variant):
    study, ours = read_autoencoder(RECIPES / f"{variant}-study.toml"), read_autoencoder(RECIPES / f"{variant}.toml")
    assert study.shape.variant == ours.shape.variant == variant
    assert (study.mse_weight, study.ssim_weight, study.learning_rate, study.batch) == (0.7, 0.3, 1e-4, 16)
    assert (study.epochs, study.patience, study.clip_norm, study.train_subset) == (30, 10, 0.5, 0.2)
    assert (study.schedule, study.objective, study.crops, study.total_batches) == (
        "plateau",
        "study",
        ((256, 1.0),),
        15_000,
    )
    assert (ours.objective, ours.range) == ("rate-distortion", "centred")


def test_all_variants_have_one_budget_and_one_split():
    ours = [read_autoencoder(RECIPES / f"{variant}.toml") for variant in VARIANTS]
    assert len({(r.total_batches, r.batch, r.crops, r.dev_groups, r.distortion_weight) for r in ours}) == 1


@pytest.mark.parametrize("start", ["ablation/half", "ablation-open/open"])
def test_an_ablation_differs_in_its_gates_alone(start):
    gates = {n: read_autoencoder(RECIPES / f"{start}-{n}.toml") for n in ("none", "channel", "spatial", "both")}
    assert {n: (r.channel_gate, r.spatial_gate) for n, r in gates.items()} == {
        "none": (False, False),
        "channel": (True, False),
        "spatial": (False, True),
        "both": (True, True),
    }
    assert len({replace(r, name="x", channel_gate=True, spatial_gate=True) for r in gates.values()}) == 1


def test_changes_win_over_the_file(recipe_path):
    recipe = read_autoencoder(recipe_path, ("seed=7", "name=other", "crops=[[16, 1.0]]"))
    assert (recipe.seed, recipe.name, recipe.crops) == (7, "other", ((16, 1.0),))


def test_crops_grow_with_the_batches():
    recipe = AutoencoderRecipe("x", batches=100, crops=((64, 0.85), (128, 0.14), (256, 0.01)))
    assert [recipe.crop_px(b) for b in (0, 84, 85, 98, 99)] == [64, 64, 128, 128, 256]


@pytest.mark.parametrize(
    "change, word",
    [
        ("variant=unet", "variant"),
        ("latent_channels=2", "latent_channels"),
        ("crops=[[60, 1.0]]", "crops"),
        ("crops=[[64, 0.5]]", "add up to"),
        ("objective=mse", "objective"),
        ("learning_rate=0", "learning_rate"),
        ("batches=true", "batches"),
        ("colour=red", "colour"),
        ("seed", "KEY=VALUE"),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(recipe_path, change, word):
    with pytest.raises(InvalidArgument, match=word):
        read_autoencoder(recipe_path, (change,))

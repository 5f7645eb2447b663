import json
from dataclasses import asdict
from pathlib import Path

import pytest

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.autoencoders.run import read_autoencoder
from sarcodec_lab.train.recipe import Recipe, read_recipe, recipe_of
from sarcodec_lab.train.run import is_autoencoder

RECIPES = sorted((Path(__file__).parents[2] / "recipes").rglob("*.toml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda p: p.stem)
def test_shipped_recipes_are_valid_and_named_as_their_file(path):
    read = read_autoencoder if is_autoencoder(path) else read_recipe
    assert read(path).name == path.stem


@pytest.mark.parametrize(
    "line, word",
    [
        ("steps = 0", "steps"),
        ("steps = 10.5", "steps"),
        ("steps = true", "steps"),
        ("steps = 'many'", "steps"),
        ("patch_px = 100", "patch_px"),
        ("batch = -1", "batch"),
        ("learning_rate = 0.0", "learning_rate"),
        ("learning_rate = nan", "learning_rate"),
        ("ema = 1.0", "ema"),
        ("seed = -1", "seed"),
        ("compile = 1", "compile"),
        ("device = 'tpu'", "device"),
        ("name = '../elsewhere'", "name"),
        ("focus = [300]", "focus"),
        ("focus = [300, 200]", "focus"),
        ("focus = 3", "focus"),
        ("dev_groups = [1]", "dev_groups"),
        ("dev_groups = 'berlin'", "dev_groups"),
        ("families = ['iw']", "families"),
        ("[families]\niw = -0.1", "families"),
        ("[families]\niw = 0", "families"),
        ("[families]\niw = 'much'", "families"),
        ("learning_rat = 0.1", "learning_rat"),
        ("steps = ", "cannot read"),
    ],
)
def test_a_value_without_meaning_is_named(tmp_path, line, word):
    path = tmp_path / "bad.toml"
    path.write_text(line)
    with pytest.raises(InvalidArgument, match=word) as caught:
        read_recipe(path)
    assert "bad.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidArgument, match="nowhere.toml"):
        read_recipe(tmp_path / "nowhere.toml")


def test_whole_numbers_serve_as_numbers_and_names_default_to_the_file(tmp_path):
    path = tmp_path / "plain.toml"
    path.write_text("clip_norm = 2\n[families]\niw = 1\nnative = 0\n")
    recipe = read_recipe(path)
    assert (recipe.name, recipe.clip_norm, recipe.weighted) == ("plain", 2, {"iw"})


def test_a_recipe_survives_json():
    recipe = Recipe("x", dev_groups=("a", "b"), focus=(1, 2))
    assert recipe_of(json.loads(json.dumps(asdict(recipe)))) == recipe

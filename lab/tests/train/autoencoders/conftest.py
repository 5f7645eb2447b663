"""A tiny network of the study, trained once on simulated scenes for all tests of this folder."""

from pathlib import Path

import pytest

from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.native import simulated_images
from sarcodec_lab.train.patches import Image
from sarcodec_lab.train.run import train

TINY = """
variant = "baseline"
base_width = 4
latent_channels = 8
range = "centred"
objective = "rate-distortion"
batches = 12
batch = 2
crops = [[32, 0.5], [64, 0.5]]
learning_rate = 3e-3
train_subset = 1.0
judge_every = 6
dev_groups = ["simulated_mixed_1"]
simulated_scenes = 5
simulated_px = 256

[families]
simulated = 1.0
"""


@pytest.fixture(scope="session")
def recipe_path(tmp_path_factory) -> Path:
    """tiny.toml."""
    path = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def recipe(recipe_path) -> AutoencoderRecipe:
    from sarcodec_lab.train.autoencoders.run import read_autoencoder

    return read_autoencoder(recipe_path)


@pytest.fixture(scope="session")
def scenes(recipe) -> list[Image]:
    """Its simulated scenes."""
    return simulated_images(recipe)


@pytest.fixture(scope="session")
def study_run(recipe_path, tmp_path_factory) -> Path:
    """The folder of the tiny run, at its end."""
    return train(recipe_path, None, tmp_path_factory.mktemp("study-runs"), report=lambda line: None)

"""One tiny run on simulated scenes, trained once and frozen once for all tests of this folder."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sarcodec_lab.train import freeze
from sarcodec_lab.train.native import simulated_images
from sarcodec_lab.train.patches import Image
from sarcodec_lab.train.recipe import Recipe, read_recipe
from sarcodec_lab.train.run import freeze_run, train

QUICK = Path(__file__).parents[2] / "recipes" / "quick.toml"


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """lab/recipes/quick.toml."""
    return read_recipe(QUICK)


@pytest.fixture(scope="session")
def images(recipe) -> list[Image]:
    """Its simulated scenes."""
    return simulated_images(recipe)


@pytest.fixture(scope="session")
def small(recipe) -> Recipe:
    """The same without development places, for tests that take steps themselves."""
    return replace(recipe, batch=2, dev_groups=())


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """What the quick run reported."""
    return []


@pytest.fixture(scope="session")
def run(tmp_path_factory, lines) -> Path:
    """The folder of the quick run, at its end."""
    torch.manual_seed(1234)
    return train(QUICK, None, tmp_path_factory.mktemp("runs"), report=lines.append)


@pytest.fixture(scope="session")
def models(run, tmp_path_factory) -> Path:
    """A folder of models with the quick run frozen as `quick`."""
    folder, patch = tmp_path_factory.mktemp("models"), pytest.MonkeyPatch()
    with patch.context() as p:
        p.setattr(freeze, "FITTING_BATCHES", (2, 4))
        freeze_run(run, "quick", None, folder, report=lambda line: None)
    return folder

"""Placed starts as runs on disk, and details trained in a folder. In: a recipe, which says what network and which images; out: the folder.

A placed start is a run of 0 batches: `sarcodec train --set start_from=RUNS/NAME-start/best.safetensors` begins with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.autoencoders.crops import CropSource, dev_crops
from sarcodec_lab.train.autoencoders.keeping import State, write_best, write_state
from sarcodec_lab.train.autoencoders.placed.detailing import RATE, read_details, resumed, train_details
from sarcodec_lab.train.autoencoders.placed.details import Details
from sarcodec_lab.train.autoencoders.placed.encoder import CARRIER_SCALE, CODED_CARRIER_SCALE
from sarcodec_lab.train.autoencoders.placed.fitting import Pair
from sarcodec_lab.train.autoencoders.placed.start import crops_of, placed, placed_details
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.images import Report
from sarcodec_lab.train.patches import Image

PAIR_PX = 128
SYNTHESIS_CROPS, TILE_PX = 16, 256
DETAIL_CROPS = 4


def source_of(recipe: AutoencoderRecipe, images: Sequence[Image]) -> CropSource:
    """Crops of all images but those of a recipe's development places."""
    return CropSource([image for image in images if image.group not in recipe.dev_groups], recipe)


def read_pair(path: str | Path) -> Pair:
    """Filters that `fitted_pair` gave and safetensors keeps. Raises InvalidArgument where there are none."""
    try:
        return Pair(**{name: tensor.float() for name, tensor in load_file(path).items()})
    except (OSError, TypeError, SafetensorError) as error:
        raise InvalidArgument(
            f"{path} does not hold a pair of filters ({error}); expected the tensors analysis and synthesis, as "
            "lab/recipes/starts has them"
        ) from error


def details_of(path: str | Path) -> Details:
    """Details whose weights `go_on_with_details` left, or whose best were kept apart. Raises InvalidArgument where there are none."""
    details = Details()
    read_details(details, Path(path))
    return details


def place(
    recipe: AutoencoderRecipe,
    start: Pair | Details,
    images: Sequence[Image],
    runs: str | Path,
    name: str = "",
    crops: int = SYNTHESIS_CROPS,
) -> Path:
    """Write RUNS/NAME (the recipe's name and -start, where none is given): the recipe's network with weights under which it gives what `start`
    gives. images: those of `study_images`; crops: of 256 x 256, on which it is made to. Returns the folder; a run of that name is replaced.

    Raises InvalidArgument where the network, or `start`, is not one for this.
    """
    torch.manual_seed(recipe.seed)
    x = crops_of(source_of(recipe, images), TILE_PX, crops)()
    carrier = CODED_CARRIER_SCALE if recipe.objective == "rate-distortion" else CARRIER_SCALE
    network = (placed if isinstance(start, Pair) else placed_details)(recipe.shape, start, x, carrier)
    recipe = replace(recipe, name=name or f"{recipe.name}-start")
    folder = Path(runs) / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    write_best(folder, network.state_dict(), recipe, 0)
    write_state(folder, State(0, float("inf"), 0, 1.0, 0, 1.0), network.state_dict(), recipe)
    return folder


def go_on_with_details(
    recipe: AutoencoderRecipe,
    pair: Pair,
    images: Sequence[Image],
    folder: str | Path,
    batches: int,
    crops: int = DETAIL_CROPS,
    rate: float = RATE,
    judge_every: int = 250,
    report: Report = print,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train details beside a pair of 15 filters, from FOLDER's last weights, if there are any, to `batches`; the folder.

    Raises InvalidArgument where the pair, or what lies in the folder, is of something else.
    """
    folder = Path(folder)
    torch.manual_seed(recipe.seed)
    source = source_of(recipe, images)
    dev = dev_crops([image for image in images if image.group in recipe.dev_groups], recipe)
    details = Details(pair, crops_of(source, TILE_PX, SYNTHESIS_CROPS)())
    source.rng = np.random.default_rng([recipe.seed, resumed(details, folder)])
    train_details(
        details, crops_of(source, PAIR_PX, crops), dev, folder, recipe, batches, judge_every, rate, report, stop
    )
    return folder

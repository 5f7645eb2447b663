"""Placed starts of the study's networks: a lapped linear transform is fitted to images, and weights are set so that a network is that transform.

    python benchmarks/study_start.py pair lab/recipes/starts/lapped-15.safetensors --channels 15 --around 16 --data DATA
    python benchmarks/study_start.py place lab/recipes/literal/attention.toml --pair lab/recipes/starts/lapped-15.safetensors --data DATA --runs runs
    sarcodec train lab/recipes/literal/attention.toml --data DATA --runs runs --set start_from=runs/attention-start/best.safetensors

The recipe says which network, and which images and development places. `place` writes RUNS/NAME-start, a run of 0 batches.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from sarcodec_lab.train.autoencoders.crops import CropSource, dev_crops
from sarcodec_lab.train.autoencoders.keeping import State, write_best, write_state
from sarcodec_lab.train.autoencoders.placed.detailing import RATE, read_details, resumed, train_details
from sarcodec_lab.train.autoencoders.placed.details import Details
from sarcodec_lab.train.autoencoders.placed.encoder import CARRIER_SCALE, CODED_CARRIER_SCALE
from sarcodec_lab.train.autoencoders.placed.fitting import Pair, fitted_pair
from sarcodec_lab.train.autoencoders.placed.start import crops_of, placed, placed_details
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.autoencoders.run import read_autoencoder, study_images
from sarcodec_lab.train.checkpoint import BEST, write_tensors
from sarcodec_lab.train.interruption import Interruption

RECIPE = Path("lab/recipes/literal/attention.toml")
PAIR_CROPS, PAIR_PX = 16, 128
SYNTHESIS_CROPS, TILE_PX = 16, 256


def source_of(recipe: AutoencoderRecipe, options: argparse.Namespace) -> CropSource:
    images = study_images(recipe, options.data, options.runs, print)
    return CropSource([image for image in images if image.group not in recipe.dev_groups], recipe)


def fit(options: argparse.Namespace) -> None:
    recipe = read_autoencoder(options.recipe)
    crops = crops_of(source_of(recipe, options), PAIR_PX, PAIR_CROPS)
    weight = recipe.distortion_weight if recipe.objective == "rate-distortion" else 0.0
    pair = fitted_pair(
        crops, options.channels, options.around, *options.batches, weight, lambda line: print(line, flush=True)
    )
    tensors = {"analysis": pair.analysis, "synthesis": pair.synthesis}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, options.out)


def detail(options: argparse.Namespace) -> None:
    recipe = read_autoencoder(options.recipe)
    torch.manual_seed(recipe.seed)
    images = study_images(recipe, options.data, options.runs, print)
    source = CropSource([image for image in images if image.group not in recipe.dev_groups], recipe)
    dev = dev_crops([image for image in images if image.group in recipe.dev_groups], recipe)
    details = Details(read_pair(options.pair), crops_of(source, TILE_PX, SYNTHESIS_CROPS)())
    source.rng = np.random.default_rng([recipe.seed, resumed(details, options.folder)])
    crops = crops_of(source, PAIR_PX, options.crops)
    with Interruption() as interruption:
        train_details(
            details,
            crops,
            dev,
            options.folder,
            recipe,
            options.batches,
            rate=options.rate,
            report=lambda line: print(line, flush=True),
            stop=interruption.came,
        )
    if options.keep is not None:
        write_tensors(options.keep, {n: t.half() for n, t in load_file(options.folder / BEST).items()}, options.batches)


def read_pair(path: Path) -> Pair:
    return Pair(**{name: tensor.float() for name, tensor in load_file(path).items()})


def place(options: argparse.Namespace) -> None:
    recipe = read_autoencoder(options.recipe)
    torch.manual_seed(recipe.seed)
    crops = crops_of(source_of(recipe, options), TILE_PX, SYNTHESIS_CROPS)()
    carrier = CODED_CARRIER_SCALE if recipe.objective == "rate-distortion" else CARRIER_SCALE
    if options.details is None:
        network = placed(recipe.shape, read_pair(options.pair), crops, carrier)
    else:
        details = Details()
        read_details(details, options.details)
        network = placed_details(recipe.shape, details, crops, carrier)
    recipe = replace(recipe, name=options.name or f"{recipe.name}-start")
    folder = options.runs / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    write_best(folder, network.state_dict(), recipe, 0)
    write_state(folder, State(0, float("inf"), 0, 1.0, 0, 1.0), network.state_dict(), recipe)
    print(f"{folder}: {sum(p.numel() for p in network.parameters()):,} parameters")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(required=True)
    one = parts.add_parser("pair", help="fit filters")
    one.add_argument("out", type=Path)
    one.add_argument(
        "--recipe", type=Path, default=RECIPE, help="images, and the objective: the study's, or rate and distortion"
    )
    one.add_argument("--channels", type=int, default=15)
    one.add_argument("--around", type=int, default=16, help="pixels that the synthesis reaches beyond a cell")
    one.add_argument("--batches", type=int, nargs=2, default=(800, 800), help="of squared error, of the objective")
    one.set_defaults(does=fit)
    more = parts.add_parser(
        "detail", help="train what is not linear beside filters of 15 channels; goes on where it stopped"
    )
    more.add_argument("folder", type=Path)
    more.add_argument("--recipe", type=Path, default=RECIPE, help="images and development places")
    more.add_argument("--pair", type=Path, default=Path("lab/recipes/starts/lapped-15.safetensors"))
    more.add_argument("--batches", type=int, default=5000)
    more.add_argument("--crops", type=int, default=4, help=f"of {PAIR_PX} x {PAIR_PX} a batch")
    more.add_argument("--rate", type=float, default=RATE, help="of learning, at first")
    more.add_argument("--keep", type=Path, help="a file for the best weights, float16")
    more.set_defaults(does=detail)
    two = parts.add_parser("place", help="set a network's weights")
    two.add_argument("recipe", type=Path)
    what = two.add_mutually_exclusive_group(required=True)
    what.add_argument("--pair", type=Path)
    what.add_argument("--details", type=Path, help="weights of `detail`, for residual and attention")
    two.add_argument("--name", help="of the run; NAME-start without it")
    two.set_defaults(does=place)
    for part in (one, more, two):
        part.add_argument("--data", type=Path, default=Path("../shared/data"))
        part.add_argument("--runs", type=Path, default=Path("runs"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.does(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

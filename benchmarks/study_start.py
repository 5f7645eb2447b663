"""Placed starts of the study's networks: a lapped linear transform is fitted to images, and weights are set so that a network is that transform.

    python benchmarks/study_start.py pair lab/recipes/starts/lapped-15.safetensors --channels 15 --around 16 --data DATA
    python benchmarks/study_start.py place lab/recipes/literal/attention.toml --pair lab/recipes/starts/lapped-15.safetensors --data DATA --runs runs
    sarcodec train lab/recipes/literal/attention.toml --data DATA --runs runs --set start_from=runs/attention-start/best.safetensors

The recipe says which network, and which images and development places. `place` writes RUNS/NAME-start, a run of 0 batches.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from sarcodec_lab.networks.autoencoders import parameter_count
from sarcodec_lab.train.autoencoders.floats import network_of
from sarcodec_lab.train.autoencoders.placed.detailing import RATE
from sarcodec_lab.train.autoencoders.placed.fitting import fitted_pair
from sarcodec_lab.train.autoencoders.placed.placing import (
    DETAIL_CROPS,
    PAIR_PX,
    details_of,
    go_on_with_details,
    place,
    read_pair,
    source_of,
)
from sarcodec_lab.train.autoencoders.placed.start import crops_of
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.autoencoders.run import read_autoencoder, study_images
from sarcodec_lab.train.checkpoint import BEST, write_tensors
from sarcodec_lab.train.interruption import Interruption
from sarcodec_lab.train.patches import Image

RECIPE = Path("lab/recipes/literal/attention.toml")
PAIR_CROPS = 16


def images_of(recipe: AutoencoderRecipe, options: argparse.Namespace) -> list[Image]:
    return study_images(recipe, options.data, options.runs, print)


def fit(options: argparse.Namespace) -> None:
    recipe = read_autoencoder(options.recipe)
    crops = crops_of(source_of(recipe, images_of(recipe, options)), PAIR_PX, PAIR_CROPS)
    weight = recipe.distortion_weight if recipe.objective == "rate-distortion" else 0.0
    pair = fitted_pair(
        crops, options.channels, options.around, *options.batches, weight, lambda line: print(line, flush=True)
    )
    tensors = {"analysis": pair.analysis, "synthesis": pair.synthesis}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.half().contiguous() for name, tensor in tensors.items()}, options.out)


def detail(options: argparse.Namespace) -> None:
    recipe = read_autoencoder(options.recipe)
    with Interruption() as interruption:
        go_on_with_details(
            recipe,
            read_pair(options.pair),
            images_of(recipe, options),
            options.folder,
            options.batches,
            crops=options.crops,
            rate=options.rate,
            report=lambda line: print(line, flush=True),
            stop=interruption.came,
        )
    if options.keep is not None:
        write_tensors(options.keep, {n: t.half() for n, t in load_file(options.folder / BEST).items()}, options.batches)


def set_weights(options: argparse.Namespace) -> None:
    start = read_pair(options.pair) if options.details is None else details_of(options.details)
    recipe = read_autoencoder(options.recipe)
    folder = place(recipe, start, images_of(recipe, options), options.runs, options.name or "")
    print(f"{folder}: {parameter_count(network_of(folder).network):,} parameters")


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
    more.add_argument("--crops", type=int, default=DETAIL_CROPS, help=f"of {PAIR_PX} x {PAIR_PX} a batch")
    more.add_argument("--rate", type=float, default=RATE, help="of learning, at first")
    more.add_argument("--keep", type=Path, help="a file for the best weights, float16")
    more.set_defaults(does=detail)
    two = parts.add_parser("place", help="set a network's weights")
    two.add_argument("recipe", type=Path)
    what = two.add_mutually_exclusive_group(required=True)
    what.add_argument("--pair", type=Path)
    what.add_argument("--details", type=Path, help="weights of `detail`, for residual and attention")
    two.add_argument("--name", help="of the run; NAME-start without it")
    two.set_defaults(does=set_weights)
    for part in (one, more, two):
        part.add_argument("--data", type=Path, default=Path("../shared/data"))
        part.add_argument("--runs", type=Path, default=Path("runs"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.does(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())

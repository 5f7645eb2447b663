"""A placed start of the study's large networks: a run's folder whose weights are a lapped linear transform and its inverse, fitted to images.

    python benchmarks/study_start.py lab/recipes/literal/attention.toml --data DATA --runs runs
    sarcodec train lab/recipes/literal/attention.toml --data DATA --runs runs --set start_from=runs/attention-start/best.safetensors

The recipe says which network, and which images and development places. Written is RUNS/NAME-start, of 0 batches, with --filters also the filters that were fitted.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from sarcodec_lab.train.autoencoders.crops import CropSource
from sarcodec_lab.train.autoencoders.keeping import State, write_best, write_state
from sarcodec_lab.train.autoencoders.placed.fitting import fitted_filters
from sarcodec_lab.train.autoencoders.placed.start import crops_of, placed
from sarcodec_lab.train.autoencoders.run import read_autoencoder, study_images

FILTER_CROPS, FILTER_PX = 16, 128
SYNTHESIS_CROPS, TILE_PX = 48, 256


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--batches", type=int, default=1200, help="for the filters")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = read_autoencoder(options.recipe)
    torch.manual_seed(recipe.seed)
    images = study_images(recipe, options.data, options.runs, print)
    source = CropSource([image for image in images if image.group not in recipe.dev_groups], recipe)
    filters = fitted_filters(crops_of(source, FILTER_PX, FILTER_CROPS), options.batches)
    network = placed(recipe.shape, filters, crops_of(source, TILE_PX, SYNTHESIS_CROPS)())
    recipe = replace(recipe, name=f"{recipe.name}-start")
    folder = options.runs / recipe.name
    folder.mkdir(parents=True, exist_ok=True)
    write_best(folder, network.state_dict(), recipe, 0)
    write_state(folder, State(0, float("inf"), 0, 1.0, 0, 1.0), network.state_dict(), recipe)
    print(f"{folder}: {sum(p.numel() for p in network.parameters()):,} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main())

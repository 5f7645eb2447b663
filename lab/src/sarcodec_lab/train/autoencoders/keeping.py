"""A run of the study on disk: last and best weights as safetensors, where it stands as JSON. Nothing is pickled.

last.safetensors and best.safetensors hold the network's state; state.json the recipe, the batch and the best score.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from sarcodec.errors import InvalidArgument
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.checkpoint import BEST, LAST, STATE, replace_whole, write_tensors

__all__ = ["BEST", "LAST", "STATE", "Best", "State", "read_best", "read_state", "write_best", "write_state"]


@dataclass(frozen=True)
class State:
    """Where a run stands. rate_factor: what plateaus have made of the learning rate; waited: judgings without a better score;
    step: the latent's quantiser step."""

    batch: int
    best: float
    best_batch: int
    rate_factor: float
    waited: int
    step: float


def write_state(folder: Path, state: State, weights: dict[str, torch.Tensor], recipe: AutoencoderRecipe) -> None:
    """Replace what a run goes on from. The weights carry their batch, so a cut between the two files does no harm."""
    write_tensors(folder / LAST, weights, state.batch)
    text = json.dumps(asdict(state) | {"recipe": asdict(recipe)}, indent=1)
    replace_whole(folder / STATE, lambda beside: beside.write_text(text))


def write_best(folder: Path, weights: dict[str, torch.Tensor], recipe: AutoencoderRecipe, batch: int) -> None:
    """Replace the best weights."""
    write_tensors(folder / BEST, weights, batch)


def read_state(folder: Path) -> tuple[State, dict[str, torch.Tensor]]:
    """What `write_state` left. Raises InvalidArgument when nothing is there or it cannot be read."""
    if not (folder / LAST).exists():
        raise InvalidArgument(f"nothing to resume in {folder}: {LAST} is not there; start without --resume")
    try:
        weights, words = _tensors(folder / LAST)
        kept = json.loads((folder / STATE).read_text())
        kept.pop("recipe")
        return State(**kept | {"batch": int(words["step"])}), weights
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InvalidArgument(
            f"the checkpoint in {folder} cannot be read ({error}); start anew under another name"
        ) from error


@dataclass(frozen=True, eq=False)
class Best:
    """The best weights of a run, after how many batches, the recipe, and the latent's quantiser step."""

    recipe: AutoencoderRecipe
    batch: int
    step: float
    weights: dict[str, torch.Tensor]


def read_best(folder: Path) -> Best:
    """What `write_best` left. Raises InvalidArgument when a run has none."""
    try:
        weights, words = _tensors(folder / BEST)
        state = json.loads((folder / STATE).read_text())
        return Best(recipe_of(state["recipe"]), int(words["step"]), float(state["step"]), weights)
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise InvalidArgument(
            f"{folder} holds no judged run ({error}); expected the folder of a run with {BEST}"
        ) from error


def _tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with safe_open(path, "pt") as file:
        words = file.metadata() or {}
    return load_file(path), words


def recipe_of(table: dict) -> AutoencoderRecipe:
    """The recipe of a table whose lists stand for tuples. Raises InvalidArgument for unknown keys."""
    known = set(AutoencoderRecipe.__dataclass_fields__)
    unknown = sorted(set(table) - known)
    if unknown:
        raise InvalidArgument(f"unknown keys {unknown}; known are {sorted(known)}")
    if "families" in table and isinstance(table["families"], dict):
        table = table | {"families": sorted(table["families"].items())}
    return AutoencoderRecipe(**{key: _tuples(value) for key, value in table.items()})


def _tuples(value):
    return tuple(_tuples(v) for v in value) if isinstance(value, (list, tuple)) else value

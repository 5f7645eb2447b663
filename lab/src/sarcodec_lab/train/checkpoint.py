"""A run on disk: what a cut run goes on from, and the best weights. In: tensors by name; out: whole files, or none.

last.safetensors holds 'model.*', 'average.*' and 'adam.PARAMETER.*'; best.safetensors the averaged weights of the best
moment; state.json the recipe, the step and the best score. Nothing is pickled.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from sarcodec.errors import InvalidArgument
from sarcodec.storage import Output
from sarcodec_lab.train.recipe import Recipe

LAST, BEST, STATE = "last.safetensors", "best.safetensors", "state.json"
Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """model and average: weights by name; moments: the optimiser's state by parameter; where the run stood."""

    model: Tensors
    average: Tensors
    moments: dict[str, Tensors]
    step: int
    best: float
    best_step: int


def write_checkpoint(folder: Path, checkpoint: Checkpoint, recipe: Recipe) -> None:
    """Replace what a run goes on from. The tensors carry their step, so a cut between the two files does no harm."""
    tensors = {f"model.{k}": v for k, v in checkpoint.model.items()}
    tensors |= {f"average.{k}": v for k, v in checkpoint.average.items()}
    tensors |= {f"adam.{name}.{k}": v for name, state in checkpoint.moments.items() for k, v in state.items()}
    write_tensors(folder / LAST, tensors, checkpoint.step)
    state = {
        "step": checkpoint.step,
        "best": checkpoint.best,
        "best_step": checkpoint.best_step,
        "recipe": asdict(recipe),
    }
    replace_whole(folder / STATE, lambda beside: beside.write_text(json.dumps(state, indent=1)))


def read_checkpoint(folder: Path) -> Checkpoint:
    """What `write_checkpoint` left. Raises InvalidArgument when nothing is there or it cannot be read."""
    if not (folder / LAST).exists():
        raise InvalidArgument(f"nothing to resume in {folder}: {LAST} is not there; start without --resume")
    try:
        tensors = load_file(folder / LAST)
        with safe_open(folder / LAST, "pt") as file:
            words = file.metadata() or {}
        state = json.loads((folder / STATE).read_text())
        step, best, best_step = int(words.get("step", state["step"])), float(state["best"]), int(state["best_step"])
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise InvalidArgument(
            f"the checkpoint in {folder} cannot be read ({error}); start anew under another name"
        ) from error
    moments: dict[str, Tensors] = {}
    for key, value in _under("adam.", tensors).items():
        name, _, kind = key.rpartition(".")
        moments.setdefault(name, {})[kind] = value
    return Checkpoint(_under("model.", tensors), _under("average.", tensors), moments, step, best, best_step)


def _under(prefix: str, tensors: Tensors) -> Tensors:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def write_tensors(path: Path, tensors: Tensors, step: int) -> None:
    """One file of tensors, with the step they belong to in its head."""
    plain = {k: v.detach().contiguous().clone() for k, v in tensors.items()}
    replace_whole(path, lambda beside: save_file(plain, beside, {"step": str(step)}))


def replace_whole(path: Path, write: Callable[[Path], object]) -> None:
    """A file that `write` makes, under its name when it is whole."""
    with Output(path, overwrite=True) as output:
        write(output.part)
        output.publish()

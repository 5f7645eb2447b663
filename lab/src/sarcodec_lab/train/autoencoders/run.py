"""A run of the study from a recipe to its end, its quick check, and its publishing. In: images; out: a run's or a model's folder."""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch

from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec_lab.networks.autoencoders import Autoencoder
from sarcodec_lab.networks.autoencoders.published import packed, publish, unpacked
from sarcodec_lab.train.autoencoders.board import StudyBoard
from sarcodec_lab.train.autoencoders.crops import dev_crops
from sarcodec_lab.train.autoencoders.fitting import CROPS, fitted_steps
from sarcodec_lab.train.autoencoders.keeping import LAST, read_best, recipe_of
from sarcodec_lab.train.autoencoders.loop import StudyTrainer
from sarcodec_lab.train.autoencoders.quick import BATCHES, quick_check
from sarcodec_lab.train.autoencoders.recipe import AutoencoderRecipe
from sarcodec_lab.train.images import Report, check_against, training_images
from sarcodec_lab.train.interruption import Interruption
from sarcodec_lab.train.patches import Image
from sarcodec_lab.train.recipe import read_table

QUICK = "-quick"


def read_autoencoder(path: str | Path, changes: tuple[str, ...] = ()) -> AutoencoderRecipe:
    """A recipe of the study from a TOML file; InvalidArgument names the file and what is unknown or without meaning."""
    try:
        return recipe_of(read_table(path, changes))
    except InvalidArgument as error:
        raise InvalidArgument(f"{path}: {error}") from error


def train_autoencoder(
    recipe: AutoencoderRecipe,
    data: str | Path | None,
    runs: str | Path,
    resume: bool = False,
    report: Report = print,
    quick: bool = False,
) -> Path:
    """Train what a recipe says in RUNS/NAME and return that folder; quick: 50 batches in RUNS/NAME-quick, anew each time.

    Raises InvalidArgument, OutputExists (a run is there and `resume` was not asked for), SarcodecError when the loss is
    no longer finite.
    """
    if data is None:
        recipe = replace(recipe, families=(("simulated", 1.0),))
    if quick:
        recipe = replace(recipe, name=recipe.name + QUICK, judge_every=10**8, compile=False)
    folder = Path(runs) / recipe.name
    if (folder / LAST).exists() and not (resume or quick):
        raise OutputExists(f"{folder} holds a run; go on with --resume, or give the recipe another name")
    trainer = StudyTrainer(recipe, study_images(recipe, data, Path(runs), report), folder, resume and not quick, report)
    report(describe(trainer))
    if quick:
        report(str(quick_check(trainer, min(BATCHES, recipe.total_batches))))
        return folder
    progress = _bar if sys.stderr.isatty() else None
    board = _board(folder, trainer.batch, report)
    with Interruption() as interruption:
        try:
            trainer.run(board, interruption.came, progress)
        finally:
            if board:
                board.close()
    if interruption.number:
        report(f"stopped at batch {trainer.batch}; go on with the same command and --resume")
        interruption.obey()
    return folder


def study_images(recipe: AutoencoderRecipe, data: str | Path | None, runs: Path, report: Report) -> list[Image]:
    """Images of a recipe's families, checked; native speckle is made once for all runs of a seed in RUNS/native-SEED."""
    images = training_images(recipe, data, runs / f"native-{recipe.seed}", report)
    check_against(recipe, images)
    return images


def describe(trainer: StudyTrainer) -> str:
    """What is about to be trained, in a line."""
    count = sum(p.numel() for p in trainer.network.parameters())
    return (
        f"{trainer.recipe.variant}, {count:,} parameters on {trainer.device}; {len(trainer.source.images)} bands, "
        f"{len(trainer.dev)} development crops; latent step {trainer.step:g}; from batch {trainer.batch} of "
        f"{trainer.recipe.total_batches}"
    )


def _bar(line: str) -> None:
    print("\r" + line, end="", file=sys.stderr, flush=True)


def _board(folder: Path, batch: int, report: Report) -> StudyBoard | None:
    try:
        return StudyBoard(folder / "tensorboard", batch)
    except ImportError:
        report("tensorboard is not installed: no curves are kept; pip install 'sarcodec-lab[train]'")
        return None


def publish_run(
    run: str | Path,
    model_id: str,
    data: str | Path | None,
    out: str | Path,
    precision: str = "float16",
    overwrite: bool = False,
    fitting_crops: int = CROPS,
    report: Report = print,
) -> Path:
    """Publish the best weights of a run as OUT/model_id, with a card and quantiser steps fitted on its development places;
    with fitting_crops 0 all are the step that it was trained with.

    Raises InvalidArgument, OutputExists.
    """
    best = read_best(Path(run))
    recipe, network = best.recipe, Autoencoder(best.recipe.shape)
    network.load_state_dict(best.weights)
    if not all(torch.isfinite(v).all() for v in network.state_dict().values()):
        raise InvalidArgument(f"{run} holds weights that are not finite; publish another run")
    # Of the network as it will be read, with its rounded weights.
    network.load_state_dict(unpacked(packed(network.state_dict(), precision)))
    steps = [best.step] * recipe.latent_channels
    if fitting_crops:
        images = study_images(recipe, data, Path(run).parent, report)
        places = [image for image in images if image.group in recipe.dev_groups]
        steps = fitted_steps(network, dev_crops(places, recipe), fitting_crops)
    card = {
        "id": model_id,
        "variant": recipe.variant,
        "description": f"{recipe.variant} with {recipe.latent_channels} latent channels, {best.batch} batches of {recipe.batch}",
        "range": recipe.range,
        "steps": steps,
        "tile_bound": recipe.tile_bound or recipe.shape.tile_bound,
        "batches": best.batch,
        "split": "train split by place; development places " + ", ".join(recipe.dev_groups),
        "recipe": asdict(recipe),
        "licence": "Apache-2.0; contains modified Copernicus Sentinel data (trained on them)",
    }
    return publish(network, card, Path(out), precision, overwrite)

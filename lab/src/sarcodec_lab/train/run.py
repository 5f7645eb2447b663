"""A training run from a recipe to its end, and its publishing: images in, a run's folder or a model's folder out."""

from dataclasses import replace
from pathlib import Path

from sarcodec.errors import InvalidArgument, OutputExists
from sarcodec_lab.train.checkpoint import LAST
from sarcodec_lab.train.freeze import freeze, load_network
from sarcodec_lab.train.images import Report, check_against, training_images
from sarcodec_lab.train.interruption import Interruption
from sarcodec_lab.train.loop import Trainer
from sarcodec_lab.train.recipe import Recipe, read_recipe, read_table


def train(
    recipe_path: str | Path,
    data: str | Path | None,
    runs: str | Path,
    resume: bool = False,
    report: Report = print,
    device: str | None = None,
    changes: tuple[str, ...] = (),
    quick: bool = False,
) -> Path:
    """Train what a recipe says in RUNS/NAME and return that folder; `data` None: on simulated scenes alone.

    A recipe with a `variant` is one of the study's autoencoders, and only those have the quick check (50 batches, in
    RUNS/NAME-quick). changes: lines KEY=VALUE that win over the recipe's. `device` overrides the recipe's. SIGINT and SIGTERM keep a checkpoint before they end the process (a second one ends
    it at once). Raises InvalidArgument, OutputExists (a run is there and `resume` was not asked for), and SarcodecError
    when the loss is no longer finite.
    """
    changes = (*changes, *(() if device is None else (f"device={device}",)))
    if is_autoencoder(recipe_path):
        from sarcodec_lab.train.autoencoders.run import read_autoencoder, train_autoencoder

        return train_autoencoder(read_autoencoder(recipe_path, changes), data, runs, resume, report, quick)
    if quick:
        raise InvalidArgument(f"{recipe_path} is no recipe of the autoencoder study, and only those have a quick check")
    recipe = _adapted(read_recipe(recipe_path, changes), data, report)
    folder = Path(runs) / recipe.name
    if (folder / LAST).exists() and not resume:
        raise OutputExists(f"{folder} holds a run; go on with --resume, or give the recipe another name")
    images = training_images(recipe, data, folder, report)
    check_against(recipe, images)
    trainer = Trainer(recipe, images, folder, resume, report)
    _describe(trainer, report)
    board = _open_board(folder / "tensorboard", trainer.step, report)
    with Interruption() as interruption:
        try:
            trainer.run(report, board, interruption.came)
        finally:
            if board:
                board.close()
    if interruption.number:
        where = "" if data is None else f" --data {data}"
        report(
            f"stopped at step {trainer.step}; go on with: sarcodec train {recipe_path}{where} --runs {runs} --resume"
        )
        interruption.obey()
    return folder


def freeze_run(
    run: str | Path,
    model_id: str,
    data: str | Path | None,
    out: str | Path,
    report: Report = print,
    overwrite: bool = False,
) -> Path:
    """Publish the best weights of a run as OUT/model_id, with tables counted on the images it was trained on.

    Raises InvalidArgument, OutputExists.
    """
    run = Path(run)
    recipe = load_network(run)[1]
    images = training_images(_adapted(recipe, data, report), data, run, report)
    return freeze(run, model_id, images, Path(out), report, overwrite)


def is_autoencoder(recipe_path: str | Path) -> bool:
    """Whether a recipe is one of the study's: it names a variant."""
    return "variant" in read_table(recipe_path)


def _adapted(recipe: Recipe, data: str | Path | None, report: Report) -> Recipe:
    changes = {}
    if data is None and recipe.weighted != {"simulated"}:
        report("no data given: training on simulated scenes alone")
        changes["families"] = (("simulated", 1.0),)
    return replace(recipe, **changes)


def _describe(trainer: Trainer, report: Report) -> None:
    pools = ", ".join(f"{family} {len(pool)} bands" for family, (_, pool, _) in trainer.source.pools.items())
    count = sum(p.numel() for p in trainer.model.parameters())
    places = (
        f"{len(trainer.dev)} development patches"
        if trainer.dev
        else "no development places: the latest weights are the best"
    )
    report(f"{count / 1e6:.2f} M parameters on {trainer.device}; {pools}; {places}; from step {trainer.step}")


def _open_board(folder: Path, step: int, report: Report):
    """A TensorBoard writer; None, with a line, where TensorBoard is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        report("tensorboard is not installed: no curves are kept; pip install 'sarcodec-lab[train]'")
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)

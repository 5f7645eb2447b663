"""`sarcodec train RECIPE.toml`, `sarcodec freeze RUN` and `sarcodec publish RUN`: a new model, published. Extra `train`."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from sarcodec.cli.options import add_data, add_overwrite, add_verb, not_negative
from sarcodec.errors import InvalidArgument

_NEEDED = ("torch", "safetensors", "tensorboard")
EXAMPLES = (
    "sarcodec train lab/recipes/lapped32.toml --data DATA --runs runs",
    "sarcodec publish runs/attention --id my-network --data DATA --out models",
    "sarcodec freeze runs/lapped32 --id my-model --data DATA --out models",
)


def add(verbs: argparse._SubParsersAction) -> None:
    """Declare the verbs."""
    parser = add_verb(verbs, "train", "train a model (extra `train`)", run, EXAMPLES[:1])
    parser.set_defaults(all_threads=True, starts_processes=True)
    parser.add_argument(
        "recipe",
        metavar="RECIPE.toml",
        type=Path,
        help="such as lab/recipes/lapped32.toml or lab/recipes/attention.toml",
    )
    add_data(parser)
    parser.add_argument("--runs", metavar="DIR", type=Path, default=Path("runs"), help="where runs lie (default: runs)")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a value that wins over the recipe's; repeatable",
    )
    parser.add_argument("--quick", action="store_true", help="autoencoders: 50 batches, and whether the network learns")
    summary = "publish the best weights of an autoencoder's run (extra `train`)"
    parser = add_verb(verbs, "publish", summary, run_publish, EXAMPLES[1:2])
    parser.set_defaults(all_threads=True, starts_processes=True)
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder of the run")
    parser.add_argument("--id", required=True, metavar="ID", help="name of the model")
    add_data(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("models"), help="where to (default: models)")
    parser.add_argument(
        "--fitting-crops",
        type=not_negative,
        default=3,
        metavar="N",
        help="development crops that steps are fitted on (default: 3); 0: all have the step of the training",
    )
    parser.add_argument(
        "--precision",
        choices=("int8", "float16", "float32"),
        default="float16",
        help="of the weights (default: float16)",
    )
    add_overwrite(parser)
    summary = "publish the best weights of a run as a model (extra `train`)"
    parser = add_verb(verbs, "freeze", summary, run_freeze, EXAMPLES[2:])
    parser.set_defaults(all_threads=True, starts_processes=True)
    parser.add_argument("run_folder", metavar="RUN", type=Path, help="folder of the run")
    parser.add_argument("--id", required=True, metavar="ID", help="name of the model")
    add_data(parser)
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("models"), help="where to (default: models)")
    add_overwrite(parser)


def run(options: argparse.Namespace) -> int:
    """Train to the recipe's end; the log goes to stderr."""
    _require_torch("train")
    from sarcodec_lab.train.run import train

    train(options.recipe, options.data, options.runs, options.resume, _report, None, tuple(options.set), options.quick)
    return 0


def run_publish(options: argparse.Namespace) -> int:
    """Write the folder of a study model."""
    _require_torch("publish")
    from sarcodec_lab.train.autoencoders.run import publish_run

    folder = publish_run(
        options.run_folder,
        options.id,
        options.data,
        options.out,
        options.precision,
        options.overwrite,
        options.fitting_crops,
        _report,
    )
    _report(f"published {folder}")
    return 0


def run_freeze(options: argparse.Namespace) -> int:
    """Write the model's folder."""
    _require_torch("freeze")
    from sarcodec_lab.train.run import freeze_run

    freeze_run(options.run_folder, options.id, options.data, options.out, _report, options.overwrite)
    return 0


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _require_torch(verb: str) -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidArgument(
            f"{verb} needs {', '.join(missing)}, not installed here; install the extra: pip install 'sarcodec-lab[train]'"
        )

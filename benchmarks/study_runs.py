"""Every training run behind the study's tables, one `sarcodec train` after another; what is finished is passed over.

    python benchmarks/study_runs.py --data DATA --runs runs [--part variants,latents,ablation,ablation-open] [--only NAME,...] [--batches N] [--list]

variants: the four networks. latents: C = 8, 32, 64 of each, fine-tuned from C = 16. ablation: the four gates at half width, three
seeds each; ablation-open: the same with gates that begin open. A run that was cut goes on with --resume.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from sarcodec_lab.train.autoencoders.ablation import GATES, is_finished
from sarcodec_lab.train.autoencoders.run import read_autoencoder

VARIANTS = ("baseline", "resnet-lite", "residual", "attention")
CHANNELS = (64, 32, 8)
SEEDS = (1, 2, 3)
FINE_TUNING = {
    "batches": 25,
    "crops": "[[64, 1.0]]",
    "learning_rate": 1e-4,
    "warmup_batches": 5,
    "calm_start": "false",
    "judge_every": 25,
}


@dataclass(frozen=True)
class PlannedRun:
    """A recipe and what wins over it."""

    name: str
    recipe: str
    changes: tuple[tuple[str, object], ...] = ()

    def command(self, data: Path, runs: Path) -> list[str]:
        """The command line; it resumes where the run's folder has a checkpoint."""
        line = [sys.executable, "-m", "sarcodec", "train", self.recipe, "--data", str(data), "--runs", str(runs)]
        for key, value in (("name", self.name), *self.changes):
            line += ["--set", f"{key}={value}"]
        return line + (["--resume"] if (runs / self.name / "last.safetensors").exists() else [])


def plan(runs: Path) -> dict[str, list[PlannedRun]]:
    """All runs by part, in the order in which they can be made."""
    latents = [
        PlannedRun(
            f"{v}-c{c}",
            f"lab/recipes/{v}.toml",
            (("latent_channels", c), ("start_from", runs / v / "best.safetensors"), *FINE_TUNING.items()),
        )
        for v in VARIANTS
        for c in CHANNELS
    ]
    return {
        "variants": [PlannedRun(v, f"lab/recipes/{v}.toml") for v in VARIANTS],
        "latents": latents,
        "ablation": _grid("lab/recipes/ablation/half"),
        "ablation-open": _grid("lab/recipes/ablation-open/open"),
    }


def _grid(recipes: str) -> list[PlannedRun]:
    return [
        PlannedRun(f"{Path(recipes).name}-{gate}-s{seed}", f"{recipes}-{gate}.toml", (("seed", seed),))
        for seed in SEEDS
        for gate in GATES
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--part", default="variants,latents,ablation,ablation-open")
    parser.add_argument("--only", default="", help="names of runs, with commas between")
    parser.add_argument(
        "--batches", type=int, help="of every run, in place of its recipe's: a RUNS of its own for each length"
    )
    parser.add_argument("--list", action="store_true", help="show the commands and run none")
    options = parser.parse_args()
    parts, only = plan(options.runs), set(filter(None, options.only.split(",")))
    for run in (r for part in options.part.split(",") for r in parts[part] if not only or r.name in only):
        if options.batches is not None:
            run = replace(run, changes=(*run.changes, ("batches", options.batches)))
        recipe = read_autoencoder(run.recipe, tuple(f"{key}={value}" for key, value in run.changes))
        if is_finished(options.runs / run.name, recipe.total_batches):
            print(f"{run.name}: finished", flush=True)
            continue
        command = run.command(options.data, options.runs)
        print(shlex.join(command), flush=True)
        if not options.list and subprocess.run(command).returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

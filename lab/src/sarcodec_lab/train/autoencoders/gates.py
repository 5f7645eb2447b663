"""What CBAM's gates are worth in the runs of an ablation that are there. In: a folder of recipes NAME-GATES.toml, a folder of runs; out: a table.

A run lies in RUNS/NAME-GATES-sSEED, as `benchmarks/study_runs.py` leaves it. Gates that nobody trained are left out, and so are cut runs: what is held
against each other had the same batches from the same seeds.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sarcodec_lab.study.comparing.impact import shown, worth
from sarcodec_lab.train.autoencoders.ablation import (
    Judged,
    gained,
    gained_at_equal_bits,
    gate_recipes,
    is_finished,
    own,
    spent,
    spread,
)
from sarcodec_lab.train.autoencoders.keeping import STATE

ANCHOR, FULL = "none", "both"
COLUMNS = (
    "gates",
    "parameters",
    "seeds",
    "batches",
    "best development objective",
    "bit/pixel",
    "PSNR dB, study",
    "RMSE dB",
    "bit/pixel, less none",
    "PSNR dB, less none",
    "the same at equal bits",
)


def found_runs(recipes: str | Path, runs: str | Path) -> dict[str, list[Path]]:
    """Folders of the finished runs by gates, in the order of the seeds, which are the same for all; empty where there is nothing to compare.

    Of runs of different lengths those of the length that most have are taken (the longer of two). Raises InvalidArgument where a recipe is missing.
    """
    found = {gates: _finished(Path(runs), path.stem) for gates, path in gate_recipes(recipes).items()}
    lengths = Counter(length for by_seed in found.values() for _, length in by_seed.values())
    usual = max(lengths, key=lambda length: (lengths[length], length), default=0)
    kept = {
        gates: {seed: folder for seed, (folder, length) in by_seed.items() if length == usual}
        for gates, by_seed in found.items()
    }
    kept = {gates: by_seed for gates, by_seed in kept.items() if by_seed}
    seeds = sorted(set.intersection(*map(set, kept.values()))) if kept else []
    if len(kept) < 2 or ANCHOR not in kept or not seeds:
        return {}
    return {gates: [by_seed[seed] for seed in seeds] for gates, by_seed in kept.items()}


def _finished(runs: Path, name: str) -> dict[int, tuple[Path, int]]:
    """Folder and batches of every run of a recipe that has taken the batches of its own recipe, by seed."""
    found = {}
    for folder in runs.glob(f"{name}-s*"):
        seed, batches = folder.name.removeprefix(f"{name}-s"), batches_of(folder)
        if seed.isdecimal() and batches and is_finished(folder, batches):
            found[int(seed)] = folder, batches
    return found


def batches_of(run: Path) -> int:
    """Batches that a run was to take, by its own state; 0 where that cannot be read."""
    try:
        recipe = json.loads((run / STATE).read_text())["recipe"]
        return int(recipe["batches"] or recipe["epochs"] * recipe["epoch_batches"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def rows(judged: Mapping[str, Judged]) -> list[tuple[str, ...]]:
    """Under COLUMNS: mean and (of more than one seed) deviation over seeds, and differences with their intervals."""
    return [_row(gates, one, judged[ANCHOR]) for gates, one in judged.items()]


def _row(gates: str, one: Judged, anchor: Judged) -> tuple[str, ...]:
    figures = ((one.dev_losses, 3), (own(one.bits), 4), (own(one.psnr_db), 2), (own(one.rmse_db), 3))
    cells = [_shown(values, digits) for values, digits in figures]
    gains = ((spent, 4), (gained, 2), (gained_at_equal_bits, 2))
    against = ["" if one is anchor else shown(gain(one, anchor), digits) for gain, digits in gains]
    return gates, f"{one.parameters:,}", str(len(one.dev_losses)), str(one.batches), *cells, *against


def _shown(values: np.ndarray, digits: int) -> str:
    mean, deviation = spread(values)
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}" if len(values) > 1 else f"{mean:.{digits}f}"


def answer(judged: Mapping[str, Judged], name: str) -> str:
    """In a sentence: are both gates worth 0.5 dB over none? Or that nobody trained them both."""
    if FULL not in judged:
        return f"{name}: no run with both gates, so what they are worth is not known."
    anchor = judged[ANCHOR]
    gain = gained_at_equal_bits(judged[FULL], anchor)
    return worth(gain, f"Both gates against none at equal bits ({name}, {anchor.batches} batches)")

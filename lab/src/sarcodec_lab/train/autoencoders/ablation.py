"""A grid of runs, recipes times seeds, and what CBAM's gates are worth in it. In: recipes, data, RUNS; out: figures.

A run of the grid lies in RUNS/RECIPE-sSEED, as `sarcodec train RECIPE.toml --set seed=SEED --set name=RECIPE-sSEED` leaves it.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import parameter_count
from sarcodec_lab.study.comparing.impact import Difference, at_bits, difference
from sarcodec_lab.train.autoencoders.development import Crop, Trained, load_trained
from sarcodec_lab.train.autoencoders.keeping import BEST, LAST, STATE
from sarcodec_lab.train.autoencoders.run import read_autoencoder, train_autoencoder
from sarcodec_lab.train.images import Report

GATES = ("none", "channel", "spatial", "both")
MULTIPLIERS = (0.5, 1.0, 2.0)
"""Of the step, for the curve that makes networks of unlike bits comparable."""

TIMINGS = 2

_OWN = MULTIPLIERS.index(1.0)


@dataclass(frozen=True, eq=False)
class Judged:
    """All seeds of one recipe, on one set of crops. dev_losses (seeds,): best scores of training; bits, psnr_db and rmse_db
    (seeds, places, multipliers); seconds: median time to encode and decode one crop here, at one step."""

    name: str
    parameters: int
    batches: int
    dev_losses: np.ndarray
    bits: np.ndarray
    psnr_db: np.ndarray
    rmse_db: np.ndarray
    seconds: float


def run_grid(
    recipes: Sequence[str | Path],
    seeds: Sequence[int],
    data: str | Path | None,
    runs: str | Path,
    report: Report = print,
) -> dict[str, list[Path]]:
    """Train whatever of the grid is not there or not at its end; folders of the runs by recipe, in the order of the seeds.

    Raises what `train` does.
    """
    return {Path(r).stem: [_run(Path(r), seed, data, Path(runs), report) for seed in seeds] for r in recipes}


def _run(recipe: Path, seed: int, data, runs: Path, report: Report) -> Path:
    name = f"{recipe.stem}-s{seed}"
    folder, changes = runs / name, (f"seed={seed}", f"name={name}")
    changed = read_autoencoder(recipe, changes)
    if is_finished(folder, changed.total_batches):
        return folder
    report(f"{name}: training")
    return train_autoencoder(changed, data, runs, (folder / LAST).exists(), lambda line: None)


def is_finished(run: Path, batches: int) -> bool:
    """Whether a run has taken its batches and was judged."""
    try:
        return (run / BEST).exists() and json.loads((run / STATE).read_text())["batch"] >= batches
    except (OSError, ValueError, KeyError, TypeError):
        return False


def judge_grid(grid: dict[str, list[Path]], crops: Sequence[Crop]) -> list[Judged]:
    """Every run's best weights on the same crops, latents rounded, at MULTIPLIERS of the run's step."""
    return [_judged(name, folders, crops) for name, folders in grid.items()]


def _judged(name: str, folders: Sequence[Path], crops: Sequence[Crop]) -> Judged:
    trained = [load_trained(folder) for folder in folders]
    seconds = [_seconds(one, crops[0]) for one in trained for _ in range(TIMINGS)]
    by_crop = np.array(
        [
            [[(d.bits_per_pixel, d.psnr_db, d.rmse_db) for d in one.decoded(crop, MULTIPLIERS)] for crop in crops]
            for one in trained
        ]
    )
    bits, psnr_db, rmse_db = np.moveaxis(by_place(by_crop, [crop.place for crop in crops]), -1, 0)
    losses = np.array([json.loads((folder / STATE).read_text())["best"] for folder in folders])
    batches = min(one.recipe.total_batches for one in trained)
    count = parameter_count(trained[0].network)
    return Judged(name, count, batches, losses, bits, psnr_db, rmse_db, float(np.median(seconds)))


def _seconds(one: Trained, crop: Crop) -> float:
    began = time.perf_counter()
    one.decoded(crop)
    return time.perf_counter() - began


def by_place(figures: np.ndarray, places: Sequence[str]) -> np.ndarray:
    """(seeds, crops, ...) -> (seeds, places, ...): means over the crops of a place, which is one witness."""
    names = list(dict.fromkeys(places))
    return np.stack([figures[:, [p == name for p in places]].mean(1) for name in names], 1)


def gained(one: Judged, anchor: Judged) -> Difference:
    """PSNR in dB, one less the anchor, each at its own bits."""
    return difference(one.psnr_db[..., _OWN], anchor.psnr_db[..., _OWN])


def spent(one: Judged, anchor: Judged) -> Difference:
    """Bits a pixel, one less the anchor."""
    return difference(one.bits[..., _OWN], anchor.bits[..., _OWN])


def gained_at_equal_bits(one: Judged, anchor: Judged) -> Difference:
    """PSNR in dB, one less the anchor, at the bits that the anchor of the same seed takes at the same place."""
    return difference(at_bits(one.bits, one.psnr_db, anchor.bits[..., _OWN]), anchor.psnr_db[..., _OWN])


def spread(figures: np.ndarray) -> tuple[float, float]:
    """Mean, and standard deviation over the seeds (0 of one seed), of figures (seeds,) or (seeds, places)."""
    seeds = figures.reshape(len(figures), -1).mean(1)
    return float(seeds.mean()), float(seeds.std(ddof=1)) if len(seeds) > 1 else 0.0


def own(figures: np.ndarray) -> np.ndarray:
    """(seeds, places) at the step of training, of (seeds, places, multipliers)."""
    return figures[..., _OWN]


def gate_recipes(folder: str | Path) -> dict[str, Path]:
    """FOLDER/*-GATES.toml by gates, in the order of GATES. Raises InvalidArgument when one is missing or there are two."""
    found = {gates: sorted(Path(folder).glob(f"*-{gates}.toml")) for gates in GATES}
    wrong = [gates for gates, paths in found.items() if len(paths) != 1]
    if wrong:
        raise InvalidArgument(
            f"{folder} has not one recipe NAME-GATES.toml for each of {wrong}; expected {', '.join(GATES)}"
        )
    return {gates: paths[0] for gates, paths in found.items()}

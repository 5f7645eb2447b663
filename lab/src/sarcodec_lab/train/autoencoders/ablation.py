"""A grid of runs, recipes times seeds, judged on the same crops. In: folders of runs; out: figures. Trains nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import parameter_count
from sarcodec_lab.study.comparing.impact import Difference, at_bits, difference
from sarcodec_lab.train.autoencoders.development import Crop, load_trained
from sarcodec_lab.train.autoencoders.keeping import BEST, STATE

GATES = ("none", "channel", "spatial", "both")
MULTIPLIERS = (0.5, 1.0, 2.0)
"""Of the step, for the curve that makes networks of unlike bits comparable."""

_OWN = MULTIPLIERS.index(1.0)


@dataclass(frozen=True, eq=False)
class Judged:
    """All seeds of one recipe, on one set of crops. dev_losses (seeds,): best scores of training; bits, psnr_db and rmse_db
    (seeds, places, multipliers)."""

    parameters: int
    batches: int
    dev_losses: np.ndarray
    bits: np.ndarray
    psnr_db: np.ndarray
    rmse_db: np.ndarray


def is_finished(run: Path, batches: int) -> bool:
    """Whether a run has taken its batches and was judged."""
    try:
        return (run / BEST).exists() and json.loads((run / STATE).read_text())["batch"] >= batches
    except (OSError, ValueError, KeyError, TypeError):
        return False


def judge_grid(grid: Mapping[str, Sequence[Path]], crops: Sequence[Crop]) -> dict[str, Judged]:
    """Every run's best weights on the same crops, latents rounded, at MULTIPLIERS of the run's step; by the grid's names."""
    return {name: _judged(folders, crops) for name, folders in grid.items()}


def _judged(folders: Sequence[Path], crops: Sequence[Crop]) -> Judged:
    trained = [load_trained(folder) for folder in folders]
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
    return Judged(count, batches, losses, bits, psnr_db, rmse_db)


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
